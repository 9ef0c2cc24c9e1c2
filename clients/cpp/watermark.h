// Which of a client's request ids are done: all below the oldest that is still open.
#ifndef LAMPPOST_CLIENTS_CPP_WATERMARK_H_
#define LAMPPOST_CLIENTS_CPP_WATERMARK_H_

#include <cstddef>
#include <mutex>
#include <set>

#include "clients/cpp/uuid_v7.h"
#include "services/rpc/core/request_id.h"

namespace lamppost::client {

// Thread-safe.
class WatermarkKeeper {
 public:
  // Ids whose outcome stays unknown are kept open, for somebody may ask again. Beyond so many the watermark
  // stands still for good.
  static constexpr size_t kOpenMax = 100'000;

  // Mints an id and opens it in one step, so that no watermark passes it.
  rpc::RequestId Open(UuidV7Minter* minter);
  // True if the id is open.
  bool IsOpen(const rpc::RequestId& id) const;
  // Nobody will ask for this id again.
  void Close(const rpc::RequestId& id);
  // All ids of this client below it are closed. Never falls. The nil UUID before the first Open.
  rpc::RequestId watermark() const;

 private:
  mutable std::mutex mutex_;
  std::set<rpc::RequestId> open_;  // guarded by mutex_, as are the others
  rpc::RequestId newest_;
  rpc::RequestId frozen_at_;
  bool frozen_ = false;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_WATERMARK_H_
