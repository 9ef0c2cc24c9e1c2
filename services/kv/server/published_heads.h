// The node's heads as its gRPC threads see them, and the wait for them to come to what a session asks for.
//
// The driver publishes; readers look, or wait. What is committed is in the store before it is published, so a
// reader that looks first and reads then sees at least what the heads cover.
//
// Thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_PUBLISHED_HEADS_H_
#define LAMPPOST_SERVICES_KV_SERVER_PUBLISHED_HEADS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/kv/core/heads.h"

namespace lamppost::kv {

class PublishedHeads {
 public:
  struct View {
    std::shared_ptr<const Heads> committed;  // the store holds all that they cover
    std::shared_ptr<const Heads>
        upcoming;         // after the commit under way; of it the store may hold all or nothing
    uint64_t number = 0;  // of committed heads published so far
    // Replica::WrittenHeads as committed: what a session may name.
    std::shared_ptr<const Heads> written = std::make_shared<const Heads>();
    // State::forgotten, after the commit under way: deletions up to there may be gone from the store.
    std::shared_ptr<const Heads> forgotten = std::make_shared<const Heads>();
  };

  // The driver is about to commit, and has committed.
  void SetUpcoming(const Heads& heads);
  void SetForgotten(const Heads& forgotten);
  void SetWritten(const Heads& written);
  void Publish(const Heads& heads);
  // Is called on the driver's thread after committed heads have changed; must not block. To be set before
  // anything is published.
  void SetListener(std::function<void()> listener) { listener_ = std::move(listener); }

  View Now() const;
  // Waits until the committed heads are other ones than those with this number, or the deadline has come, or
  // Close has been called.
  View AwaitAfter(uint64_t number, absl::Time deadline) const;

  // Nobody waits any more.
  void Close();
  bool IsClosed() const;

 private:
  std::function<void()> listener_;
  mutable absl::Mutex mutex_;
  View now_ ABSL_GUARDED_BY(mutex_) = {std::make_shared<const Heads>(), std::make_shared<const Heads>(), 0,
                                       std::make_shared<const Heads>(), std::make_shared<const Heads>()};
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_PUBLISHED_HEADS_H_
