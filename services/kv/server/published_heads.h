// The node's heads as its gRPC threads see them, and the wait for them to come to what a session asks for.
//
// The driver publishes; readers look, or wait. What is committed is in the store before it is published, so a
// reader that looks first and reads then sees at least what the heads cover.
//
// Thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_PUBLISHED_HEADS_H_
#define LAMPPOST_SERVICES_KV_SERVER_PUBLISHED_HEADS_H_

#include <cstdint>
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
  };

  // The driver is about to commit, and has committed.
  void SetUpcoming(const Heads& heads);
  void Publish(const Heads& heads);

  View Now() const;
  // Waits until the committed heads are other ones than those with this number, or the deadline has come, or
  // Close has been called.
  View AwaitAfter(uint64_t number, absl::Time deadline) const;

  // Nobody waits any more.
  void Close();
  bool IsClosed() const;

 private:
  mutable absl::Mutex mutex_;
  View now_ ABSL_GUARDED_BY(mutex_) = {std::make_shared<const Heads>(), std::make_shared<const Heads>(), 0};
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_PUBLISHED_HEADS_H_
