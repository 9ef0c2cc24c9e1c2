#include "clients/cpp/ready_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "clients/cpp/fake_kv_service.h"

namespace lamppost::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct NoStubs {
  explicit NoStubs(const std::shared_ptr<grpc::Channel>& channel_in) : channel(channel_in) {}
  const std::shared_ptr<grpc::Channel> channel;
};

std::chrono::system_clock::time_point In(int timeout_ms) {
  return std::chrono::system_clock::now() + std::chrono::milliseconds(timeout_ms);
}

std::string ErrorOf(ReadyLink<NoStubs>* link, int timeout_ms) {
  return std::string(link->Get(In(timeout_ms), timeout_ms).status().message());
}

TEST(ReadyLinkTest, WithoutTimeItTellsWhatTheAttemptBeforeFound) {
  auto node = std::make_unique<FakeNode>("A");  // plain text
  auto credentials = grpc::SslCredentials(grpc::SslCredentialsOptions());
  ReadyLink<NoStubs> link("the node", [&credentials, &node](ReadyLink<NoStubs>::Deadline) {
    return OpenChannel(absl::StrCat("ipv4:127.0.0.1:", node->port()), LinkArguments(1 << 20), credentials);
  });
  EXPECT_EQ(ErrorOf(&link, 0), "the node could not be connected to within 0 ms") << "nothing is known yet";
  EXPECT_EQ(ErrorOf(&link, 20'000), "the node cannot be reached: it speaks no TLS");
  EXPECT_EQ(ErrorOf(&link, 0), "the node cannot be reached: it speaks no TLS");

  credentials = nullptr;
  const auto stubs = link.Get(In(20'000), 20'000);
  ASSERT_TRUE(stubs.ok()) << stubs.status();
  node->Stop();
  ASSERT_TRUE((*stubs)->channel->WaitForStateChange(GRPC_CHANNEL_READY, In(20'000)));
  EXPECT_THAT(ErrorOf(&link, 0), AllOf(HasSubstr("the node"), Not(HasSubstr("TLS"))))
      << "what was found before it was reached is out of date";
}

}  // namespace
}  // namespace lamppost::client
