#include "tests/sim/draw_plan.h"

#include <algorithm>

#include "tests/sim/faults.h"
#include "tests/sim/random.h"

namespace lamppost::sim {
namespace {

void DrawCluster(Plan* plan, Random* random) {
  plan->nodes = random->Pick({2, 3, 3, 4, 5, 5, 6, 7, 9});
  plan->clients = 1 + random->Below(6);
  plan->sessions = random->Percent(50) ? 1 + random->Below(plan->clients) : 0;
  plan->durability = random->Percent(60) ? kv::Durability::kSync : kv::Durability::kInterval;
  plan->carriage = random->Percent(50) ? Carriage::kStream : Carriage::kDatagram;
  plan->latency_min_us = random->Pick({50, 200, 5000});
  plan->latency_max_us = plan->latency_min_us * random->Pick({1, 4, 30});
  plan->commit_min_us = random->Pick({50, 200, 2000});
  plan->commit_max_us = plan->commit_min_us * random->Pick({1, 5, 20});
  plan->chunk_bytes =
      random->Pick({uint64_t{1}, uint64_t{60}, uint64_t{150}, uint64_t{300}, uint64_t{1} << 17});
  plan->window_bytes = random->Pick({uint64_t{1}, uint64_t{200}, uint64_t{2000}, uint64_t{1} << 22});
  plan->live_gather_ms = random->Pick({0, 5, 5, 100, 1000});
}

void DrawRates(Plan* plan, Random* random) {
  const auto set = [&](Rate rate, uint64_t percent, uint64_t per_mille) {
    if (random->Percent(percent)) plan->rates[static_cast<size_t>(rate)] = per_mille;
  };
  if (plan->carriage == Carriage::kDatagram) {
    set(Rate::kDrop, 60, random->Pick({10, 50, 300}));
    set(Rate::kDuplicate, 60, random->Pick({20, 100, 400}));
    set(Rate::kReorder, 60, random->Pick({20, 200, 500}));
    set(Rate::kLate, 50, random->Pick({10, 50, 200}));
  } else {
    set(Rate::kDrop, 40, random->Pick({1, 5, 20}));  // each of them a broken connection
  }
  set(Rate::kFlip, 25, random->Pick({1, 5, 20}));
  set(Rate::kLoseReply, 40, random->Pick({50, 200}));
  set(Rate::kRecode, 50, 50);
}

// Keys by a law that a skewed draw follows: of two uniform draws the smaller one, or the smallest of more.
size_t DrawKey(size_t keys, int skew, Random* random) {
  uint64_t key = random->Below(keys);
  for (int i = 0; i < skew; ++i) key = std::min(key, random->Below(keys));
  return key;
}

void DrawErrands(Plan* plan, Random* random) {
  const size_t count = random->Pick({30, 100, 300, 800, 800});
  const size_t keys = random->Pick({1, 2, 4, 8, 30, 30, 200});
  const int skew = random->Pick({0, 0, 1, 4});
  const uint64_t deletes = random->Pick({5, 20, 40});
  const uint64_t reads = random->Pick({5, 20, 50});
  const uint64_t named = random->Pick({0, 20, 100});
  const uint64_t quiet_ms = random->Pick({0, 0, 0, 1500});  // faults strike before anything is written
  const bool roams = random->Percent(50);                   // clients go to any node, or stay at one
  const uint64_t replicated = random->Pick({0, 0, 5, 30});  // writes that more than one node must have
  for (size_t i = 0; i < count; ++i) {
    Errand errand;
    errand.at_ms = quiet_ms + random->Below(plan->faults_end_ms - quiet_ms);
    errand.client = random->Below(plan->clients);
    errand.node = roams ? random->Below(plan->nodes) : errand.client % plan->nodes;
    errand.named = random->Percent(named);
    const uint64_t draw = random->Below(100);
    errand.act = draw < reads             ? (random->Percent(85) ? Act::kGet : Act::kScan)
                 : draw < reads + deletes ? Act::kDelete
                 : random->Percent(15)    ? Act::kWrite
                 : random->Percent(3)     ? Act::kReuse
                 : random->Percent(8)     ? Act::kSettle
                                          : Act::kPut;
    const bool is_write = errand.act != Act::kGet && errand.act != Act::kScan;
    if (is_write && random->Percent(replicated)) errand.replicas = 2 + random->Below(plan->nodes);
    const size_t wanted = errand.act == Act::kScan ? 0 : errand.act == Act::kWrite ? 2 + random->Below(3) : 1;
    for (size_t tries = 0; errand.keys.size() < std::min(wanted, keys) && tries < 20; ++tries) {
      const size_t key = DrawKey(keys, skew, random);
      if (std::find(errand.keys.begin(), errand.keys.end(), key) == errand.keys.end())
        errand.keys.push_back(key);
    }
    plan->errands.push_back(std::move(errand));
  }
}

// From a source of their own, so that what is drawn of the rest does not depend on them.
void DrawExpiries(Plan* plan, Random random) {
  const uint64_t percent = random.Pick({0, 0, 20, 60});
  for (Errand& errand : plan->errands) {
    const bool puts = errand.act == Act::kPut || errand.act == Act::kWrite;
    if (!puts || !random.Percent(percent)) continue;
    errand.ttl_ms = random.Pick(
        {uint64_t{1}, uint64_t{100}, uint64_t{700}, uint64_t{3000}, uint64_t{20000}, uint64_t{86400000}});
  }
}

void DrawStrikes(Plan* plan, Random* random) {
  const uint64_t intensity = random->Pick({0, 50, 100, 100, 200});  // percent of the faults' own
  for (const Fault& fault : Faults()) {
    if (!random->Percent(fault.percent * intensity / 100)) continue;
    if (plan->durability == kv::Durability::kSync && fault.name == std::string("power-loss")) continue;
    if (plan->faults_end_ms < fault.room_ms) continue;
    const uint64_t times = random->Pick({1, 1, 2, 4});
    for (uint64_t i = 0; i < times; ++i) {
      Strike strike;
      strike.fault = fault.name;
      strike.at_ms = random->Below(plan->faults_end_ms);
      fault.draw(plan, &strike, random);
      plan->strikes.push_back(std::move(strike));
    }
  }
}

}  // namespace

Plan DrawPlan(uint64_t seed) {
  Random random(seed);
  Plan plan;
  plan.seed = seed;
  plan.faults_end_ms = random.Pick({2000, 6000, 15000});
  DrawCluster(&plan, &random);
  DrawRates(&plan, &random);
  DrawErrands(&plan, &random);
  DrawStrikes(&plan, &random);
  DrawExpiries(&plan, random.Fork('e'));
  plan.ledger_entries_max = random.Fork('l').Pick({10000, 10000, 10000, 10000, 5});
  const auto earlier = [](const auto& a, const auto& b) { return a.at_ms < b.at_ms; };
  std::stable_sort(plan.errands.begin(), plan.errands.end(), earlier);
  std::stable_sort(plan.strikes.begin(), plan.strikes.end(), earlier);
  return plan;
}

}  // namespace lamppost::sim
