#include "services/rpc/metrics/rpc_metrics.h"

#include <utility>

#include "absl/time/time.h"

namespace lamppost::rpc {
namespace {

// Prometheus itself waits ten seconds by default.
constexpr absl::Duration kPatience = absl::Seconds(1);

EngineFacts FactsOf(const Engine& engine) {
  EngineFacts facts;
  facts.counts = engine.counts();
  facts.load = engine.load();
  for (const auto& [name, function] : engine.registry()->functions()) {
    if (facts.functions.size() >= EngineCounts::kFunctionsMax) break;
    const FunctionSpec& spec = function->spec;
    facts.functions.push_back(
        {name, engine.Running(name), spec.concurrency_max, engine.Waiting(name), spec.queue_max});
  }
  return facts;
}

}  // namespace

RpcMetrics::RpcMetrics(RpcMetricsParts parts)
    : parts_(std::move(parts)), question_([driver = parts_.driver](Question<Answer>::AnswerFn answer) {
        driver->Post([answer = std::move(answer)](Engine* engine) {
          answer(engine == nullptr ? Answer() : Answer(FactsOf(*engine)));
        });
      }) {}

MetricFamilies RpcMetrics::Collect() const {
  const DriverOptions& options = parts_.driver->options();
  const Driver::Queued queued = parts_.driver->queued();
  RpcServerFacts server;
  server.queued_calls = queued.calls;
  server.queued_calls_max = options.queued_calls_max;
  server.queued_bytes = queued.bytes;
  server.queued_bytes_max = options.queued_bytes_max;
  parts_.services(&server);
  const std::optional<Answer> answer = question_.Ask(kPatience);
  return RpcFamilies(answer && *answer ? &**answer : nullptr, server);
}

}  // namespace lamppost::rpc
