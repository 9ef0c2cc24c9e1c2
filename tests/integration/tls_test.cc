// TLS: nodes that know each other by certificates, callers by certificates and tokens, and all who are
// refused.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/admin_service.pb.h"
#include "lamppost/kv/v1/replication_service.grpc.pb.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/kv/server/sync_checksum.h"
#include "services/security/gate.h"
#include "tests/integration/testing/any_call.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/tls_files.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace v1 = kv::v1;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(30);

size_t CountOf(const std::string& text, absl::string_view what) {
  size_t count = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) count += absl::StrContains(line, what) ? 1 : 0;
  return count;
}

std::vector<std::string> MethodsOfNode() {
  std::vector<std::string> methods;
  for (const auto* message :
       {v1::PutRequest::descriptor(), v1::ListMembersRequest::descriptor(), v1::SyncRequest::descriptor()}) {
    for (int i = 0; i < message->file()->service_count(); ++i) {
      for (std::string& method : MethodsOf(message->file()->service(i))) methods.push_back(std::move(method));
    }
  }
  return methods;
}

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(tls_.Init({"node/A=127.0.0.1", "node/B=127.0.0.1", "node/C=127.0.0.1", "user/ops=admin",
                         "user/reader=read", "user/writer=write", "server/rpc=127.0.0.1"}));
    Start({"A", "B", "C"});
  }
  // Keys, tokens and hashes are nowhere to be seen, whatever a test has done.
  void TearDown() override {
    std::vector<std::string> secrets;
    for (const char* user : {"ops", "reader", "writer"}) secrets.push_back(tls_.Token(user));
    for (const char* key : {"ca.key", "node-A.key", "user-ops.key"})
      secrets.push_back(tls_.Text(key).substr(40, 40));
    for (const std::string& id : cluster_->ids()) {
      const std::string pid = absl::StrCat(cluster_->node(id)->process()->pid());
      for (const std::string& text : {cluster_->node(id)->Log(), ReadFile("/proc/" + pid + "/cmdline")}) {
        for (const std::string& secret : secrets) EXPECT_THAT(text, Not(HasSubstr(secret)));
      }
    }
  }

  void Start(const std::vector<std::string>& ids) {
    ClusterOptions options;
    options.ids = ids;
    options.flags = {"--log-level", "info", "--listen", "127.0.0.1"};
    options.tls_directory = tls_.path();
    options.credentials = tls_.Showing("user-ops");
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }
  Node* node(const std::string& id) { return cluster_->node(id); }
  Finished Run(std::vector<std::string> words, const std::map<std::string, std::string>& environment = {}) {
    words.insert(words.begin(),
                 {"--node", "https://" + node("A")->address(), "--tls-ca", tls_.Path("ca.crt")});
    CommandSurroundings surroundings;
    for (const auto& [name, value] : environment) surroundings.environment[name] = value;
    return RunLamppost(words, surroundings);
  }
  std::string ReasonOfGet(const KvClient::Credentials& credentials) {
    return ErrorReason(node("A")->ClientWith(credentials)->Get("x").status());
  }
  // What becomes of a Sync that says it is by this node.
  absl::Status Sync(const KvClient::Credentials& credentials, const std::string& sender) {
    const auto client = node("A")->ClientWith(credentials);
    const auto stub = v1::ReplicationService::NewStub(client->channel());
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    const auto stream = stub->Sync(&context);
    v1::SyncRequest greeting;
    greeting.mutable_clock()->set_node_id(sender);
    greeting.mutable_clock()->set_counter(1);
    greeting.set_cluster("lamppost");
    greeting.set_checksum(kv::ChecksumOf(greeting));
    stream->Write(greeting);
    v1::SyncResponse answer;
    if (stream->Read(&answer)) context.TryCancel();
    return FromGrpcStatus(stream->Finish());
  }
  void ExpectUndisturbed() {
    ASSERT_OK(cluster_->client("A")->Put("after", "all").status());
    EXPECT_OK(cluster_->WaitText("B", "after", "all", kPatience));
    EXPECT_OK(cluster_->WaitConverged());
  }

  TlsDirectory tls_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(Tls, TheCommandAndTheClusterWork) {
  const std::vector<std::string> certified = {"--tls-cert", tls_.Path("user-ops.crt"), "--tls-key",
                                              tls_.Path("user-ops.key")};
  const auto with = [&certified](std::vector<std::string> words) {
    words.insert(words.end(), certified.begin(), certified.end());
    return words;
  };
  Finished put = Run(with({"put", "x", "10"}));
  EXPECT_EQ(put.exit_code, 0) << put.err;
  ASSERT_OK(cluster_->WaitText("C", "x", "10", kPatience));
  const Finished status = Run(with({"status"}));
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr(absl::StrCat("https://", node("B")->address())));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"get", "x"},
                                             {"scan"},
                                             {"explain", "x"},
                                             {"member", "list"},
                                             {"conflicts"},
                                             {"dump", "-"},
                                             {"snapshot", "save", NewTestPath("snapshot")},
                                             {"watch", "--from-beginning", "--limit", "1"},
                                             {"trace", "--for", "1s", "-o", NewTestPath("trace") + ".svg"}}) {
    const Finished finished = Run(with(words));
    EXPECT_EQ(finished.exit_code, 0) << words[0] << ": " << finished.err;
  }
}

TEST_F(Tls, TokensOfFilesAndOfTheEnvironment) {
  const Finished put = Run({"put", "x", "1", "--token-file", tls_.Path("user-writer.token")});
  EXPECT_EQ(put.exit_code, 0) << put.err;
  const Finished get = Run({"get", "x"}, {{"LAMPPOST_TOKEN", tls_.Token("reader")}});
  EXPECT_EQ(get.exit_code, 0) << get.err;
  EXPECT_THAT(get.out, HasSubstr("1"));
  const Finished denied = Run({"put", "x", "2"}, {{"LAMPPOST_TOKEN", tls_.Token("reader")}});
  EXPECT_EQ(denied.exit_code, 3);
  EXPECT_THAT(denied.err, HasSubstr("PERMISSION_DENIED/ROLE_MISSING: user reader lacks the role write"));
  const Finished missing = Run({"get", "x"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("UNAUTHENTICATED/CREDENTIALS_MISSING"));
}

// A method that were added without a thought of who may call it would show here.
TEST_F(Tls, NoMethodIsOpenToStrangersButHealthAndReflection) {
  const auto stranger = node("A")->ClientWith(tls_.Showing(""));
  EXPECT_TRUE(stranger->IsServing());
  for (const std::string& method : MethodsOfNode()) {
    const AnyCallEnd end = CallAny(stranger->channel(), method);
    EXPECT_EQ(end.status.code(), absl::StatusCode::kUnauthenticated) << method << ": " << end.status;
    EXPECT_EQ(ErrorReason(end.status), "CREDENTIALS_MISSING") << method;
    EXPECT_TRUE(end.clock.has_value()) << method;
  }
  EXPECT_TRUE(IsLetIn(
      CallAny(stranger->channel(), "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo").status));
}

TEST_F(Tls, EachRoleOpensItsMethods) {
  const std::map<std::string, std::vector<std::string>> opened = {
      {"read", {"Get", "Scan", "Watch", "Status"}}, {"write", {"Put", "Delete", "Write", "BulkWrite"}}};
  const auto opens = [&opened](const std::string& role, const std::string& method) {
    const std::string name = method.substr(method.rfind('/') + 1);
    if (absl::StrContains(method, "Replication")) return false;
    const auto it = opened.find(role);
    return it == opened.end() || std::count(it->second.begin(), it->second.end(), name) > 0;
  };
  for (const auto& [role, user] :
       {std::pair<std::string, std::string>{"read", "reader"}, {"write", "writer"}, {"admin", "ops"}}) {
    const auto client = node("A")->ClientWith(tls_.WithToken(tls_.Token(user)));
    for (const std::string& method : MethodsOfNode()) {
      const absl::Status status = CallAny(client->channel(), method, absl::Seconds(2)).status;
      EXPECT_EQ(IsLetIn(status), opens(role, method)) << role << " " << method << ": " << status;
    }
  }
}

TEST_F(Tls, CallersWithoutARightCertificateOrTokenAreRefusedAndLoggedOnce) {
  TlsDirectory other;
  ASSERT_OK(other.Init({"user/ops=admin"}));
  TlsDirectory expired;
  std::filesystem::create_directory(expired.path());
  for (const char* name : {"ca.crt", "ca.key"})
    std::filesystem::copy_file(tls_.Path(name), expired.Path(name));
  ASSERT_OK(expired.Init({"user/ops=admin"}, absl::Hours(1), absl::Now() - absl::Hours(2)));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ReasonOfGet(tls_.ShowingOneOf(other, "user-ops")), "CERTIFICATE_REFUSED");
    EXPECT_EQ(ReasonOfGet(tls_.ShowingOneOf(expired, "user-ops")), "CERTIFICATE_REFUSED");
    EXPECT_EQ(ReasonOfGet(tls_.WithToken(other.Token("ops"))), "TOKEN_UNKNOWN");
    EXPECT_EQ(ReasonOfGet(tls_.WithToken("x")), "TOKEN_UNKNOWN");
    EXPECT_EQ(ReasonOfGet(tls_.Showing("server-rpc")), "ROLE_MISSING");
  }
  const std::string log = node("A")->Log();
  EXPECT_EQ(CountOf(log, "certificate has expired"), 1u) << log;
  EXPECT_EQ(CountOf(log, "reason=CERTIFICATE_REFUSED"), 2u) << log;
  EXPECT_EQ(CountOf(log, "reason=TOKEN_UNKNOWN"), 1u) << log;
  EXPECT_EQ(CountOf(log, "server rpc lacks the role read"), 1u) << log;
  ExpectUndisturbed();
}

TEST_F(Tls, APeerCannotSpeakForAnother) {
  EXPECT_EQ(Sync(tls_.Showing("node-B"), "B").code(), absl::StatusCode::kCancelled);  // by this test
  const absl::Status as_another = Sync(tls_.Showing("node-B"), "C");
  EXPECT_EQ(as_another.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrorReason(as_another), "NODE_MISMATCH");
  EXPECT_EQ(ErrorReason(Sync(tls_.Showing("user-ops"), "B")), "NOT_A_NODE");
  EXPECT_EQ(ErrorReason(Sync(tls_.Showing(""), "B")), "CREDENTIALS_MISSING");
  EXPECT_EQ(ErrorReason(Sync(tls_.WithToken(tls_.Token("ops")), "B")), "NOT_A_NODE");
  EXPECT_EQ(CountOf(node("A")->Log(), "reason=NODE_MISMATCH"), 1u);
  ExpectUndisturbed();
}

// Whole processes: C comes back with a certificate that is not right. Its own keys and others' are kept
// apart.
TEST_F(Tls, ANodeWhoseCertificateIsRefusedIsKeptOut) {
  TlsDirectory other;
  ASSERT_OK(other.Init({"node/C=127.0.0.1"}));
  TlsDirectory expired;
  std::filesystem::create_directory(expired.path());
  for (const char* name : {"ca.crt", "ca.key"})
    std::filesystem::copy_file(tls_.Path(name), expired.Path(name));
  ASSERT_OK(expired.Init({"node/C=127.0.0.1"}, absl::Hours(1), absl::Now() - absl::Hours(2)));
  const std::vector<std::string> good = *node("C")->flags();
  for (const TlsDirectory* wrong : {&other, &expired}) {
    ASSERT_EQ(*node("C")->Stop(), 0);
    for (std::string& flag : *node("C")->flags()) {
      if (absl::EndsWith(flag, "/node-C.crt")) flag = wrong->Path("node-C.crt");
      if (absl::EndsWith(flag, "/node-C.key")) flag = wrong->Path("node-C.key");
    }
    ASSERT_OK(node("C")->Launch());
    ASSERT_OK(cluster_->client("A")->Put("without", wrong->path()).status());
    ASSERT_OK(cluster_->WaitText("B", "without", wrong->path(), kPatience));
    ASSERT_OK(WaitFor("A to have refused C", kPatience, [&] {
      return absl::StrContains(node("A")->Log(),
                               wrong == &other ? "unable to get local issuer" : "certificate has expired");
    }));
    // Nor does A believe it the other way.
    ASSERT_OK(WaitFor("A to be without C", kPatience, [&] {
      const v1::PeerStatus peer = cluster_->PeerOf("A", "C");
      return peer.state() == v1::PEER_STATE_DOWN && absl::StrContains(peer.detail(), "handshake failed");
    }));
    *node("C")->flags() = good;
  }
  const std::string log = node("A")->Log();
  EXPECT_EQ(CountOf(log, "reason=CERTIFICATE_REFUSED"), 2u) << log;
  ASSERT_EQ(*node("C")->Stop(), 0);
  ASSERT_OK(node("C")->Start());
  ExpectUndisturbed();
}

TEST_F(Tls, UsersComeAndGoWithoutARestart) {
  EXPECT_EQ(ReasonOfGet(tls_.WithToken(tls_.Token("reader"))), "");
  ASSERT_OK(tls_.Init({"user/late=read"}));
  ASSERT_OK(WaitFor("the new user to be known", kPatience,
                    [&] { return ReasonOfGet(tls_.WithToken(tls_.Token("late"))).empty(); }));
  // Somebody takes the reader out.
  tls_.TakeOut({"reader"});
  ASSERT_OK(WaitFor("the reader to be refused", kPatience,
                    [&] { return ReasonOfGet(tls_.WithToken(tls_.Token("reader"))) == "TOKEN_UNKNOWN"; }));
  EXPECT_EQ(ReasonOfGet(tls_.Showing("user-reader")), "USER_UNKNOWN");
  // What cannot be read changes nothing.
  std::ofstream(tls_.Path("access")) << "ops emperor\n";
  ASSERT_OK(WaitFor("the log to tell", kPatience, [&] {
    return absl::StrContains(node("A")->Log(), "changed certificates or users cannot be used");
  }));
  EXPECT_EQ(ReasonOfGet(tls_.Showing("user-ops")), "");
}

TEST_F(Tls, ARenewedCertificateIsServedWithoutARestart) {
  const auto served = [this] {
    const auto client = node("A")->ClientWith(tls_.Showing(""));
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    v1::StatusResponse response;
    client->stub()->Status(&context, {}, &response);
    return context.auth_context() == nullptr ? "" : security::CertificatesOf(*context.auth_context());
  };
  const std::string before = served();
  ASSERT_THAT(before, HasSubstr("BEGIN CERTIFICATE"));
  ASSERT_OK(cli::RenewTlsDirectory(tls_.path(), absl::Hours(48), absl::Now()).status());
  const std::string renewed = tls_.Text("node-A.crt");
  ASSERT_NE(renewed, tls_.Text("node-B.crt"));
  ASSERT_OK(WaitFor("the new certificate to be served", kPatience,
                    [&] { return absl::StrContains(served(), renewed); }));
  EXPECT_FALSE(absl::StrContains(before, renewed));
  ASSERT_OK(WaitFor("the log to tell", kPatience, [&] {
    return absl::StrContains(node("A")->Log(), "certificates and users are read again");
  }));
  // New links are made with it, too.
  ASSERT_EQ(*node("B")->Stop(), 0);
  ASSERT_OK(node("B")->Start());
  ExpectUndisturbed();
}

TEST_F(Tls, PlainTextOnATlsPortIsRefusedInWords) {
  const auto plain = node("A")->ClientWith(nullptr);
  for (const std::string& method : MethodsOfNode()) {
    const AnyCallEnd end = CallAny(plain->channel(), method);
    EXPECT_EQ(end.status.code(), absl::StatusCode::kUnauthenticated) << method << ": " << end.status;
    EXPECT_EQ(ErrorReason(end.status), "PLAIN_TEXT");
    EXPECT_TRUE(end.clock.has_value());
  }
  EXPECT_FALSE(plain->IsServing());
  const std::string reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  EXPECT_EQ(ErrorReason(CallAny(plain->channel(), reflection).status), "PLAIN_TEXT");
  const Finished finished = RunLamppost({"--node", node("A")->address(), "get", "x", "--timeout", "5s"});
  EXPECT_EQ(finished.exit_code, 3);
  EXPECT_THAT(finished.err, HasSubstr("UNAUTHENTICATED/PLAIN_TEXT")) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("https://"));
  const std::string log = node("A")->Log();
  EXPECT_EQ(CountOf(log, "reason=PLAIN_TEXT"), 1u) << log;
  ExpectUndisturbed();
}

TEST_F(Tls, JunkOnATlsPort) {
  std::vector<int> fds;
  for (const std::string& junk : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100'000, 'x'),
                                  std::string("\x16\x03\x01\xff\xff") + std::string(100'000, 'x')}) {
    const int fd = ConnectToLoopback(node("A")->port());
    ASSERT_GE(fd, 0);
    static_cast<void>(send(fd, junk.data(), junk.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    fds.push_back(fd);
  }
  ExpectUndisturbed();
  for (const int fd : fds) close(fd);
}

// Long before gRPC's own two minutes.
TEST_F(Tls, AHandshakeThatGoesNoFurtherIsBrokenOff) {
  const int fd = ConnectToLoopback(node("A")->port());
  ASSERT_GE(fd, 0);
  ASSERT_EQ(send(fd, "\x16", 1, MSG_NOSIGNAL), 1);
  pollfd end = {fd, POLLIN, 0};
  EXPECT_EQ(poll(&end, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience))), 1) << "still open";
  close(fd);
}

TEST_F(Tls, ANodeJoinsAndIsWhoItsCertificateNames) {
  ASSERT_OK(tls_.Init({"node/D=127.0.0.1"}));
  NodeOptions options;
  options.id = "D";
  options.port = ReservePort().value();
  options.data_directory = NewTestPath("data-D");
  options.flags = {"--listen",   "127.0.0.1",
                   "--tls-cert", tls_.Path("node-D.crt"),
                   "--tls-key",  tls_.Path("node-D.key"),
                   "--tls-ca",   tls_.Path("ca.crt")};
  options.credentials = tls_.Showing("user-ops");
  Node joining(options);
  joining.set_peers({"https://" + node("A")->address()});
  ASSERT_OK(joining.Launch());
  const std::vector<std::string> certified = {"--tls-cert", tls_.Path("user-ops.crt"), "--tls-key",
                                              tls_.Path("user-ops.key")};
  std::vector<std::string> words = {"member", "add", "https://" + joining.address()};
  words.insert(words.end(), certified.begin(), certified.end());
  Finished added;
  ASSERT_OK(WaitFor("D to be added", kPatience, [&] { return (added = Run(words)).exit_code == 0; }))
      << added.err;
  ASSERT_OK(cluster_->client("A")->Put("x", "joined").status());
  ASSERT_OK(WaitFor("D to have it", kPatience, [&] { return joining.client()->Text("x") == "joined"; }));
}

TEST_F(Tls, StartErrorsSayWhatIsWrong) {
  const auto start = [this](const std::vector<std::string>& flags) {
    ProcessOptions options;
    options.command = {
        kNodeProgram,        "--id", "A", "--port", absl::StrCat(ReservePort().value()), "--data-dir",
        NewTestPath("never")};
    options.command.insert(options.command.end(), flags.begin(), flags.end());
    return RunToEnd(options, kPatience);
  };
  const std::string ca = tls_.Path("ca.crt");
  const std::string crt = tls_.Path("node-A.crt");
  const std::string key = tls_.Path("node-A.key");
  const Finished half = start({"--tls-cert", crt, "--tls-key", key});
  EXPECT_EQ(half.exit_code, 2);
  EXPECT_THAT(half.err, HasSubstr("TLS takes all three of --tls-cert, --tls-key and --tls-ca"));
  const Finished http =
      start({"--tls-cert", crt, "--tls-key", key, "--tls-ca", ca, "--peers", "http://127.0.0.1:1"});
  EXPECT_EQ(http.exit_code, 2);
  EXPECT_THAT(http.err, HasSubstr("peers are named with https://"));
  const Finished https = start({"--peers", "https://127.0.0.1:1"});
  EXPECT_EQ(https.exit_code, 2);
  EXPECT_THAT(https.err, HasSubstr("takes --tls-cert"));
  const Finished mismatch = start({"--tls-cert", crt, "--tls-key", tls_.Path("node-B.key"), "--tls-ca", ca});
  EXPECT_EQ(mismatch.exit_code, 1);
  EXPECT_THAT(mismatch.err, HasSubstr("the key is not that of"));
  const Finished anothers =
      start({"--tls-cert", tls_.Path("node-B.crt"), "--tls-key", tls_.Path("node-B.key"), "--tls-ca", ca});
  EXPECT_EQ(anothers.exit_code, 1);
  EXPECT_THAT(anothers.err, HasSubstr("names node B, and has to name lamppost://node/A"));
}

}  // namespace
}  // namespace lamppost::testing
