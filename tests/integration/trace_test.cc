// The trace command against real nodes: what it writes agrees with itself, whatever happens to the nodes
// meanwhile, and once nobody traces them they send nothing for it.
#include <signal.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "clients/diagram/history.h"
#include "clients/diagram/jsonl.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/lamppost_command.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using diagram::Arrow;
using diagram::Event;
using diagram::History;
using ::testing::AllOf;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

// A trace that goes on until it is told to end.
class RunningTrace {
 public:
  RunningTrace(const std::string& nodes, std::vector<std::string> words)
      : out_path_(NewTestPath("trace-out")), error_path_(NewTestPath("trace-err")) {
    ProcessOptions options;
    options.command = {"clients/cli/lamppost", "--node", nodes, "trace"};
    options.command.insert(options.command.end(), words.begin(), words.end());
    options.output_path = out_path_;
    options.error_path = error_path_;
    process_ = Process::Start(options).value();
  }

  // Every node tells its events from now on.
  absl::Status WaitBegun() {
    return WaitFor("the trace to begin", absl::Seconds(20),
                   [this] { return err().find("tracing 3 of 3 nodes") != std::string::npos; });
  }
  absl::StatusOr<int> Interrupt() {
    process_->Signal(SIGINT);
    return process_->Wait(absl::Seconds(20));
  }
  absl::StatusOr<int> Wait() { return process_->Wait(absl::Seconds(40)); }
  std::string out() const { return ReadFile(out_path_); }
  std::string err() const { return ReadFile(error_path_); }

 private:
  const std::string out_path_;
  const std::string error_path_;
  std::unique_ptr<Process> process_;
};

// Another one who asks a node what it does, to find out how far it has come with telling.
class Onlooker {
 public:
  explicit Onlooker(KvClient* node) : stub_(kv::v1::AdminService::NewStub(node->channel())) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    reader_ = stub_->Trace(&context_, kv::v1::TraceRequest());
  }
  ~Onlooker() {
    context_.TryCancel();
    while (reader_->Read(&message_)) continue;
    (void)reader_->Finish();
  }

  // False if it does not come.
  bool ReadUntil(const std::function<bool(const kv::v1::TraceResponse&)>& is_it) {
    while (reader_->Read(&message_)) {
      if (is_it(message_)) return true;
    }
    return false;
  }

 private:
  const std::unique_ptr<kv::v1::AdminService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<kv::v1::TraceResponse>> reader_;
  kv::v1::TraceResponse message_;
};

std::vector<Event> EventsIn(const std::string& jsonl) {
  const auto events = diagram::ParseJsonl(jsonl);
  EXPECT_OK(events.status());
  return events.ok() ? *events : std::vector<Event>();
}

History Built(const std::vector<Event>& events) {
  const absl::StatusOr<History> history = diagram::Build(events);
  EXPECT_OK(history.status());
  return history.ok() ? *history : History();
}

// The process whose event it is, by the vectors' names.
std::string ProcessOf(const Event& event, size_t processes_before) {
  return processes_before == 0 ? event.node : absl::StrCat(event.node, "/", processes_before + 1);
}

// The streams of the nodes do not end at one moment: at the end of a trace one node may tell what it knows by
// a message whose sending is told no more. Without what knows of such, the rest must be right.
std::vector<Event> WithoutRaggedEnd(std::vector<Event> events) {
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    std::map<std::string, uint64_t> told;  // how many events of each process
    std::map<std::string, size_t> ended;   // processes of each node
    for (const Event& event : events) {
      if (event.kind == Event::Kind::kStart) ++ended[event.node];
      const std::string process = ProcessOf(event, ended[event.node]);
      const auto own = event.vector.find(process);
      if (own != event.vector.end()) told[process] = std::max(told[process], own->second);
    }
    std::map<std::string, bool> is_cut;  // of each node
    std::vector<Event> kept;
    for (Event& event : events) {
      bool& cut = is_cut[event.node];
      for (const auto& [process, count] : event.vector) cut |= told[process] < count;
      if (cut) {
        has_changed = true;
      } else {
        kept.push_back(std::move(event));
      }
    }
    events = std::move(kept);
  }
  return events;
}

// Lamport's condition: counters grow along each lane and each arrow.
void ExpectCountersRight(const std::vector<Event>& events) {
  const History history = Built(events);
  EXPECT_THAT(history.violations, IsEmpty());
  size_t arrived = 0;
  for (const Arrow& arrow : history.arrows) {
    if (arrow.from == Arrow::kNowhere || arrow.to == Arrow::kNowhere) continue;
    ++arrived;
    EXPECT_LT(history.points[arrow.from].event.counter, history.points[arrow.to].event.counter);
  }
  EXPECT_GT(arrived, 0u);
}

// And the vectors say the same as lanes and arrows do.
void ExpectRight(const std::vector<Event>& events) {
  ExpectCountersRight(events);
  EXPECT_THAT(diagram::CheckVectors(Built(WithoutRaggedEnd(events))), IsEmpty());
}

size_t CountOf(const std::vector<Event>& events, Event::Kind kind, const std::string& node) {
  return static_cast<size_t>(std::count_if(events.begin(), events.end(), [&](const Event& event) {
    return event.kind == kind && event.node == node;
  }));
}

class TraceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_ = std::make_unique<Cluster>(ClusterOptions());
    ASSERT_OK(cluster_->StartAll());
  }

  std::string Addresses() {
    return absl::StrJoin(cluster_->ids(), ",", [this](std::string* out, const std::string& id) {
      absl::StrAppend(out, cluster_->node(id)->address());
    });
  }
  void PutByCommand(const std::string& id, const std::string& key, const std::string& value) {
    const Finished put = RunLamppost({"--node", cluster_->node(id)->address(), "put", key, value});
    ASSERT_EQ(put.exit_code, 0) << put.err;
  }
  // All that nodes have done so far has been told to whoever traces them: since then they have told several
  // times of what they did later.
  void WaitTold() {
    for (const std::string& id : cluster_->ids()) {
      if (!cluster_->node(id)->process()->IsRunning()) continue;
      Onlooker onlooker(cluster_->client(id));
      int told = 0;
      EXPECT_TRUE(onlooker.ReadUntil(
          [&](const kv::v1::TraceResponse& message) { return message.events_size() > 0 && ++told == 3; }));
    }
  }
  // A process of the node that has come after another one is traced, too: its messages have a vector.
  void WaitNextProcessTraced(const std::string& id, const std::string& by) {
    Onlooker onlooker(cluster_->client(by));
    std::set<uint64_t> processes;
    EXPECT_TRUE(onlooker.ReadUntil([&](const kv::v1::TraceResponse& message) {
      for (const kv::v1::TraceEvent& event : message.events()) {
        for (const kv::v1::VectorEntry& entry : event.vector()) {
          if (entry.node_id() == id) processes.insert(entry.boot_id());
        }
      }
      return processes.size() == 2;
    }));
  }
  std::vector<Event> TraceOf(RunningTrace* trace, const std::string& path) {
    WaitTold();
    const auto exit_code = trace->Interrupt();
    EXPECT_TRUE(exit_code.ok() && *exit_code == 0) << trace->err();
    return EventsIn(ReadFile(path));
  }

  std::unique_ptr<Cluster> cluster_;
};

TEST_F(TraceTest, ForAWhileToEveryForm) {
  std::map<std::string, std::string> paths;
  std::vector<std::string> words = {"--for", "3s", "--title", "Three writers"};
  for (const std::string form : {"jsonl", "svg", "html", "shiviz"}) {
    paths[form] = absl::StrCat(NewTestPath("trace"), ".", form);
    words.insert(words.end(), {"-o", paths[form]});
  }
  RunningTrace trace(Addresses(), words);
  ASSERT_OK(trace.WaitBegun());
  for (const std::string& id : cluster_->ids()) PutByCommand(id, "x", absl::StrCat("from ", id));
  const auto exit_code = trace.Wait();
  ASSERT_OK(exit_code.status());
  EXPECT_EQ(*exit_code, 0) << trace.err();
  EXPECT_EQ(trace.out(), "");
  EXPECT_THAT(trace.err(), AllOf(HasSubstr(" events, "), HasSubstr(" messages"), HasSubstr(paths["svg"])));
  const std::vector<Event> events = EventsIn(ReadFile(paths["jsonl"]));
  ExpectRight(events);
  EXPECT_THAT(Built(events).lanes, SizeIs(3));
  for (const std::string& id : cluster_->ids()) {
    const auto is_write = [&](const Event& event) {
      return event.kind == Event::Kind::kWrite && event.node == id &&
             event.detail == absl::StrCat("x = from ", id);
    };
    EXPECT_EQ(std::count_if(events.begin(), events.end(), is_write), 1) << id;
  }
  EXPECT_THAT(ReadFile(paths["svg"]), AllOf(HasSubstr("<svg"), HasSubstr("Three writers")));
  EXPECT_THAT(ReadFile(paths["html"]), AllOf(HasSubstr("<svg"), HasSubstr("Three writers")));
  EXPECT_THAT(ReadFile(paths["shiviz"]), HasSubstr("{\"A\":1"));
}

// A write, the message that brings it, and its receipt: each has seen the one before.
TEST_F(TraceTest, AWriteIsSeenOnItsWay) {
  const std::string path = absl::StrCat(NewTestPath("trace"), ".jsonl");
  RunningTrace trace(Addresses(), {"-o", path});
  ASSERT_OK(trace.WaitBegun());
  PutByCommand("A", "seen", "1");
  ASSERT_OK(cluster_->WaitConverged());
  const History history = Built(TraceOf(&trace, path));
  const auto find = [&](Event::Kind kind, const std::string& node) {
    for (size_t i = 0; i < history.points.size(); ++i) {
      const Event& event = history.points[i].event;
      if (event.kind == kind && event.node == node && event.keys == std::vector<std::string>{"seen"})
        return i;
    }
    ADD_FAILURE() << "node " << node << " has told of no such event";
    return size_t{0};
  };
  const size_t write = find(Event::Kind::kWrite, "A");
  const size_t sent = find(Event::Kind::kSend, "A");
  EXPECT_EQ(diagram::RelationOf(history, sent, write), diagram::Relation::kPast);
  for (const std::string id : {"B", "C"}) {
    const size_t receipt = find(Event::Kind::kReceive, id);
    EXPECT_EQ(diagram::RelationOf(history, receipt, write), diagram::Relation::kPast) << id;
    EXPECT_EQ(history.points[receipt].event.detail, "seen = 1");
  }
}

TEST_F(TraceTest, AnInterruptEndsItAndItIsWrittenAllTheSame) {
  RunningTrace trace(Addresses(), {"-o", "jsonl"});
  ASSERT_OK(trace.WaitBegun());
  for (int i = 0; i < 5; ++i) PutByCommand("B", absl::StrCat("k", i), "v");
  ASSERT_OK(cluster_->WaitConverged());
  WaitTold();
  const auto exit_code = trace.Interrupt();
  ASSERT_OK(exit_code.status());
  EXPECT_EQ(*exit_code, 0) << trace.err();
  const std::vector<Event> events = EventsIn(trace.out());
  ExpectRight(events);
  EXPECT_THAT(CountOf(events, Event::Kind::kWrite, "B"), Gt(4u));
}

TEST_F(TraceTest, ANodeThatIsKilledAndStartedAgain) {
  const std::string path = absl::StrCat(NewTestPath("trace"), ".jsonl");
  RunningTrace trace(Addresses(), {"-o", path});
  ASSERT_OK(trace.WaitBegun());
  PutByCommand("B", "before", "1");
  ASSERT_OK(cluster_->WaitConverged());
  WaitTold();
  cluster_->node("B")->Kill();
  PutByCommand("A", "meanwhile", "1");
  ASSERT_OK(cluster_->node("B")->Start());
  ASSERT_OK(cluster_->WaitConverged());
  WaitNextProcessTraced("B", "A");
  PutByCommand("B", "after", "1");
  ASSERT_OK(cluster_->WaitConverged());
  const std::vector<Event> events = TraceOf(&trace, path);
  EXPECT_EQ(CountOf(events, Event::Kind::kCrash, "B"), 1u);
  EXPECT_EQ(CountOf(events, Event::Kind::kStart, "B"), 1u);
  EXPECT_EQ(CountOf(events, Event::Kind::kCrash, "A") + CountOf(events, Event::Kind::kCrash, "C"), 0u);
  ExpectCountersRight(events);
  const auto write = std::find_if(events.begin(), events.end(), [](const Event& event) {
    return event.kind == Event::Kind::kWrite && event.detail == "after = 1";
  });
  ASSERT_NE(write, events.end());
  EXPECT_EQ(write->vector.count("B/2"), 1u) << "another process, and another count";
}

TEST_F(TraceTest, ANodeThatEndsInOrderStops) {
  const std::string path = absl::StrCat(NewTestPath("trace"), ".jsonl");
  RunningTrace trace(Addresses(), {"-o", path});
  ASSERT_OK(trace.WaitBegun());
  PutByCommand("C", "x", "1");
  ASSERT_OK(cluster_->WaitConverged());
  EXPECT_EQ(cluster_->node("C")->Stop().value(), 0);
  PutByCommand("A", "x", "2");
  const std::vector<Event> events = TraceOf(&trace, path);
  EXPECT_EQ(CountOf(events, Event::Kind::kStop, "C"), 1u);
  EXPECT_EQ(CountOf(events, Event::Kind::kCrash, "C"), 0u);
  EXPECT_THAT(Built(events).violations, IsEmpty());
}

TEST_F(TraceTest, ANodeThatIsDownIsSaidToBe) {
  cluster_->node("C")->Kill();
  const std::string path = absl::StrCat(NewTestPath("trace"), ".jsonl");
  const Finished traced =
      RunLamppost({"--node", cluster_->node("A")->address(), "trace", "--for", "500ms", "-o", path});
  EXPECT_EQ(traced.exit_code, 0) << traced.err;
  EXPECT_THAT(traced.err, AllOf(HasSubstr("node C is not traced yet"), HasSubstr("tracing 2 of 3 nodes")));
  EXPECT_THAT(EventsIn(ReadFile(path)), SizeIs(Gt(0)));
}

TEST_F(TraceTest, WhatIsStoredIsDrawnAgainAsItWas) {
  const std::string stem = NewTestPath("trace");
  RunningTrace trace(Addresses(), {"--for", "1s", "-o", stem + ".jsonl", "-o", stem + ".svg"});
  ASSERT_OK(trace.WaitBegun());
  PutByCommand("A", "x", "1");
  PutByCommand("A", "other", "2");
  ASSERT_EQ(trace.Wait().value(), 0) << trace.err();
  const Finished again = RunLamppost({"trace", "--from", stem + ".jsonl", "-o", "svg"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, ReadFile(stem + ".svg"));
  EXPECT_THAT(again.out, HasSubstr("other"));
  CommandSurroundings surroundings;
  surroundings.input_path = stem + ".jsonl";
  EXPECT_EQ(RunLamppost({"trace", "--from", "-", "-o", "svg"}, surroundings).out, again.out);
  EXPECT_EQ(RunLamppost({"trace", "--from", stem + ".jsonl", "-o", "jsonl"}).out, ReadFile(stem + ".jsonl"));
  const Finished filtered = RunLamppost({"trace", "--from", stem + ".jsonl", "--key", "x", "-o", "svg"});
  EXPECT_THAT(filtered.out, Not(HasSubstr("other")));
}

// What an untraced node does is not counted, so it has no vector that could travel.
TEST_F(TraceTest, WithoutATraceNothingIsCounted) {
  const auto own_counts = [this] {
    const Finished traced = RunLamppost({"--node", Addresses(), "trace", "--for", "700ms", "-o", "jsonl"});
    EXPECT_EQ(traced.exit_code, 0) << traced.err;
    std::vector<uint64_t> counts;
    for (const Event& event : EventsIn(traced.out)) {
      if (event.node == "A" && event.vector.count("A") > 0) counts.push_back(event.vector.at("A"));
    }
    return counts;
  };
  const std::vector<uint64_t> before = own_counts();
  ASSERT_THAT(before, SizeIs(Gt(0)));
  constexpr uint64_t kWrites = 1000;  // each would be counted, and so would its messages
  for (uint64_t i = 0; i < kWrites; ++i) {
    ASSERT_OK(cluster_->client("A")->Put("k", absl::StrCat(i)).status());
  }
  const std::vector<uint64_t> after = own_counts();
  ASSERT_THAT(after, SizeIs(Gt(0)));
  EXPECT_GT(after.front(), before.back()) << "no number is given twice";
  EXPECT_LT(after.front() - before.back(), kWrites) << "but for the moment until the end was noticed";
}

TEST(TraceCommand, AnOutputThatCannotBeWrittenIsSaidBeforeAnythingIsDone) {
  const std::string good = absl::StrCat(NewTestPath("trace"), ".svg");
  const Finished refused = RunLamppost({"--node", "127.0.0.1:1", "trace", "--for", "1s", "-o", good, "-o",
                                        NewTestPath("no-such-directory") + "/trace.svg"});
  EXPECT_EQ(refused.exit_code, 2) << "nobody has been asked: that would be another error";
  EXPECT_THAT(refused.err, HasSubstr("no-such-directory"));
  EXPECT_EQ(ReadFile(good), "");
}

TEST(TraceCommand, NobodyAnswers) {
  const std::string path = absl::StrCat(NewTestPath("trace"), ".svg");
  const Finished failed = RunLamppost({"--node", "127.0.0.1:1", "trace", "--for", "1s", "-o", path});
  EXPECT_EQ(failed.exit_code, 3);
  EXPECT_THAT(failed.err, StartsWith("lamppost: failed: UNAVAILABLE"));
  EXPECT_EQ(ReadFile(path), "") << "a drawing of nothing would look like one of a quiet cluster";
}

TEST(TraceCommand, AStoredTraceThatIsNone) {
  EXPECT_EQ(RunLamppost({"trace", "--from", NewTestPath("no-such-file"), "-o", "svg"}).exit_code, 2);
  CommandSurroundings surroundings;
  surroundings.input_path = "clients/cli/lamppost";
  const Finished refused = RunLamppost({"trace", "--from", "-", "-o", "svg"}, surroundings);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.out, "");
}

}  // namespace
}  // namespace lamppost::testing
