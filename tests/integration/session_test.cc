// Sessions on real processes: what a client has seen at one node it finds at any other, or is told in time
// that it is not there yet.
#include <chrono>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/common/listen_address.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;
namespace v1 = kv::v1;

uint64_t CounterOf(const v1::Session& session, const std::string& node_id) {
  uint64_t counter = 0;
  for (const auto& head : session.heads()) {
    if (head.origin().node_id() == node_id) counter = std::max(counter, head.counter());
  }
  return counter;
}

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() : cluster_(Options()) {}
  void SetUp() override { ASSERT_OK(cluster_.StartAll()); }

  static ClusterOptions Options() {
    ClusterOptions options;
    options.links = Links::kProxied;
    return options;
  }

  // Nothing passes between B and the others.
  void SetAroundB(LinkProxy::Mode mode) {
    for (const char* other : {"A", "C"}) cluster_.SetBoth("B", other, mode);
  }

  absl::StatusOr<v1::GetResponse> Get(const std::string& id, const std::string& key,
                                      const v1::Session& session,
                                      absl::Duration timeout = absl::Seconds(10)) {
    v1::GetRequest request;
    request.set_key(key);
    *request.mutable_session() = session;
    return KvClient(cluster_.node(id)->address(), timeout).Get(request);
  }

  client::ClientOptions ClientOf(const std::vector<std::string>& ids) {
    client::ClientOptions options;
    for (const std::string& id : ids) options.nodes.push_back(*ParseAddress(cluster_.node(id)->address()));
    options.session = std::make_shared<client::ClientSession>();
    return options;
  }

  Cluster cluster_;
};

TEST_F(SessionTest, EveryAnswerCoversWhatItTells) {
  KvClient* a = cluster_.client("A");
  const auto put = a->Put("x", "1");
  ASSERT_OK(put.status());
  EXPECT_GE(CounterOf(put->session(), "A"), put->version().counter());
  const auto got = a->Get("x");
  ASSERT_OK(got.status());
  EXPECT_GE(CounterOf(got->session(), "A"), put->version().counter());
  const auto written = a->Write(Batch({{"y", "1"}}));
  ASSERT_OK(written.status());
  EXPECT_GE(CounterOf(written->session(), "A"), written->version().counter());
  const auto page = a->Scan({});
  ASSERT_OK(page.status());
  EXPECT_GE(CounterOf(page->session(), "A"), written->version().counter());
  const auto deleted = a->Delete("x");
  ASSERT_OK(deleted.status());
  EXPECT_GE(CounterOf(deleted->session(), "A"), deleted->version().counter());
  const auto gone = a->Get("x");
  ASSERT_OK(gone.status());
  EXPECT_GE(CounterOf(gone->session(), "A"), deleted->version().counter());
}

TEST_F(SessionTest, AReadElsewhereWaitsUntilItsOwnWriteIsThere) {
  SetAroundB(LinkProxy::Mode::kStalled);
  const auto put = cluster_.client("A")->Put("x", "1");
  ASSERT_OK(put.status());
  EXPECT_FALSE(cluster_.client("B")->Get("x")->found()) << "without a session there is what there is";
  absl::StatusOr<v1::GetResponse> got;
  std::thread reader([&] { got = Get("B", "x", put->session(), absl::Seconds(30)); });
  // It waits for what B cannot have yet.
  EXPECT_FALSE(cluster_.client("B")->Get("x")->found());
  SetAroundB(LinkProxy::Mode::kOpen);
  reader.join();
  ASSERT_OK(got.status());
  EXPECT_EQ(got->value().text(), "1");
}

TEST_F(SessionTest, ANodeThatIsBehindSaysSoInTimeAndWhoLags) {
  SetAroundB(LinkProxy::Mode::kCut);
  const auto put = cluster_.client("A")->Put("x", "1");
  ASSERT_OK(put.status());
  const absl::Time begun = absl::Now();
  const absl::Status behind = Get("B", "x", put->session(), absl::Seconds(1)).status();
  EXPECT_LT(absl::Now() - begun, absl::Seconds(1));
  EXPECT_EQ(behind.code(), absl::StatusCode::kUnavailable) << behind;
  EXPECT_EQ(ReasonOf(behind), "SESSION_AHEAD");
  EXPECT_TRUE(RetryDelayMs(behind).has_value());
  EXPECT_THAT(std::string(behind.message()), HasSubstr("the session has A.1 up to"));
  v1::ScanRequest scan;
  *scan.mutable_session() = put->session();
  const absl::Status scanned = KvClient(cluster_.node("B")->address(), absl::Seconds(1)).Scan(scan).status();
  EXPECT_EQ(ReasonOf(scanned), "SESSION_AHEAD") << scanned;
  // Others do not wait.
  EXPECT_OK(cluster_.client("B")->Get("x").status());
  EXPECT_OK(Get("C", "x", put->session()).status());
}

TEST_F(SessionTest, TheClientFindsItsWritesAfterFailOver) {
  client::Client writer(ClientOf({"A", "B", "C"}));
  SetAroundB(LinkProxy::Mode::kCut);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(writer.Put(absl::StrCat("k", i), client::TextValue(absl::StrCat(i))).ok());
  }
  ASSERT_OK(cluster_.WaitText("C", "k19", "19", absl::Seconds(5)));
  cluster_.node("A")->Kill();
  // B is next in the list, has nothing, and says so; C has all.
  for (int i = 0; i < 20; ++i) {
    const auto got = writer.Get(absl::StrCat("k", i));
    ASSERT_TRUE(got.ok()) << got.status;
    EXPECT_EQ(got.response.value().text(), absl::StrCat(i));
  }
}

TEST_F(SessionTest, AWriteDoesNotWaitAndIsOrderedAfterWhatItsClientHasSeen) {
  client::ClientOptions options = ClientOf({"A"});
  client::Client at_a(options);
  SetAroundB(LinkProxy::Mode::kCut);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(at_a.Put("x", client::TextValue("seen at A")).ok());
  client::ClientOptions at_b_options = ClientOf({"B"});
  at_b_options.session = options.session;
  client::Client at_b(at_b_options);
  const auto put = at_b.Put("x", client::TextValue("after it"));
  ASSERT_TRUE(put.ok()) << put.status;
  SetAroundB(LinkProxy::Mode::kOpen);
  ASSERT_OK(cluster_.WaitConverged());
  for (const char* id : {"A", "B", "C"}) {
    EXPECT_EQ(cluster_.client(id)->Text("x"), "after it") << id;
    EXPECT_EQ(cluster_.client(id)->Status()->conflicts(), 0u) << id << ": B's client knew of A's write";
  }
}

TEST_F(SessionTest, TheEndOfANodeTellsThoseThatWait) {
  SetAroundB(LinkProxy::Mode::kStalled);
  const auto put = cluster_.client("A")->Put("x", "1");
  ASSERT_OK(put.status());
  absl::StatusOr<v1::GetResponse> got;
  std::thread reader([&] { got = Get("B", "x", put->session(), absl::Seconds(60)); });
  absl::SleepFor(absl::Milliseconds(200));  // so that it most likely waits by then; true of either order
  const absl::Time begun = absl::Now();
  EXPECT_EQ(cluster_.node("B")->Stop().value_or(-1), 0);
  reader.join();
  EXPECT_LT(absl::Now() - begun, absl::Seconds(15));
  EXPECT_EQ(got.status().code(), absl::StatusCode::kUnavailable) << got.status();
}

TEST_F(SessionTest, MalformedSessionsAreRefusedAndMoveNoClock) {
  const auto put = cluster_.client("A")->Put("x", "1");
  ASSERT_OK(put.status());
  const uint64_t clock_before = cluster_.client("A")->Status()->clock().counter();
  v1::Session twice = put->session();
  *twice.add_heads() = twice.heads(0);
  v1::Session zero = put->session();
  zero.mutable_heads(0)->set_counter(0);
  v1::Session nobody = put->session();
  nobody.mutable_heads(0)->mutable_origin()->set_node_id("no good");
  nobody.mutable_heads(0)->set_counter(uint64_t{1} << 40);
  v1::Session unborn = put->session();
  unborn.mutable_heads(0)->mutable_origin()->set_incarnation(0);
  v1::Session many;
  for (uint64_t i = 1; i <= 1001; ++i) {
    auto* head = many.add_heads();
    head->mutable_origin()->set_node_id("A");
    head->mutable_origin()->set_incarnation(i);
    head->set_counter(1);
  }
  for (const v1::Session& session : {twice, zero, nobody, unborn, many}) {
    EXPECT_EQ(ReasonOf(Get("A", "x", session).status()), "SESSION_INVALID");
    v1::ScanRequest scan;
    *scan.mutable_session() = session;
    EXPECT_EQ(ReasonOf(cluster_.client("A")->Scan(scan).status()), "SESSION_INVALID");
    v1::PutRequest again;
    again.set_key("x");
    again.mutable_value()->set_text("2");
    *again.mutable_session() = session;
    const absl::Status refused = cluster_.client("A")->Put(again).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(refused), "SESSION_INVALID");
  }
  EXPECT_EQ(cluster_.client("A")->Text("x"), "1");
  EXPECT_LT(cluster_.client("A")->Status()->clock().counter(), clock_before + 10000);
}

TEST_F(SessionTest, ACounterFarAheadIsRefusedAsAClocksIs) {
  v1::Session session = cluster_.client("A")->Put("x", "1")->session();
  session.mutable_heads(0)->set_counter(uint64_t{1} << 60);
  const absl::Status refused = Get("A", "x", session).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kOutOfRange) << refused;
  EXPECT_EQ(ReasonOf(refused), "CLOCK_TOO_FAR_AHEAD");
  v1::PutRequest put;
  put.set_key("x");
  put.mutable_value()->set_text("2");
  *put.mutable_session() = session;
  EXPECT_EQ(ReasonOf(cluster_.client("A")->Put(put).status()), "CLOCK_TOO_FAR_AHEAD");
  EXPECT_EQ(cluster_.client("A")->Text("x"), "1");
}

}  // namespace
}  // namespace lamppost::testing
