// lamppost-kv nodes on loopback, each a process with a data directory of its own.
#ifndef LAMPPOST_TESTS_BENCH_CLUSTER_H_
#define LAMPPOST_TESTS_BENCH_CLUSTER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "tests/bench/process.h"

namespace lamppost::bench {

// Not thread-safe.
class Cluster {
 public:
  static constexpr int kNodes = 3;  // as a rule

  // durability: the node's flag. Returns when all have converged.
  static absl::StatusOr<std::unique_ptr<Cluster>> Start(const std::string& program,
                                                        const std::string& durability,
                                                        const std::string& directory, int nodes = kNodes);

  absl::Status StartNode(int node);
  // By SIGTERM, so that it leaves in order.
  absl::Status StopNode(int node);
  absl::Status Stop();

  int size() const { return static_cast<int>(ports_.size()); }
  // host:port
  std::string Target(int node) const;
  std::string DataDirectory(int node) const;
  const Process& process(int node) const { return *processes_[node]; }
  // Of all that run.
  double CpuSeconds() const;
  absl::StatusOr<kv::v1::StatusResponse> Status(int node);

  // Asks the node for its status until it is as wanted.
  absl::Status WaitFor(int node, const std::string& what,
                       const std::function<bool(const kv::v1::StatusResponse&)>& wanted, int64_t deadline_ms);
  // All nodes say that they have converged, with equal hashes.
  absl::Status WaitConverged(int64_t deadline_ms);

 private:
  Cluster(std::string program, std::string durability, std::string directory, std::vector<int> ports);

  const std::string program_;
  const std::string durability_;
  const std::string directory_;
  const std::vector<int> ports_;
  std::vector<std::unique_ptr<kv::v1::KvService::Stub>> stubs_;
  std::vector<std::unique_ptr<Process>> processes_;
};

// Writes the keys of a space that holds them all, by atomic batches through the nodes given; returns keys/s.
absl::StatusOr<double> Fill(const Cluster& cluster, const std::vector<int>& nodes, uint64_t keys,
                            size_t value_bytes);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_CLUSTER_H_
