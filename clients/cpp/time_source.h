// Time, as the retry loop sees it; tests put their own in its place.
#ifndef LAMPPOST_CLIENTS_CPP_TIME_SOURCE_H_
#define LAMPPOST_CLIENTS_CPP_TIME_SOURCE_H_

#include <chrono>
#include <cstdint>
#include <thread>

namespace lamppost::client {

// Implementations must be thread-safe.
class TimeSource {
 public:
  virtual ~TimeSource() = default;
  // Monotonic; the origin is arbitrary.
  virtual int64_t NowUs() = 0;
  virtual void SleepMs(int64_t duration_ms) = 0;

  int64_t NowMs() { return NowUs() / 1000; }
};

// The steady clock: steps of the wall clock shorten or lengthen no deadline.
class SteadyTimeSource final : public TimeSource {
 public:
  int64_t NowUs() override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
  void SleepMs(int64_t duration_ms) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(duration_ms));
  }
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_TIME_SOURCE_H_
