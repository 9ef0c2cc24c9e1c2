#include "services/security/tls_listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/error.h"

namespace lamppost::security {
namespace {

// Keeps what it is given.
class Kept : public grpc::experimental::ExternalConnectionAcceptor {
 public:
  ~Kept() override {
    for (const int fd : fds_) close(fd);
  }
  void HandleNewConnection(NewConnectionParameters* connection) override {
    absl::MutexLock lock(&mutex_);
    fds_.push_back(connection->fd);
  }
  size_t Await(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto there = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return fds_.size() >= count; };
    mutex_.AwaitWithTimeout(absl::Condition(&there), absl::Seconds(30));
    return fds_.size();
  }
  size_t count() { return Await(0); }

 private:
  absl::Mutex mutex_;
  std::vector<int> fds_ ABSL_GUARDED_BY(mutex_);
};

class TlsListenerTest : public ::testing::Test {
 protected:
  void Start(const std::string& host) {
    auto listener = TlsListener::Open({Address{AddressScheme::kNone, host, 0}});
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    auto tls = std::make_unique<Kept>();
    auto plain = std::make_unique<Kept>();
    tls_ = tls.get();
    plain_ = plain.get();
    listener_->Start({std::move(tls), std::move(plain)});
  }
  int Connect(const std::string& host = "127.0.0.1") {
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<uint16_t>(listener_->ports()[0]));
    inet_pton(AF_INET, host.c_str(), &at.sin_addr);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0) {
      close(fd);
      return -1;
    }
    return fd;
  }
  void Say(int fd, const std::string& text) {
    ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // Whether the other end has hung up.
  static bool IsClosed(int fd) {
    timeval patience = {30, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    char byte = 0;
    const ssize_t got = read(fd, &byte, 1);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }

  std::unique_ptr<TlsListener> listener_;
  Kept* tls_ = nullptr;
  Kept* plain_ = nullptr;
};

TEST_F(TlsListenerTest, SortsByTheFirstByte) {
  Start("127.0.0.1");
  const int hello = Connect();
  const int http = Connect();
  const int silent = Connect();
  Say(hello, "\x16\x03\x01");
  Say(http, "PRI * HTTP/2.0");
  EXPECT_EQ(tls_->Await(1), 1u);
  EXPECT_EQ(plain_->Await(1), 1u);
  Say(silent, "\x16");
  EXPECT_EQ(tls_->Await(2), 2u);
  for (const int fd : {hello, http, silent}) close(fd);
}

TEST_F(TlsListenerTest, EveryInterface) {
  for (const char* host : {"0.0.0.0", "::"}) {
    Start(host);
    const int fd = Connect("127.0.0.2");
    ASSERT_GE(fd, 0) << host;
    Say(fd, "\x16");
    EXPECT_EQ(tls_->Await(1), 1u);
    close(fd);
  }
}

TEST_F(TlsListenerTest, ManySilentOnesDoNotKeepOthersOut) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 3 * TlsListener::kSilentMax) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ASSERT_GE(limit.rlim_cur, 3 * TlsListener::kSilentMax) << "this test needs descriptors";
  Start("127.0.0.1");
  std::vector<int> silent;
  for (size_t i = 0; i < TlsListener::kSilentMax + 1; ++i) {
    silent.push_back(Connect());
    ASSERT_GE(silent.back(), 0);
  }
  EXPECT_TRUE(IsClosed(silent[0]));
  const int fd = Connect();
  Say(fd, "\x16");
  EXPECT_EQ(tls_->Await(1), 1u);
  close(fd);
  for (const int each : silent) close(each);
}

TEST_F(TlsListenerTest, OneThatStaysSilentIsClosed) {
  Start("127.0.0.1");
  const int fd = Connect();
  const absl::Time began = absl::Now();
  EXPECT_TRUE(IsClosed(fd));
  EXPECT_GE(absl::Now() - began, absl::Milliseconds(TlsListener::kSilenceMaxMs - 1000));
  close(fd);
}

// gRPC's own listener stays deaf after it.
TEST_F(TlsListenerTest, HearsAgainWhenThereAreDescriptors) {
  Start("127.0.0.1");
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<int> ends;
  for (int i = 0; i < 8; ++i) ends.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(ends.back()) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  sockaddr_in at = {};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(listener_->ports()[0]));
  inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
  for (const int fd : ends) {
    ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);  // in the kernel's queue
    Say(fd, "\x16");
  }
  EXPECT_EQ(tls_->count(), 0u);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(tls_->Await(ends.size()), ends.size());
  for (const int fd : ends) close(fd);
}

TEST_F(TlsListenerTest, APortThatIsTaken) {
  Start("127.0.0.1");
  const auto second = TlsListener::Open({Address{AddressScheme::kNone, "127.0.0.1", listener_->ports()[0]}});
  EXPECT_EQ(ErrorReason(second.status()), "PORT_IN_USE");
}

TEST_F(TlsListenerTest, AfterStopNobodyIsHeard) {
  Start("127.0.0.1");
  const int before = Connect();
  listener_->Stop();
  EXPECT_LT(Connect(), 0);
  listener_.reset();
  EXPECT_TRUE(IsClosed(before));
  close(before);
}

}  // namespace
}  // namespace lamppost::security
