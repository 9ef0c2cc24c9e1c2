#include "tests/bench/catch_up.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/bench/cluster.h"
#include "tests/bench/kv_lanes.h"
#include "tests/bench/load.h"

namespace lamppost::bench {
namespace {

constexpr int kAway = 2;  // the node that is stopped
constexpr int kLiveConcurrency = 16;
constexpr int64_t kDeadlineMs = 300'000;
constexpr int64_t kSettleMs = 60'000;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class CatchUp {
 public:
  CatchUp(const Options& options, Cluster* cluster) : options_(options), cluster_(*cluster) {
    result_.keys = options.catch_up_keys;
    result_.live_concurrency = kLiveConcurrency;
  }

  absl::StatusOr<CatchUpResult> Measure() {
    absl::Status status = FillWhileAway();
    if (status.ok()) status = MeasureLiveBefore();
    if (status.ok()) status = Return();
    if (!status.ok()) return status;
    return result_;
  }

 private:
  absl::Status FillWhileAway() {
    absl::Status status = Look(&result_.resident_empty, &result_.disk_empty);
    if (status.ok()) status = cluster_.StopNode(kAway);
    if (!status.ok()) return status;
    const absl::StatusOr<double> rate = Fill(cluster_, {0, 1}, options_.catch_up_keys, options_.value_bytes);
    if (!rate.ok()) return rate.status();
    result_.fill_keys_per_second = *rate;
    if (status = WaitAllKeys(0, kSettleMs); !status.ok()) return status;
    if (status = WaitAllKeys(1, kSettleMs); !status.ok()) return status;
    status = Look(&result_.resident_full, &result_.disk_full);
    const auto per_key = [this](uint64_t full, uint64_t empty) {
      return (static_cast<double>(full) - static_cast<double>(empty)) / static_cast<double>(result_.keys);
    };
    result_.resident_bytes_per_key = per_key(result_.resident_full, result_.resident_empty);
    result_.disk_bytes_per_key = per_key(result_.disk_full, result_.disk_empty);
    return status;
  }

  absl::Status Look(uint64_t* resident, uint64_t* disk) {
    const absl::StatusOr<MemoryBytes> memory = cluster_.process(0).Memory();
    if (!memory.ok()) return memory.status();
    *resident = memory->resident;
    *disk = FileBytes(cluster_.DataDirectory(0));
    return absl::OkStatus();
  }

  absl::Status WaitAllKeys(int node, int64_t deadline_ms) {
    const auto wanted = [this](const kv::v1::StatusResponse& status) {
      return status.keys() >= result_.keys;
    };
    return cluster_.WaitFor(node, "holding all keys", wanted, deadline_ms);
  }

  // The same keys over and over, so that their number stays.
  Lanes LiveLanes() {
    return PutLanes(Connect(cluster_.Target(0), 2), kLiveConcurrency,
                    {options_.catch_up_keys, options_.value_bytes}, RequestIds::kWithout);
  }

  absl::Status MeasureLiveBefore() {
    const Lanes lanes = LiveLanes();
    RunLoad(lanes, options_.warm_up_ms);
    const LoadResult live = RunLoad(lanes, options_.round_ms);
    if (live.calls == 0) return absl::InternalError("no live put succeeded");
    result_.live_puts_before = live.calls_per_second;
    result_.live_p99_before_us = live.p99_us;
    return absl::OkStatus();
  }

  absl::Status Return() {
    for (const int sender : {0, 1}) cluster_.process(sender).ResetPeak();
    const Lanes lanes = LiveLanes();
    std::atomic<bool> caught_up{false};
    LoadLimits limits;
    limits.duration_ms = kDeadlineMs;
    limits.enough = [&caught_up] { return caught_up.load(std::memory_order_relaxed); };
    const Clock::time_point start = Clock::now();
    if (absl::Status status = cluster_.StartNode(kAway); !status.ok()) return status;
    LoadResult live;
    std::thread load([&] { live = RunLoad(lanes, limits); });
    absl::Status status = WaitAllKeys(kAway, kDeadlineMs);
    result_.caught_up_seconds = SecondsSince(start);
    caught_up = true;
    load.join();
    if (status.ok()) status = cluster_.WaitConverged(kDeadlineMs);
    if (!status.ok()) return status;
    result_.converged_seconds = SecondsSince(start);
    result_.keys_per_second = static_cast<double>(result_.keys) / result_.caught_up_seconds;
    result_.live_puts_during = live.calls_per_second;
    result_.live_p99_during_us = live.p99_us;
    return Peaks();
  }

  absl::Status Peaks() {
    for (int node = 0; node < Cluster::kNodes; ++node) {
      const absl::StatusOr<MemoryBytes> memory = cluster_.process(node).Memory();
      if (!memory.ok()) return memory.status();
      uint64_t& peak = node == kAway ? result_.receiver_peak : result_.sender_peak;
      peak = std::max(peak, memory->peak);
    }
    return absl::OkStatus();
  }

  const Options& options_;
  Cluster& cluster_;
  CatchUpResult result_;
};

}  // namespace

absl::StatusOr<CatchUpResult> MeasureCatchUp(const Options& options, const std::string& directory) {
  absl::StatusOr<std::unique_ptr<Cluster>> cluster = Cluster::Start(options.node_program, "sync", directory);
  if (!cluster.ok()) return cluster.status();
  absl::StatusOr<CatchUpResult> result = CatchUp(options, cluster->get()).Measure();
  if (!result.ok()) return result;
  if (absl::Status status = (*cluster)->Stop(); !status.ok()) return status;
  return result;
}

}  // namespace lamppost::bench
