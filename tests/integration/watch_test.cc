// Watches of real nodes: what they tell, where they go on, and what a caller costs who does not listen.
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/clock_metadata.h"
#include "services/common/grpc_status.h"
#include "services/common/listen_address.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/wait.h"
#include "tests/integration/testing/watch_log.h"

namespace lamppost::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
namespace v1 = kv::v1;

constexpr absl::Duration kSoon = absl::Seconds(5);

// A watch as any gRPC client has it.
class PlainWatch {
 public:
  PlainWatch(Node* node, const v1::WatchRequest& request, absl::Duration limit = absl::Seconds(60)) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + limit));
    reader_ = node->client()->stub()->Watch(&context_, request);
  }
  ~PlainWatch() {
    if (!ended_) {
      context_.TryCancel();
      reader_->Finish().ok();
    }
  }

  bool Read(v1::WatchResponse* response) { return reader_->Read(response); }
  // Reads to the end.
  absl::Status End() {
    v1::WatchResponse ignored;
    while (reader_->Read(&ignored)) {
    }
    ended_ = true;
    return FromGrpcStatus(reader_->Finish());
  }
  bool HasClock() const { return ClockFromTrailers(context_).has_value(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> reader_;
  bool ended_ = false;
};

class Watch : public ::testing::Test {
 protected:
  void Start(const ClusterOptions& options = {}) {
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
  }

  client::ClientOptions NodesOf(const std::vector<std::string>& ids) {
    client::ClientOptions options;
    for (const std::string& id : ids) options.nodes.push_back(*ParseAddress(cluster_->node(id)->address()));
    return options;
  }
  std::unique_ptr<WatchLog> Follow(const std::vector<std::string>& ids, client::WatchOptions options = {}) {
    auto log = std::make_unique<WatchLog>(NodesOf(ids), std::move(options));
    const absl::Status heard = WaitFor("the watch's first message", kSoon, [&] { return log->HasHeard(); });
    if (!heard.ok()) {
      log->Stop();
      ADD_FAILURE() << heard << "; the watch: " << log->status();
    }
    return log;
  }
  KvClient* client(const std::string& id) { return cluster_->client(id); }
  // Until the deletion with this counter is forgotten by all.
  absl::Status WaitForgotten(uint64_t deletion) {
    return WaitFor("the deletion to be forgotten", absl::Seconds(30), [&] {
      for (const std::string& id : cluster_->ids()) {
        const auto status = client(id)->Status();
        if (!status.ok() || status->tombstones() > 0 || status->horizon() < deletion) return false;
      }
      return true;
    });
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(Watch, TellsOfPutsAndDeletionsFromNowOnWhereverTheyHappen) {
  Start();
  ASSERT_OK(client("A")->Put("k-before", "1").status());
  ASSERT_OK(cluster_->WaitConverged());
  client::WatchOptions options;
  options.prefix = "k-";
  const auto log = Follow({"B"}, options);
  ASSERT_OK(client("A")->Put("k-new", "2").status());
  ASSERT_OK(client("C")->Put("k-gone", "3").status());
  ASSERT_OK(client("C")->Put("other", "4").status());
  ASSERT_OK(WaitFor("both puts", kSoon, [&] { return log->View().size() == 2; }));
  ASSERT_OK(client("A")->Delete("k-gone").status());
  ASSERT_OK(WaitFor("the deletion", kSoon, [&] { return log->View().size() == 1; }));
  EXPECT_THAT(log->View(), UnorderedElementsAre(Pair("k-new", "2")));
  EXPECT_EQ(log->events(), 3u);
  EXPECT_THAT(log->Wrong(), IsEmpty());
}

TEST_F(Watch, OneKeyAlone) {
  Start({{"A"}});
  client::WatchOptions options;
  options.key = "k";
  const auto log = Follow({"A"}, options);
  ASSERT_OK(client("A")->Put("kk", "1").status());
  ASSERT_OK(client("A")->Put("k", "2").status());
  ASSERT_OK(WaitFor("the put", kSoon, [&] { return log->events() > 0; }));
  EXPECT_THAT(log->View(), UnorderedElementsAre(Pair("k", "2")));
}

TEST_F(Watch, FromTheBeginningAndFromASessionAtAnotherNode) {
  Start();
  ASSERT_OK(client("A")->Fill("k", 1500, "v"));
  ASSERT_OK(client("A")->Delete("k000007").status());
  // Told last: with it the session is beyond the deletion, which may be forgotten at any time.
  ASSERT_OK(client("A")->Put("last", "v").status());
  ASSERT_OK(cluster_->WaitConverged());
  client::WatchOptions options;
  options.session.emplace();
  const auto log = Follow({"A"}, options);
  ASSERT_OK(WaitFor("all that there is", kSoon, [&] { return log->View().count("last") > 0; }));
  EXPECT_EQ(log->View().size(), 1500u);
  EXPECT_EQ(log->View().count("k000007"), 0u);  // told of, or forgotten already
  log->Stop();

  ASSERT_OK(client("A")->Put("k000001", "w").status());
  options.session = log->session();
  const auto next = Follow({"C"}, options);
  ASSERT_OK(WaitFor("what came later", kSoon, [&] { return next->events() > 0; }));
  ASSERT_OK(client("B")->Put("end", "1").status());
  ASSERT_OK(WaitFor("the end", kSoon, [&] { return next->View().count("end") > 0; }));
  EXPECT_THAT(next->View(), UnorderedElementsAre(Pair("k000001", "w"), Pair("end", "1")));
}

TEST_F(Watch, TheFirstMessageComesAtOnceAndOthersWithoutChanges) {
  Start({{"A"}});
  ASSERT_OK(client("A")->Put("x", "1").status());
  v1::WatchRequest request;
  request.mutable_progress_interval()->set_nanos(100'000'000);
  PlainWatch watch(cluster_->node("A"), request);
  const absl::Time start = absl::Now();
  v1::WatchResponse response;
  uint64_t counter = 0;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(watch.Read(&response));
    EXPECT_EQ(response.events_size(), 0);
    EXPECT_GT(response.session().heads_size(), 0);
    EXPECT_GT(response.clock().counter(), counter);
    counter = response.clock().counter();
    if (i == 0) EXPECT_LT(absl::Now() - start, absl::Seconds(2));
  }
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(250));
}

TEST_F(Watch, GoesOnAtAnotherNodeAfterAKill) {
  Start();
  const auto log = Follow({"A", "B", "C"});
  std::vector<std::thread> writers;
  for (const char* id : {"B", "C"}) {
    writers.emplace_back([this, id] {
      for (int i = 0; i < 1500; ++i) {
        const std::string key = absl::StrCat("k", i % 50);
        if (i % 7 == 3) {
          EXPECT_OK(client(id)->Delete(key).status());
        } else {
          EXPECT_OK(client(id)->Put(key, absl::StrCat(id, i)).status());
        }
      }
    });
  }
  ASSERT_OK(WaitFor("some events", kSoon, [&] { return log->events() > 100; }));
  cluster_->node("A")->Kill();
  for (std::thread& writer : writers) writer.join();
  ASSERT_OK(WaitFor("the same at B and C", absl::Seconds(20),
                    [&] { return *client("B")->Everything() == *client("C")->Everything(); }));
  const auto expected = *client("B")->Everything();
  EXPECT_OK(WaitFor("the watcher to have all", absl::Seconds(20), [&] { return log->View() == expected; }));
  EXPECT_THAT(log->Wrong(), IsEmpty());
}

// Nobody can tell it any more what was deleted: each node says so, and what to do.
TEST_F(Watch, ASessionFromBeforeAForgottenDeletionIsTooOld) {
  Start();
  ASSERT_OK(client("A")->Put("k-gone", "1").status());
  ASSERT_OK(client("B")->Put("k-stays", "1").status());
  ASSERT_OK(cluster_->WaitConverged());
  client::WatchOptions options;
  options.session.emplace();
  const auto log = Follow({"A"}, options);
  ASSERT_OK(WaitFor("both", kSoon, [&] { return log->View().size() == 2; }));
  log->Stop();
  const std::string file = NewTestPath("session");
  const std::string a = cluster_->node("A")->address();
  const Finished first =
      RunLamppost({"--node", a, "watch", "--from-beginning", "--limit", "2", "--session", file});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const auto deleted = client("B")->Delete("k-gone");
  ASSERT_OK(deleted.status());
  ASSERT_OK(WaitForgotten(deleted->version().counter()));

  // What was forgotten outlives a restart.
  ASSERT_EQ(cluster_->node("C")->Stop().value(), 0);
  ASSERT_OK(cluster_->node("C")->Start());
  v1::WatchRequest request;
  *request.mutable_session() = log->session();
  for (const std::string& id : cluster_->ids()) {
    PlainWatch watch(cluster_->node(id), request);
    const absl::Status status = watch.End();
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << id << ": " << status;
    EXPECT_EQ(ReasonOf(status), "WATCH_TOO_OLD") << id;
    EXPECT_THAT(status.message(), HasSubstr("watch from the session of the scan's first page")) << id;
    EXPECT_TRUE(watch.HasClock()) << id;
  }
  options.session = log->session();
  client::Client caller(NodesOf({"A", "B", "C"}));
  client::Watcher watcher(&caller, options);
  EXPECT_FALSE(watcher.Next());
  EXPECT_EQ(ReasonOf(watcher.status()), "WATCH_TOO_OLD");
  const Finished resumed = RunLamppost({"--node", a, "watch", "--session", file});
  EXPECT_EQ(resumed.exit_code, 3);
  EXPECT_THAT(resumed.err, HasSubstr("OUT_OF_RANGE/WATCH_TOO_OLD"));
  EXPECT_EQ(resumed.out, "");

  const auto page = client("A")->Scan({});
  ASSERT_OK(page.status());
  ASSERT_EQ(page->entries_size(), 1);
  options.session = page->session();
  const auto anew = Follow({"C"}, options);
  ASSERT_OK(client("C")->Delete("k-stays").status());
  EXPECT_OK(WaitFor("the deletion", kSoon, [&] { return anew->events() == 1; }));
}

// It does not read while 200 MB are written, in 20 values for each key. The node must not keep them for it.
TEST_F(Watch, ACallerWhoDoesNotListenCostsNoMemoryAndCatchesUp) {
  ClusterOptions options;
  options.ids = {"A"};
  options.flags = {"--memtable-bytes", "16777216", "--block-cache-bytes", "8388608"};
  Start(options);
  const std::string text(1000, 'x');
  ASSERT_OK(client("A")->Fill("k", 10'000, text));  // what the node needs by itself
  v1::WatchRequest request;
  request.set_prefix("k");
  PlainWatch watch(cluster_->node("A"), request, absl::Seconds(120));
  v1::WatchResponse response;
  ASSERT_TRUE(watch.Read(&response));
  ASSERT_OK(client("A")->Fill("k", 10'000, text));
  const uint64_t before = cluster_->node("A")->process()->MemoryBytes();
  uint64_t peak = 0;
  for (int round = 0; round < 20; ++round) {
    ASSERT_OK(client("A")->Fill("k", 10'000, absl::StrCat(text, round)));
    peak = std::max(peak, cluster_->node("A")->process()->MemoryBytes());
  }
  EXPECT_LT(peak, before + (uint64_t{100} << 20)) << "before: " << before;
  std::map<std::string, std::string> view;
  while (view != *client("A")->Everything()) {
    ASSERT_TRUE(watch.Read(&response));
    for (const v1::WatchEvent& event : response.events()) view[event.key()] = event.value().text();
  }
}

TEST_F(Watch, AsManyAsThereMayBe) {
  constexpr int kWatchesMax = 1000;
  Start({{"A"}});
  std::vector<std::unique_ptr<PlainWatch>> watches;
  v1::WatchResponse response;
  for (int i = 0; i < kWatchesMax; ++i) {
    watches.push_back(std::make_unique<PlainWatch>(cluster_->node("A"), v1::WatchRequest()));
    ASSERT_TRUE(watches.back()->Read(&response));
  }
  PlainWatch refused(cluster_->node("A"), {});
  const absl::Status status = refused.End();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "WATCHES_EXHAUSTED");
  EXPECT_TRUE(refused.HasClock());
  ASSERT_OK(client("A")->Put("x", "1").status());
  for (const auto& watch : watches) {
    do {
      ASSERT_TRUE(watch->Read(&response));
    } while (response.events_size() == 0);
  }
  watches.clear();  // their callers go
  EXPECT_OK(WaitFor("room for another", kSoon, [&] {
    PlainWatch again(cluster_->node("A"), {});
    return again.Read(&response);
  }));
}

TEST_F(Watch, AnOrderlyEndTellsIt) {
  Start({{"A"}});
  PlainWatch watch(cluster_->node("A"), {});
  v1::WatchResponse response;
  ASSERT_TRUE(watch.Read(&response));
  const absl::Time start = absl::Now();
  cluster_->node("A")->process()->Signal(SIGTERM);
  const absl::Status status = watch.End();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "SHUTTING_DOWN");
  EXPECT_EQ(*cluster_->node("A")->process()->Wait(absl::Seconds(10)), 0);
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

TEST_F(Watch, WhatCannotBeWatchedIsRefused) {
  Start({{"A"}});
  const auto refusal = [&](const v1::WatchRequest& request, absl::StatusCode code) {
    PlainWatch watch(cluster_->node("A"), request, absl::Seconds(1));
    const absl::Status status = watch.End();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_TRUE(watch.HasClock()) << status;
    return ReasonOf(status);
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  v1::WatchRequest both;
  both.set_prefix("a");
  both.set_key("ab");
  EXPECT_EQ(refusal(both, kInvalid), "WATCH_SCOPE_INVALID");
  v1::WatchRequest prefix;
  prefix.set_prefix(std::string("a\0b", 3));
  EXPECT_EQ(refusal(prefix, kInvalid), "KEY_HAS_NUL");
  v1::WatchRequest key;
  key.set_key(std::string(1025, 'k'));
  EXPECT_EQ(refusal(key, kInvalid), "KEY_TOO_LONG");
  for (const auto& [seconds, nanos] : std::vector<std::pair<int64_t, int32_t>>{
           {0, 99'000'000}, {3601, 0}, {-1, 0}, {0, -5}, {INT64_MAX, 0}, {1, 2'000'000'000}}) {
    v1::WatchRequest interval;
    interval.mutable_progress_interval()->set_seconds(seconds);
    interval.mutable_progress_interval()->set_nanos(nanos);
    EXPECT_EQ(refusal(interval, kInvalid), "PROGRESS_INTERVAL_INVALID") << seconds << " " << nanos;
  }
  v1::WatchRequest session;
  session.mutable_session()->add_heads()->set_counter(5);
  EXPECT_EQ(refusal(session, kInvalid), "SESSION_INVALID");
  v1::WatchRequest clock;
  clock.mutable_clock()->set_counter(uint64_t{1} << 60);
  EXPECT_EQ(refusal(clock, absl::StatusCode::kOutOfRange), "CLOCK_TOO_FAR_AHEAD");
  v1::WatchRequest ahead;
  clock::v1::Head* head = ahead.mutable_session()->add_heads();
  head->mutable_origin()->set_node_id("B");
  head->mutable_origin()->set_incarnation(7);
  head->set_counter(1000);
  EXPECT_EQ(refusal(ahead, absl::StatusCode::kUnavailable), "SESSION_AHEAD");
}

}  // namespace
}  // namespace lamppost::testing
