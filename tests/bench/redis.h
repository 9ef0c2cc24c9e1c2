// A Redis master with two replicas on loopback, to compare with, measured by Redis's own client.
#ifndef LAMPPOST_TESTS_BENCH_REDIS_H_
#define LAMPPOST_TESTS_BENCH_REDIS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/kv_lanes.h"
#include "tests/bench/load.h"
#include "tests/bench/process.h"

namespace lamppost::bench {

struct RedisPrograms {
  std::string server;
  std::string benchmark;
};

// Append-only files, synced every second, on all three. Not thread-safe.
class RedisTrio {
 public:
  // Returns when both replicas are level with the master.
  static absl::StatusOr<std::unique_ptr<RedisTrio>> Start(const RedisPrograms& programs,
                                                          const std::string& directory);
  absl::Status Stop();
  double CpuSeconds() const;

  // SETs of random keys by redis-benchmark, `concurrency` connections with a call in flight each, for
  // about so long.
  absl::StatusOr<LoadResult> Set(int concurrency, const KeySpace& space, int64_t duration_ms);

 private:
  RedisTrio(RedisPrograms programs, std::string directory)
      : programs_(std::move(programs)), directory_(std::move(directory)) {}
  absl::Status StartServers();
  absl::Status WaitReplicas();

  const RedisPrograms programs_;
  const std::string directory_;
  std::vector<int> ports_;
  std::vector<std::unique_ptr<Process>> processes_;
  double expected_per_second_ = 50'000;  // to choose the number of calls; what the last round had
  int rounds_ = 0;
};

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_REDIS_H_
