#include "tests/bench/load.h"

#include <algorithm>
#include <chrono>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace lamppost::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kErrorsPerLaneMax = 100;
constexpr int64_t kGraceMs = 10'000;

double Microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

// One round. Lives on the caller's stack until its last lane has ended.
class Round {
 public:
  Round(const Lanes& lanes, const LoadLimits& limits)
      : lanes_(lanes),
        limits_(limits),
        start_(Clock::now()),
        end_(start_ + std::chrono::milliseconds(limits.duration_ms)),
        tracks_(lanes.size()),
        running_(lanes.size()) {}

  LoadResult Run() {
    for (size_t i = 0; i < lanes_.size(); ++i) Begin(i);
    Wait();
    return Result();
  }

 private:
  // What one lane has met; only that lane's call touches it.
  struct Track {
    Clock::time_point sent;
    Clock::time_point last_answer;
    std::vector<float> latencies_us;
    int errors = 0;
    std::string first_error;
  };

  void Begin(size_t i) {
    tracks_[i].sent = Clock::now();
    lanes_[i]->Start([this, i](const grpc::Status& status) { OnDone(i, status); });
  }

  void OnDone(size_t i, const grpc::Status& status) {
    Track& track = tracks_[i];
    track.last_answer = Clock::now();
    if (status.ok()) {
      track.latencies_us.push_back(static_cast<float>(Microseconds(track.last_answer - track.sent)));
    } else {
      if (track.errors++ == 0)
        track.first_error = absl::StrCat(status.error_code(), ": ", status.error_message());
    }
    const bool over = track.last_answer >= end_ || track.errors >= kErrorsPerLaneMax ||
                      (limits_.enough && limits_.enough());
    if (!over) return Begin(i);
    absl::MutexLock lock(&mutex_);
    --running_;
  }

  void Wait() {
    const auto ended = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return running_ == 0; };
    const absl::Duration patience = absl::Milliseconds(limits_.duration_ms + kGraceMs);
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&ended), patience)) return;
    }
    // By now no lane starts another call.
    for (const auto& lane : lanes_) lane->Cancel();
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&ended));
  }

  LoadResult Result() const {
    LoadResult result;
    std::vector<float> all;
    Clock::time_point last = start_;
    for (const Track& track : tracks_) {
      result.errors += track.errors;
      if (result.first_error.empty()) result.first_error = track.first_error;
      last = std::max(last, track.last_answer);
      all.insert(all.end(), track.latencies_us.begin(), track.latencies_us.end());
    }
    result.calls = all.size();
    result.seconds = std::chrono::duration<double>(last - start_).count();
    if (all.empty()) return result;
    result.calls_per_second = static_cast<double>(all.size()) / result.seconds;
    std::sort(all.begin(), all.end());
    result.p50_us = all[all.size() / 2];
    result.p99_us = all[all.size() * 99 / 100];
    return result;
  }

  const Lanes& lanes_;
  const LoadLimits& limits_;
  const Clock::time_point start_;
  const Clock::time_point end_;
  std::vector<Track> tracks_;
  absl::Mutex mutex_;
  size_t running_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

LoadResult RunLoad(const Lanes& lanes, int64_t duration_ms) {
  LoadLimits limits;
  limits.duration_ms = duration_ms;
  return RunLoad(lanes, limits);
}

LoadResult RunLoad(const Lanes& lanes, const LoadLimits& limits) {
  return Round(lanes, limits).Run();
}

std::vector<std::shared_ptr<grpc::Channel>> Connect(const std::string& target, int channels) {
  std::vector<std::shared_ptr<grpc::Channel>> connected;
  for (int i = 0; i < channels; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    connected.push_back(grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  }
  return connected;
}

}  // namespace lamppost::bench
