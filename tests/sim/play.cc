#include "tests/sim/play.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/sim/draw_plan.h"
#include "tests/sim/faults.h"

namespace lamppost::sim {
namespace {

uint64_t NowMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

template <typename Map>
std::string Counts(const Map& counts) {
  std::string text;
  for (const auto& [name, count] : counts) absl::StrAppend(&text, text.empty() ? "" : ", ", name, " ", count);
  return text;
}

// By their number in the design: F4 before F10.
std::map<std::string, std::string> FaultsByTag(const Tally& tally) {
  static constexpr const char* kRateTags[kRates] = {"F1", "F2", "F3", "F2", "F11", "F6", ""};
  std::map<std::string, std::string> by_tag;
  const auto add = [&](const std::string& tag, const std::string& name, uint64_t count) {
    if (tag.empty()) return;
    std::string& line = by_tag[tag.size() == 2 ? absl::StrCat(tag.substr(0, 1), " ", tag.substr(1)) : tag];
    absl::StrAppend(&line, line.empty() ? "" : ", ", name, " ", count);
  };
  for (size_t i = 0; i < kRates; ++i) add(kRateTags[i], NameOf(static_cast<Rate>(i)), tally.rates[i]);
  for (const Fault& fault : Faults()) {
    const auto struck = tally.strikes.find(fault.name);
    add(fault.tag, fault.name, struck == tally.strikes.end() ? 0 : struck->second);
  }
  return by_tag;
}

}  // namespace

bool Played::Violates(const std::string& invariant) const {
  return std::any_of(result.violations.begin(), result.violations.end(),
                     [&](const auto& violation) { return violation.invariant == invariant; });
}

std::string Played::WhatIsWrong() const {
  std::string text;
  for (const history::Violation& violation : result.violations) {
    absl::StrAppend(&text, "  ", violation.invariant, ": ", violation.what, "\n");
  }
  for (const std::string& fault : result.idle_faults) {
    absl::StrAppend(&text, "  the fault ", fault, " was to strike and never did\n");
  }
  return text;
}

Played Play(const Plan& plan, const std::vector<TimedObserver*>& watchers) {
  TraceHash hash;
  std::vector<Observer*> observers = {&hash};
  observers.insert(observers.end(), watchers.begin(), watchers.end());
  World world(plan, observers);
  for (TimedObserver* const watcher : watchers) watcher->Watch(world.scheduler());
  Played played;
  played.result = world.Run();
  for (TimedObserver* const watcher : watchers) watcher->Watch(nullptr);  // it goes with the world
  played.trace_hash = hash.value();
  return played;
}

Played Play(const Plan& plan, std::ostream* trace, TraceText::Detail detail) {
  TraceText text(trace, detail);
  return Play(plan, {&text});
}

SweepSummary Run(const Sweep& sweep) {
  SweepSummary summary;
  const uint64_t start_ms = NowMs();
  std::mutex mutex;  // guards all that follows
  uint64_t next_seed = sweep.first_seed;
  bool ended = false;
  const auto work = [&] {
    while (true) {
      uint64_t seed = 0;
      {
        std::lock_guard<std::mutex> lock(mutex);
        if (ended || next_seed - sweep.first_seed >= sweep.seeds || NowMs() - start_ms >= sweep.limit_ms)
          return;
        seed = next_seed++;
      }
      Plan plan = DrawPlan(seed);
      plan.events_max = sweep.events_max;
      const Played played = Play(plan);
      std::lock_guard<std::mutex> lock(mutex);
      ++summary.seeds;
      summary.events += played.result.events;
      summary.settle_ms_max = std::max(summary.settle_ms_max, played.result.settle_ms);
      summary.tally.Add(played.result.tally);
      if (!played.IsGood()) ++summary.bad;
      if (sweep.on_played && !sweep.on_played(seed, played)) ended = true;
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < sweep.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  summary.elapsed_ms = NowMs() - start_ms;
  return summary;
}

std::string ToText(const SweepSummary& summary) {
  const double seconds = std::max<double>(0.001, static_cast<double>(summary.elapsed_ms) / 1000.0);
  std::string text =
      absl::StrFormat("%d seeds in %.1f s, %d bad; %d events, %.0f a second; at rest after at most %d ms\n",
                      summary.seeds, seconds, summary.bad, summary.events,
                      static_cast<double>(summary.events) / seconds, summary.settle_ms_max);
  absl::StrAppend(&text, "faults:\n");
  for (const auto& [tag, line] : FaultsByTag(summary.tally)) {
    absl::StrAppend(&text, absl::StrFormat("  %-4s %s\n", tag, line));
  }
  absl::StrAppend(&text, "checked: ", Counts(summary.tally.checked), "\n");
  absl::StrAppend(&text, "beside:  ", Counts(summary.tally.other), "\n");
  return text;
}

}  // namespace lamppost::sim
