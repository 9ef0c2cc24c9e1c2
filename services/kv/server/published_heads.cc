#include "services/kv/server/published_heads.h"

#include "absl/time/time.h"

namespace lamppost::kv {

void PublishedHeads::SetUpcoming(const Heads& heads) {
  absl::MutexLock lock(&mutex_);
  if (*now_.upcoming != heads) now_.upcoming = std::make_shared<const Heads>(heads);
}

void PublishedHeads::SetForgotten(const Heads& forgotten) {
  absl::MutexLock lock(&mutex_);
  if (*now_.forgotten != forgotten) now_.forgotten = std::make_shared<const Heads>(forgotten);
}

void PublishedHeads::SetWritten(const Heads& written) {
  absl::MutexLock lock(&mutex_);
  if (*now_.written != written) now_.written = std::make_shared<const Heads>(written);
}

void PublishedHeads::Publish(const Heads& heads) {
  {
    absl::MutexLock lock(&mutex_);
    if (*now_.committed == heads) return;
    now_.committed = *now_.upcoming == heads ? now_.upcoming : std::make_shared<const Heads>(heads);
    ++now_.number;
  }
  if (listener_) listener_();
}

PublishedHeads::View PublishedHeads::Now() const {
  absl::ReaderMutexLock lock(&mutex_);
  return now_;
}

PublishedHeads::View PublishedHeads::AwaitAfter(uint64_t number, absl::Time deadline) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto changed = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return closed_ || now_.number != number; };
  mutex_.AwaitWithDeadline(absl::Condition(&changed), deadline);
  return now_;
}

void PublishedHeads::Close() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
}

bool PublishedHeads::IsClosed() const {
  absl::ReaderMutexLock lock(&mutex_);
  return closed_;
}

}  // namespace lamppost::kv
