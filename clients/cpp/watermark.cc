#include "clients/cpp/watermark.h"

namespace lamppost::client {

rpc::RequestId WatermarkKeeper::Open(UuidV7Minter* minter) {
  std::lock_guard<std::mutex> lock(mutex_);
  newest_ = minter->Mint();
  if (frozen_) return newest_;
  open_.insert(newest_);
  if (open_.size() > kOpenMax) {
    frozen_ = true;
    frozen_at_ = *open_.begin();
    open_.clear();
  }
  return newest_;
}

bool WatermarkKeeper::IsOpen(const rpc::RequestId& id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return frozen_ ? !(id < frozen_at_) : open_.count(id) > 0;
}

void WatermarkKeeper::Close(const rpc::RequestId& id) {
  std::lock_guard<std::mutex> lock(mutex_);
  open_.erase(id);
}

rpc::RequestId WatermarkKeeper::watermark() const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (frozen_) return frozen_at_;
  return open_.empty() ? newest_ : *open_.begin();
}

}  // namespace lamppost::client
