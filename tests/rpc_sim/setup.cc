#include "tests/rpc_sim/setup.h"

namespace lamppost::rpc::sim {
namespace {

// In two of three runs, so that each fault is also seen alone.
uint64_t Sometimes(Random* random, uint64_t greatest) {
  return random->Below(3) == 0 ? 0 : random->Between(1, greatest);
}

Rates DrawRates(Random* random) {
  Rates rates;
  rates.request_lost = Sometimes(random, 100);
  rates.reply_lost = Sometimes(random, 150);
  rates.repeated = Sometimes(random, 100);
  rates.repeated_late = Sometimes(random, 60);
  rates.slow = Sometimes(random, 100);
  rates.crash = Sometimes(random, 8);
  rates.store_lost = Sometimes(random, 60);
  rates.store_answer_lost = Sometimes(random, 60);
  rates.store_slow = Sometimes(random, 60);
  rates.store_fails = Sometimes(random, 40);
  return rates;
}

EngineOptions DrawEngine(Random* random) {
  EngineOptions options;
  options.requests_max = random->Percent(30) ? random->Between(3, 8) : 100;
  options.callers_per_request_max = random->Percent(30) ? 2 : 8;
  options.params_bytes_max = random->Percent(20) ? 60 : 100'000;
  options.owner_poll_ms = 10;
  options.owner_poll_max_ms = 80;
  options.store_retry_ms = 20;
  options.store_retry_max_ms = 200;
  options.sweeper.retention_ms = random->Between(1500, 6000);
  options.sweeper.page_interval_ms = 30;
  options.sweeper.page_records = random->Between(2, 10);
  options.sweeper.round_interval_ms = 300;
  options.sweeper.records_max = random->Percent(15) ? 10 : 10'000;
  options.sweeper.clients_max = random->Percent(15) ? 1 : 100;
  return options;
}

SimFunction Make(std::string name, Repeat repeat, uint64_t run_ms_max) {
  SimFunction function;
  function.spec.name = std::move(name);
  function.spec.repeat = repeat;
  function.spec.concurrency_max = 2;
  function.spec.queue_max = 3;
  function.run_ms_max = run_ms_max;
  return function;
}

}  // namespace

Setup DrawSetup(uint64_t seed) {
  Random random(seed);
  Setup setup;
  setup.seed = seed;
  setup.store = random.Percent(35) ? StoreKind::kLocal : StoreKind::kShared;
  setup.servers = setup.store == StoreKind::kLocal ? random.Between(1, 2) : random.Between(1, 4);
  setup.clients = random.Between(2, 5);
  setup.jobs = random.Between(15, 90);
  setup.active_ms = random.Between(2000, 6000);
  setup.lease_ms = random.Between(100, 600);
  setup.engine = DrawEngine(&random);
  setup.rates = DrawRates(&random);
  setup.pauses = Sometimes(&random, 5);
  setup.kills = Sometimes(&random, 5);
  setup.stops = Sometimes(&random, 2);
  setup.wall_jumps = Sometimes(&random, 2);
  setup.client_crashes = Sometimes(&random, 3);
  setup.bursts = Sometimes(&random, 2);
  setup.swaps = random.Percent(30) ? random.Between(1, 4) : 0;
  if (setup.store == StoreKind::kShared) {
    setup.cuts = Sometimes(&random, 6);
    setup.outages = Sometimes(&random, 2);
  }
  return setup;
}

const std::vector<SimFunction>& SimFunctions() {
  static const auto* const kAll = [] {
    auto* const all = new std::vector<SimFunction>;
    all->push_back(Make("once", Repeat::kOnce, 60));
    all->push_back(Make("again", Repeat::kIdempotent, 120));
    SimFunction kill = Make("once-kill", Repeat::kOnce, 300);
    kill.spec.when_abandoned = WhenAbandoned::kKill;
    kill.spec.abandon_grace_ms = 40;
    all->push_back(kill);
    SimFunction fails = Make("fails", Repeat::kOnce, 40);
    fails.end = SimFunction::End::kFails;
    all->push_back(fails);
    SimFunction slow = Make("slow", Repeat::kOnce, 500);
    slow.spec.time_limit_ms = 300;
    slow.spec.concurrency_max = 1;
    slow.spec.queue_max = 1;
    all->push_back(slow);
    SimFunction again = Make("again-slow", Repeat::kIdempotent, 1200);
    again.spec.time_limit_ms = 1000;
    again.spec.when_abandoned = WhenAbandoned::kKill;
    again.spec.abandon_grace_ms = 100;
    all->push_back(again);
    return all;
  }();
  return *kAll;
}

}  // namespace lamppost::rpc::sim
