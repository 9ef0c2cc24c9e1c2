// What is known of a function server, as metrics. docs/metrics.md lists them.
//
// A pure function: whoever calls it has gathered the facts (rpc_metrics.h).
#ifndef LAMPPOST_SERVICES_RPC_METRICS_RPC_FAMILIES_H_
#define LAMPPOST_SERVICES_RPC_METRICS_RPC_FAMILIES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "services/common/metrics/families.h"
#include "services/rpc/core/engine_counts.h"

namespace lamppost::rpc {

// Of the driver's thread.
struct EngineFacts {
  struct Function {
    std::string name;
    size_t running = 0;
    size_t running_max = 0;
    size_t waiting = 0;
    size_t waiting_max = 0;
  };

  EngineCounts counts;
  EngineLoad load;
  std::vector<Function> functions;  // that can be called now
};

// What is known without asking the driver's thread.
struct RpcServerFacts {
  size_t queued_calls = 0;
  size_t queued_calls_max = 0;
  uint64_t queued_bytes = 0;
  uint64_t queued_bytes_max = 0;
  size_t calls = 0;  // gRPC's, under way
  size_t calls_max = 0;
  bool store_is_up = false;
};

// null: the driver's thread has not answered; then what it would have told is left out.
MetricFamilies RpcFamilies(const EngineFacts* engine, const RpcServerFacts& server);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_METRICS_RPC_FAMILIES_H_
