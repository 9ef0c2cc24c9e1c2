// A closed loop of calls: a fixed number of lanes, each with one call in flight at a time.
#ifndef LAMPPOST_TESTS_BENCH_LOAD_H_
#define LAMPPOST_TESTS_BENCH_LOAD_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lamppost::bench {

// One call at a time, over and over. Used by one thread at a time.
class Lane {
 public:
  using Done = std::function<void(const grpc::Status&)>;

  virtual ~Lane() = default;
  // Starts the next call; done is called on one of gRPC's threads, and may call Start again.
  virtual void Start(Done done) = 0;
  // Ends the call in flight early. The one member that may be called at the same time as others, but not
  // as Start.
  virtual void Cancel() = 0;
};

using Lanes = std::vector<std::unique_ptr<Lane>>;

struct LoadResult {
  uint64_t calls = 0;   // that succeeded
  uint64_t errors = 0;  // that failed
  std::string first_error;
  double seconds = 0;
  double calls_per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
};

// Keeps all lanes busy for so long, waits for the last calls, and returns. A lane that meets many errors
// stops early; calls that take ten seconds longer than the round are cancelled.
LoadResult RunLoad(const Lanes& lanes, int64_t duration_ms);

// The same until `enough` returns true, which is asked between calls, from several threads.
struct LoadLimits {
  int64_t duration_ms = 0;
  std::function<bool()> enough;
};
LoadResult RunLoad(const Lanes& lanes, const LoadLimits& limits);

// Connections of their own to one server; never shared between two elements.
std::vector<std::shared_ptr<grpc::Channel>> Connect(const std::string& target, int channels);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_LOAD_H_
