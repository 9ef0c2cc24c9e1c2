// A client that writes all the time, as bystanders of an outage do.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_STEADY_WRITER_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_STEADY_WRITER_H_

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/kv_client.h"

namespace lamppost::testing {

// Writes from its start to Join, and remembers how long it had to wait.
class SteadyWriter {
 public:
  SteadyWriter(const std::string& address, std::string prefix)
      : client_(address), prefix_(std::move(prefix)), thread_([this] { Run(); }) {}
  ~SteadyWriter() { Join(); }

  void Join() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int written() const { return written_; }
  // After Join.
  int failed() const { return failed_; }
  absl::Duration slowest() const { return slowest_; }

 private:
  void Run() {
    for (int i = 0; !stopped_; ++i) {
      const absl::Time begin = absl::Now();
      const bool ok = client_.Put(absl::StrCat(prefix_, i % 1000), absl::StrCat(i)).ok();
      slowest_ = std::max(slowest_, absl::Now() - begin);
      ++(ok ? written_ : failed_);
      absl::SleepFor(absl::Milliseconds(2));  // a steady load, not all that fits
    }
  }

  KvClient client_;
  const std::string prefix_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> written_{0};
  std::atomic<int> failed_{0};
  absl::Duration slowest_;
  std::thread thread_;
};

// No write failed, none took long.
inline void ExpectSteady(SteadyWriter* writer) {
  writer->Join();
  EXPECT_EQ(writer->failed(), 0);
  EXPECT_GT(writer->written(), 50);
  EXPECT_LT(writer->slowest(), absl::Seconds(3));
}

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_STEADY_WRITER_H_
