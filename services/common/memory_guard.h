// Keeps strangers from filling a server's memory: when the process holds too much, the connections that send
// most are shut.
//
// gRPC 1.51 bounds what a connection may do by what its client has agreed to (streams at a time), and does
// not slow down one that opens streams and resets them at once (CVE-2023-44487); its memory quota counts
// buffers, not calls. So a few connections can make it hold gigabytes within seconds. All else that a server
// holds is bounded elsewhere; if it comes above this bound, it is such a flood. A client that is shut by
// mistake comes back.
#ifndef LAMPPOST_SERVICES_COMMON_MEMORY_GUARD_H_
#define LAMPPOST_SERVICES_COMMON_MEMORY_GUARD_H_

#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lamppost {

struct MemoryGuardOptions {
  uint64_t bytes_max = 0;          // of the process's resident memory
  std::vector<int> ports;          // the server's; other connections are left alone
  uint64_t interval_ms = 20;       // from one look to the next
  uint64_t memory_of_ms = 1000;    // what was sent longer than this before memory was short does not count
  int shed_max = 16;               // connections at a look
  uint64_t sent_bytes_min = 4096;  // who has sent less is not shut
};

// Has a thread of its own for as long as it lives.
class MemoryGuard {
 public:
  explicit MemoryGuard(MemoryGuardOptions options);
  ~MemoryGuard();
  MemoryGuard(const MemoryGuard&) = delete;
  MemoryGuard& operator=(const MemoryGuard&) = delete;

 private:
  struct Connection {
    int fd;
    std::string peer;
    uint64_t received_bytes;  // since it was made
  };

  void Run();
  void Look(absl::Time now);
  std::vector<Connection> Connections() const;
  void Remember(absl::Time now);
  // How much each has sent since what is remembered, the greatest first.
  std::vector<std::pair<uint64_t, Connection>> Senders() const;
  void Shut(const Connection& connection, uint64_t sent_bytes, absl::Time now);

  const MemoryGuardOptions options_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  // Of its thread.
  // What each connection had sent when there last was memory enough, within the second before.
  std::map<std::pair<int, std::string>, uint64_t> received_;
  absl::Time remembered_ = absl::InfinitePast();
  absl::Time told_ = absl::InfinitePast();
  uint64_t shut_ = 0;  // since it was last told of

  std::thread thread_;
};

// What this process has in memory now (its resident set).
uint64_t ResidentBytes();

// How much it may have: the machine's memory, or what its control group allows, if that is less.
uint64_t AllowedBytes();

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_MEMORY_GUARD_H_
