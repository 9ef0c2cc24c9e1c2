// TLS at a server of functions: who may call what.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lamppost/rpc/v1/fault_service.pb.h"
#include "lamppost/rpc/v1/function_service.pb.h"
#include "services/common/error.h"
#include "tests/integration/rpc/testing/rpc_server.h"
#include "tests/integration/testing/any_call.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/tls_files.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> FlagsOf(const TlsDirectory& tls, const std::string& stem) {
  return {"--listen",       "127.0.0.1",
          "--tls-cert",     tls.Path(stem + ".crt"),
          "--tls-key",      tls.Path(stem + ".key"),
          "--tls-ca",       tls.Path("ca.crt"),
          "--access-file",  tls.Path("access"),
          "--enable-faults"};
}

std::vector<std::string> Methods() {
  std::vector<std::string> methods;
  for (const auto* message : {rpc::v1::CallRequest::descriptor(), rpc::v1::AddFaultRequest::descriptor()}) {
    for (int i = 0; i < message->file()->service_count(); ++i) {
      for (std::string& method : MethodsOf(message->file()->service(i))) methods.push_back(std::move(method));
    }
  }
  return methods;
}

class RpcTls : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(tls_.Init({"server/one=127.0.0.1", "server/two=localhost", "user/ops=admin", "user/reader=read",
                         "user/adder=call:add", "user/all=call:*", "node/A=127.0.0.1"}));
    one_ = std::make_unique<RpcServer>(FlagsOf(tls_, "server-one"), tls_.Showing("user-ops"));
    two_ = std::make_unique<RpcServer>(FlagsOf(tls_, "server-two"), tls_.Showing("user-ops"));
    ASSERT_OK(one_->Start());
    ASSERT_OK(two_->Start());
  }
  Finished Run(const std::string& user, std::vector<std::string> words, const std::string& servers = "") {
    words.insert(words.begin(), {"--server", servers.empty() ? "https://" + one_->address() : servers,
                                 "--tls-ca", tls_.Path("ca.crt"), "--token-file",
                                 tls_.Path("user-" + user + ".token"), "--timeout", "10s"});
    return RunLamppost(words);
  }
  std::shared_ptr<grpc::Channel> ChannelWith(const RpcClient::Credentials& credentials) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel("ipv4:" + one_->address(), credentials, arguments);
  }

  TlsDirectory tls_;
  std::unique_ptr<RpcServer> one_;
  std::unique_ptr<RpcServer> two_;
};

TEST_F(RpcTls, ARoleForEachFunction) {
  EXPECT_EQ(Run("adder", {"call", "add", "a=1", "b=2"}).exit_code, 0);
  EXPECT_EQ(Run("adder", {"functions"}).exit_code, 0);
  EXPECT_EQ(Run("reader", {"functions"}).exit_code, 0);
  EXPECT_EQ(Run("all", {"call", "add", "a=1", "b=2", "--stream"}).exit_code, 0);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"call", "echo", "a=1"}, {"call", "echo", "a=1", "--stream"}}) {
    const Finished denied = Run("adder", words);
    EXPECT_EQ(denied.exit_code, 3);
    EXPECT_THAT(denied.err, HasSubstr("PERMISSION_DENIED/ROLE_MISSING")) << denied.err;
  }
  EXPECT_EQ(Run("reader", {"call", "add", "a=1", "b=2"}).exit_code, 3);
  EXPECT_EQ(Run("all", {"fault", "rpc", "clear"}).exit_code, 3);
  EXPECT_EQ(Run("ops", {"fault", "rpc", "clear"}).exit_code, 0);
}

TEST_F(RpcTls, NoMethodIsOpenToStrangers) {
  const auto channel = ChannelWith(tls_.Showing(""));
  for (const std::string& method : Methods()) {
    const AnyCallEnd end = CallAny(channel, method);
    EXPECT_EQ(ErrorReason(end.status), "CREDENTIALS_MISSING") << method << ": " << end.status;
    EXPECT_EQ(end.status.code(), absl::StatusCode::kUnauthenticated) << method;
    EXPECT_TRUE(end.clock.has_value()) << method;
  }
  // Nor may a node call functions.
  const auto node = ChannelWith(tls_.Showing("node-A"));
  for (const std::string& method : Methods()) {
    const bool is_read = absl::EndsWith(method, "/GetCall") || absl::EndsWith(method, "/ListFunctions");
    EXPECT_EQ(IsLetIn(CallAny(node, method).status), is_read) << method;
  }
}

// Several are equal: each shows a server's certificate, whatever host it is for.
TEST_F(RpcTls, SeveralServersAreAnyOfThem) {
  const std::string both = absl::StrCat("https://", one_->address(), ",https://", two_->address());
  for (int i = 0; i < 4; ++i) {
    const Finished called = Run("adder", {"call", "add", "a=1", "b=2"}, both);
    EXPECT_EQ(called.exit_code, 0) << called.err;
  }
}

TEST_F(RpcTls, AServerOfAnotherAuthorityIsNotBelieved) {
  TlsDirectory other;
  ASSERT_OK(other.Init({"server/one=127.0.0.1", "user/adder=call:add"}));
  const Finished called =
      RunLamppost({"--server", "https://" + one_->address(), "--tls-ca", other.Path("ca.crt"), "--token-file",
                   other.Path("user-adder.token"), "--timeout", "2s", "call", "add", "a=1", "b=2"});
  EXPECT_EQ(called.exit_code, 3);
  EXPECT_THAT(called.err, HasSubstr("its certificate is not by an authority of --tls-ca")) << called.err;
  EXPECT_THAT(called.err, Not(HasSubstr(other.Token("adder"))));
}

TEST_F(RpcTls, TheCertificateIsAServers) {
  ProcessOptions options;
  options.command = {kRpcProgram, "--port", "0", "--data-dir", NewTestPath("never")};
  for (const std::string& flag : FlagsOf(tls_, "user-ops")) options.command.push_back(flag);
  const Finished finished = RunToEnd(options, absl::Seconds(20));
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("names user ops, and has to name lamppost://server/NAME"));
}

}  // namespace
}  // namespace lamppost::testing
