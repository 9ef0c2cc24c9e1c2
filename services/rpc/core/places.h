// How many runs of a function there may be at a time, and who is next.
//
// Pure; not thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_CORE_PLACES_H_
#define LAMPPOST_SERVICES_RPC_CORE_PLACES_H_

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/rpc/core/request_id.h"

namespace lamppost::rpc {

class Places {
 public:
  // Takes one of the function's places, if one is free and nobody waits for it.
  bool Take(const std::string& function, size_t places_max);
  // Waits behind all others. False if the queue is full.
  bool Wait(const std::string& function, size_t queue_max, const RequestId& id);
  void Withdraw(const std::string& function, const RequestId& id);
  void GiveBack(const std::string& function);

  // Who has waited longest.
  std::optional<RequestId> First(const std::string& function) const;
  // It takes a place, if one is free.
  bool TakeFirst(const std::string& function, size_t places_max);

  size_t taken(absl::string_view function) const;
  size_t waiting(absl::string_view function) const;

 private:
  struct Place {
    size_t taken = 0;
    std::deque<RequestId> queue;
  };
  void DropIfUnused(const std::string& function);

  std::map<std::string, Place, std::less<>> places_;  // of functions that run or are waited for
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_PLACES_H_
