// Three etcd members on loopback, to compare with.
#ifndef LAMPPOST_TESTS_BENCH_ETCD_H_
#define LAMPPOST_TESTS_BENCH_ETCD_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/kv_lanes.h"
#include "tests/bench/process.h"

namespace lamppost::bench {

// Not thread-safe.
class EtcdCluster {
 public:
  // program: etcd itself. Returns when there is a leader.
  static absl::StatusOr<std::unique_ptr<EtcdCluster>> Start(const std::string& program,
                                                            const std::string& directory);
  absl::Status Stop();
  double CpuSeconds() const;

  // The member that leads, which spares etcd the forwarding of its puts.
  const std::string& leader_target() const { return leader_target_; }
  const std::string& version() const { return version_; }

 private:
  EtcdCluster() = default;
  absl::Status FindLeader(const std::vector<int>& client_ports);

  std::vector<std::unique_ptr<Process>> processes_;
  std::string leader_target_;
  std::string version_;
};

// Lanes of etcd's Put, with the same client, keys and values as the others.
Lanes EtcdPutLanes(const Channels& channels, int lanes, const KeySpace& space);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_ETCD_H_
