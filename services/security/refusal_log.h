// Tells of refused callers in the log: of each once, not with each of its attempts.
#ifndef LAMPPOST_SERVICES_SECURITY_REFUSAL_LOG_H_
#define LAMPPOST_SERVICES_SECURITY_REFUSAL_LOG_H_

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lamppost::security {

// Thread-safe.
class RefusalLog {
 public:
  // The same host, refused for the same reason in the same words, is told of again after so long.
  static constexpr absl::Duration kAgainAfter = absl::Hours(1);
  // Of so many the log knows at a time; more within the hour are not told of, but for one word about that.
  static constexpr size_t kRefusalsMax = 1024;

  enum class Verdict { kTell, kTellThatThereAreMore, kKnown };
  // Whether to tell of it. `host` without the port.
  Verdict Judge(absl::string_view host, const absl::Status& refusal, absl::Time now);

  // Judges, and logs it. `peer` is what gRPC calls it.
  void Tell(absl::string_view peer, const absl::Status& refusal, absl::Time now);

 private:
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, absl::Time> told_ ABSL_GUARDED_BY(mutex_);
  absl::Time said_more_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

// "10.0.0.5" of "ipv4:10.0.0.5:51234", "[::1]" of "ipv6:%5B::1%5D:51234".
std::string HostOfPeer(absl::string_view peer);

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_REFUSAL_LOG_H_
