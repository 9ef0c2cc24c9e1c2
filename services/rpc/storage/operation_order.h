// Which operations may be under way together: not two of one id, so that those take effect in the order in
// which they came, and not more than so many.
//
// Pure; not thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_OPERATION_ORDER_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_OPERATION_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "services/rpc/core/request_id.h"
#include "services/rpc/core/request_store.h"

namespace lamppost::rpc {

class OperationOrder {
 public:
  struct Begun {
    uint64_t ticket = 0;  // for Done
    NumberedOperation operation;
  };

  explicit OperationOrder(size_t under_way_max) : under_way_max_(under_way_max) {}

  void Add(NumberedOperation operation);
  // The next one that may be begun, if there is one.
  std::optional<Begun> Begin();
  // It has ended: those behind it may be begun.
  void Done(uint64_t ticket);

  size_t under_way() const { return under_way_; }
  // Neither waiting nor under way.
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    NumberedOperation operation;
    std::vector<RequestId> ids;
    size_t behind = 0;  // of how many of its ids another one comes first
  };

  const size_t under_way_max_;
  size_t under_way_ = 0;
  uint64_t next_ticket_ = 1;
  std::map<uint64_t, Entry> entries_;                // by ticket
  std::map<RequestId, std::deque<uint64_t>> lines_;  // for each id, in order; the first may be under way
  std::deque<uint64_t> ready_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_OPERATION_ORDER_H_
