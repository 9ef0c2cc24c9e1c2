#include "services/common/service_notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

namespace lamppost {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kNotYet = ServiceNotices::Readiness::kNotYet;
constexpr auto kReady = ServiceNotices::Readiness::kReady;

// Hears what systemd would.
class ServiceNoticesTest : public ::testing::Test {
 protected:
  ServiceNoticesTest() {
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    // An abstract name: the path of a sandbox is longer than an address may be.
    const std::string name = "lamppost-notices-test." + std::to_string(getpid());
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    EXPECT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0) << std::strerror(errno);
    setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  ~ServiceNoticesTest() override {
    close(socket_);
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }

  static void SetWatchdog(const char* time_us) { setenv("WATCHDOG_USEC", time_us, 1); }

  // Each message since the last call.
  std::vector<std::string> Heard() {
    std::vector<std::string> heard;
    char buffer[4096];
    while (true) {
      const ssize_t bytes = recv(socket_, buffer, sizeof(buffer), 0);
      if (bytes < 0) return heard;
      heard.emplace_back(buffer, static_cast<size_t>(bytes));
    }
  }

  int socket_ = -1;
};

TEST_F(ServiceNoticesTest, IsReadyOnceAndFeedsTheWatchdogFourTimesInItsTime) {
  SetWatchdog("4000000");
  ServiceNotices notices;
  notices.Alive(kReady, 10'000, "serving");
  EXPECT_THAT(Heard(), ElementsAre("READY=1\nWATCHDOG=1\nSTATUS=serving\n"));
  for (uint64_t now_ms = 10'050; now_ms < 14'000; now_ms += 50) notices.Alive(kReady, now_ms, "serving");
  EXPECT_THAT(Heard(), ElementsAre("WATCHDOG=1\n", "WATCHDOG=1\n", "WATCHDOG=1\n"));
}

TEST_F(ServiceNoticesTest, AsksForTimeWhileItIsNotReady) {
  SetWatchdog("4000000");
  ServiceNotices notices;
  notices.Alive(kNotYet, 1'000, "asking");
  notices.Alive(kNotYet, 1'050, "asking");
  notices.Alive(kNotYet, 9'000, "refilling");
  notices.Alive(kReady, 9'050, "serving");
  EXPECT_THAT(Heard(), ElementsAre("EXTEND_TIMEOUT_USEC=30000000\nSTATUS=asking\n",
                                   "EXTEND_TIMEOUT_USEC=30000000\nSTATUS=refilling\n",
                                   "READY=1\nWATCHDOG=1\nSTATUS=serving\n"));
}

TEST_F(ServiceNoticesTest, StaysReady) {
  ServiceNotices notices;
  notices.Alive(kReady, 1'000, "serving");
  notices.Alive(kNotYet, 1'050, "refilling");
  notices.Alive(kReady, 1'100, "serving");
  EXPECT_THAT(Heard(), ElementsAre("READY=1\nSTATUS=serving\n", "STATUS=refilling\n", "STATUS=serving\n"));
}

TEST_F(ServiceNoticesTest, TheWatchdogWaitsThroughARest) {
  SetWatchdog("4000000");
  ServiceNotices notices;
  notices.Alive(kReady, 1'000, "serving");
  Heard();
  notices.Rest("healing");
  EXPECT_THAT(Heard(), ElementsAre("WATCHDOG_USEC=0\nSTATUS=healing\n"));
  notices.Alive(kNotYet, 1'100, "refilling");
  EXPECT_THAT(Heard(), ElementsAre("WATCHDOG_USEC=4000000\nWATCHDOG=1\nSTATUS=refilling\n"));
}

TEST_F(ServiceNoticesTest, NothingFollowsStopping) {
  ServiceNotices notices;
  notices.Alive(kReady, 1'000, "serving");
  Heard();
  notices.Stopping(5'000);
  notices.Alive(kReady, 90'000, "serving");
  notices.Stopping(5'000);
  EXPECT_THAT(Heard(), ElementsAre("STOPPING=1\nEXTEND_TIMEOUT_USEC=5000000\nSTATUS=stopping\n"));
}

TEST_F(ServiceNoticesTest, WithoutSystemdNothingIsSaid) {
  unsetenv("NOTIFY_SOCKET");
  SetWatchdog("4000000");
  ServiceNotices notices;
  notices.Alive(kReady, 1'000, "serving");
  notices.Stopping(5'000);
  EXPECT_THAT(Heard(), IsEmpty());
}

TEST_F(ServiceNoticesTest, AnotherProcessesWatchdogIsNotFed) {
  SetWatchdog("4000000");
  setenv("WATCHDOG_PID", "1", 1);
  ServiceNotices notices;
  notices.Alive(kReady, 1'000, "serving");
  EXPECT_THAT(Heard(), ElementsAre("READY=1\nSTATUS=serving\n"));
}

}  // namespace
}  // namespace lamppost
