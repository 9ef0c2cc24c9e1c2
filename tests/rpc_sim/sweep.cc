#include "tests/rpc_sim/sweep.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace lamppost::rpc::sim {
namespace {

uint64_t NowMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace

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
        if (ended || next_seed - sweep.first_seed >= sweep.seeds) return;
        seed = next_seed++;
      }
      const Played played = Play(seed);
      std::lock_guard<std::mutex> lock(mutex);
      ++summary.seeds;
      summary.events += played.events;
      summary.settle_ms_max = std::max(summary.settle_ms_max, played.settle_ms);
      summary.tally.Add(played.tally);
      if (!played.violations.empty()) ++summary.bad;
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
      absl::StrFormat("%d seeds in %.1f s, %d bad; %d events; at rest after at most %d ms\n", summary.seeds,
                      seconds, summary.bad, summary.events, summary.settle_ms_max);
  for (size_t i = 0; i < FaultNames().size(); ++i) {
    absl::StrAppend(&text, absl::StrFormat("  struck  %9d  %s\n", summary.tally.strikes[i], FaultNames()[i]));
  }
  for (size_t i = 0; i < CheckNames().size(); ++i) {
    absl::StrAppend(&text, absl::StrFormat("  checked %9d  %s\n", summary.tally.looked[i], CheckNames()[i]));
  }
  for (const auto& [what, count] : summary.tally.other) {
    absl::StrAppend(&text, absl::StrFormat("  seen    %9d  %s\n", count, what));
  }
  return text;
}

}  // namespace lamppost::rpc::sim
