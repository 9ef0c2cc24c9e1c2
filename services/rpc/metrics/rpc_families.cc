#include "services/rpc/metrics/rpc_families.h"

#include <map>
#include <utility>

namespace lamppost::rpc {
namespace {

using prometheus::MetricType;

void AddNumber(MetricFamilies* families, const char* name, const char* help, uint64_t value) {
  AddGauge(families, name, help, static_cast<double>(value));
}

// Those that can be called are there from the beginning, with zeros: of a series that begins with one nobody
// sees the increase.
std::map<std::string, EngineCounts::Function> AllCounts(const EngineFacts& engine) {
  std::map<std::string, EngineCounts::Function> counts = engine.counts.functions();
  for (const EngineFacts::Function& function : engine.functions) {
    if (counts.size() >= EngineCounts::kFunctionsMax) break;
    counts[function.name];
  }
  return counts;
}

void AddRuns(const EngineFacts& engine, MetricFamilies* families) {
  FamilyOf started(MetricType::Counter, "lamppost_rpc_runs_started_total", "Runs that were started here.");
  FamilyOf outcomes(
      MetricType::Counter, "lamppost_rpc_outcomes_total",
      "Outcomes that this server has recorded: result, error (the function's own), or unknown.");
  FamilyOf seconds(MetricType::Counter, "lamppost_rpc_run_seconds_total",
                   "Time that ended runs took, together.");
  for (const auto& [name, counts] : AllCounts(engine)) {
    const std::pair<std::string, std::string> function = {"function", name};
    started.Add(static_cast<double>(counts.started), {function});
    outcomes.Add(static_cast<double>(counts.results), {function, {"outcome", "result"}});
    outcomes.Add(static_cast<double>(counts.errors), {function, {"outcome", "error"}});
    outcomes.Add(static_cast<double>(counts.unknowns), {function, {"outcome", "unknown"}});
    seconds.Add(static_cast<double>(counts.run_ms) / 1000, {function});
  }
  for (FamilyOf* family : {&started, &outcomes, &seconds}) family->MoveTo(families);
  AddCounter(families, "lamppost_rpc_interrupted_runs_total",
             "Runs of idempotent functions that this server's end cut off, and a retry repeats.",
             static_cast<double>(engine.counts.interrupted));
}

void AddPlaces(const EngineFacts& engine, MetricFamilies* families) {
  FamilyOf running(MetricType::Gauge, "lamppost_rpc_running", "Runs under way.");
  FamilyOf running_max(MetricType::Gauge, "lamppost_rpc_running_max", "As many runs may be under way.");
  FamilyOf waiting(MetricType::Gauge, "lamppost_rpc_waiting", "Calls that wait to become a run.");
  FamilyOf waiting_max(MetricType::Gauge, "lamppost_rpc_waiting_max", "As many calls may wait.");
  for (const EngineFacts::Function& function : engine.functions) {
    const MetricLabels labels = {{"function", function.name}};
    running.Add(static_cast<double>(function.running), labels);
    running_max.Add(static_cast<double>(function.running_max), labels);
    waiting.Add(static_cast<double>(function.waiting), labels);
    waiting_max.Add(static_cast<double>(function.waiting_max), labels);
  }
  for (FamilyOf* family : {&running, &running_max, &waiting, &waiting_max}) family->MoveTo(families);
}

void AddRetries(const EngineCounts& counts, MetricFamilies* families) {
  FamilyOf(MetricType::Counter, "lamppost_rpc_retries_total",
           "Calls with an id that was known already: it was under way here (joined), or recorded.")
      .Add(static_cast<double>(counts.joined), {{"met", "joined"}})
      .Add(static_cast<double>(counts.found), {{"met", "recorded"}})
      .MoveTo(families);
  AddCounter(families, "lamppost_rpc_replays_total", "Answers with the outcome of an earlier call's run.",
             static_cast<double>(counts.replayed));
}

void AddLoad(const EngineLoad& load, MetricFamilies* families) {
  AddNumber(families, "lamppost_rpc_requests", "Request ids under way.", load.requests);
  AddNumber(families, "lamppost_rpc_requests_max", "As many ids may be under way.", load.requests_max);
  AddNumber(families, "lamppost_rpc_params_bytes", "Params of the requests under way.", load.params_bytes);
  AddNumber(families, "lamppost_rpc_params_max_bytes", "As large may those params be together.",
            load.params_bytes_max);
  AddNumber(families, "lamppost_rpc_records", "Records in the request store, about.", load.records);
  AddNumber(families, "lamppost_rpc_records_max", "As many records may be kept.", load.records_max);
  AddNumber(families, "lamppost_rpc_marks", "Marks of forgotten ids that do not tell their age.", load.marks);
  AddNumber(families, "lamppost_rpc_marks_max", "As many marks may be kept.", load.marks_max);
}

void AddServer(const RpcServerFacts& server, MetricFamilies* families) {
  AddNumber(families, "lamppost_rpc_store_up", "1 if the request store answers.", server.store_is_up ? 1 : 0);
  AddNumber(families, "lamppost_rpc_calls", "Calls of Call and CallStream under way.", server.calls);
  AddNumber(families, "lamppost_rpc_calls_max", "As many of these calls may be under way.", server.calls_max);
  AddNumber(families, "lamppost_rpc_queued_calls", "Calls that the driver's thread has not seen yet.",
            server.queued_calls);
  AddNumber(families, "lamppost_rpc_queued_calls_max", "As many calls may wait for it.",
            server.queued_calls_max);
  AddNumber(families, "lamppost_rpc_queued_bytes", "The size of those calls.", server.queued_bytes);
  AddNumber(families, "lamppost_rpc_queued_max_bytes", "As large may those calls be together.",
            server.queued_bytes_max);
}

}  // namespace

MetricFamilies RpcFamilies(const EngineFacts* engine, const RpcServerFacts& server) {
  MetricFamilies families;
  AddGauge(&families, "lamppost_driver_up", "1 if the thread that does all the work answers.",
           engine != nullptr ? 1 : 0);
  AddServer(server, &families);
  if (engine == nullptr) return families;
  AddRuns(*engine, &families);
  AddPlaces(*engine, &families);
  AddRetries(engine->counts, &families);
  AddLoad(engine->load, &families);
  return families;
}

}  // namespace lamppost::rpc
