// Lanes of KvService calls.
#ifndef LAMPPOST_TESTS_BENCH_KV_LANES_H_
#define LAMPPOST_TESTS_BENCH_KV_LANES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/bench/load.h"

namespace lamppost::bench {

using Channels = std::vector<std::shared_ptr<grpc::Channel>>;

enum class RequestIds { kWithout, kWith };

struct KeySpace {
  uint64_t keys = 0;
  size_t value_bytes = 0;
};

// Each lane uses one of the channels, in turn. Every request carries a clock, as real clients' do.
Lanes PutLanes(const Channels& channels, int lanes, const KeySpace& space, RequestIds ids);
Lanes GetLanes(const Channels& channels, int lanes, const KeySpace& space);

// Writes each key of the space once, in atomic batches. The lanes must go in one RunLoad with `enough`
// bound to Ended, which returns true when no batch is left to be started.
class BatchWriter {
 public:
  BatchWriter(const KeySpace& space, int keys_per_batch);
  ~BatchWriter();
  Lanes MakeLanes(const Channels& channels, int lanes);
  bool Ended() const;  // thread-safe

 private:
  struct Shared;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_KV_LANES_H_
