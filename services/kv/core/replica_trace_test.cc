// What a replica tells of itself while it is traced, and that counters and vectors say the same of it.
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/kv/core/testing/cluster.h"
#include "services/kv/core/tracer.h"

namespace lamppost::kv {
namespace {

using testing::FullMesh;
using testing::NodeIndex;
using testing::Packet;

Trace VectorOf(VectorClock vector) {
  return std::make_shared<const VectorClock>(std::move(vector));
}

KeyedVersion Text(const std::string& key, const std::string& text) {
  KeyedVersion entry{key, {}};
  entry.version.value = Value{Value::Kind::kText, text};
  return entry;
}

bool IsMark(const TracePoint& point) {
  return point.kind != TraceKind::kSend && point.kind != TraceKind::kReceive &&
         point.kind != TraceKind::kWrite;
}

bool IsAtMost(const VectorClock& a, const VectorClock& b) {
  return std::all_of(a.begin(), a.end(), [&b](const auto& entry) {
    const auto other = b.find(entry.first);
    return other != b.end() && entry.second <= other->second;
  });
}
bool IsBefore(const TracePoint& a, const TracePoint& b) {
  return IsAtMost(*a.vector, *b.vector) && !IsAtMost(*b.vector, *a.vector);
}

class Points : public testing::Observer {
 public:
  void OnCommitted(NodeIndex node, const Output& output, testing::CrashPoint) override {
    EXPECT_EQ(output.trace.left_out, 0u);
    std::vector<TracePoint>& its = of_[node];
    its.insert(its.end(), output.trace.points.begin(), output.trace.points.end());
  }
  void OnReceived(NodeIndex, const Packet&) override {}

  const std::vector<TracePoint>& Of(NodeIndex node) { return of_[node]; }
  std::vector<TracePoint> EventsOf(NodeIndex node) {
    std::vector<TracePoint> events;
    for (const TracePoint& point : Of(node)) {
      if (!IsMark(point)) events.push_back(point);
    }
    return events;
  }
  // The first of these; one that fits nothing if there is none.
  TracePoint Find(NodeIndex node, const std::function<bool(const TracePoint&)>& fits) {
    for (const TracePoint& point : Of(node)) {
      if (fits(point)) return point;
    }
    ADD_FAILURE() << "node " << node << " has told of no such event";
    TracePoint none;
    none.vector = VectorOf({});
    return none;
  }
  void Clear() { of_.clear(); }

 private:
  std::map<NodeIndex, std::vector<TracePoint>> of_;
};

class TracedReplicas : public ::testing::Test {
 protected:
  TracedReplicas() : cluster_(FullMesh({"A", "B", "C"}), testing::Tuning(), &points_) {
    for (NodeIndex node = 0; node < 3; ++node) EXPECT_TRUE(cluster_.Start(node).ok());
    Settle();
  }

  void Watch(NodeIndex node) {
    cluster_.Run(node, [](Replica* replica) { replica->StartTrace(); });
  }
  void WatchAll() {
    for (NodeIndex node = 0; node < 3; ++node) Watch(node);
  }
  void Put(NodeIndex node, const std::string& key, const std::string& text) {
    Proposal proposal;
    proposal.operations.push_back({key, Value{Value::Kind::kText, text}});
    cluster_.Run(node, [&](Replica* replica) { replica->Propose(proposal); });
  }
  Packet Take(size_t index) {
    Packet packet = cluster_.wire()[index];
    cluster_.wire().erase(cluster_.wire().begin() + static_cast<std::ptrdiff_t>(index));
    return packet;
  }
  void Settle() {
    for (int round = 0; round < 20; ++round) {
      while (!cluster_.wire().empty()) {
        const Packet packet = Take(0);
        cluster_.Receive(packet.to, {packet});
      }
      cluster_.Advance(250);
      for (NodeIndex node = 0; node < 3; ++node) cluster_.RunUntilIdle(node);
    }
  }
  void Separate(NodeIndex a, NodeIndex b) {
    cluster_.Cut(a, b);
    cluster_.Cut(b, a);
  }

  ProcessId ProcessOf(NodeIndex node) {
    for (const auto& [process, events] : *points_.EventsOf(node).front().vector) {
      if (process.node_id == cluster_.spec(node).node_id) return process;
    }
    return {};
  }

  // Of one node: counters grow with each event, and its own entry by one.
  void ExpectInOrder(NodeIndex node) {
    const std::vector<TracePoint> events = points_.EventsOf(node);
    ASSERT_FALSE(events.empty());
    const ProcessId self = ProcessOf(node);
    for (size_t i = 1; i < events.size(); ++i) {
      EXPECT_LT(events[i - 1].counter, events[i].counter);
      EXPECT_EQ(events[i - 1].vector->at(self) + 1, events[i].vector->at(self));
    }
    for (const TracePoint& event : events) {
      if (event.kind == TraceKind::kReceive) {
        EXPECT_LT(event.sent_counter, event.counter);
      }
    }
  }
  // The clock condition, and its vectors' half: of any two events, wherever they were.
  void ExpectClockCondition() {
    std::vector<TracePoint> all;
    for (NodeIndex node = 0; node < 3; ++node) {
      const std::vector<TracePoint> events = points_.EventsOf(node);
      all.insert(all.end(), events.begin(), events.end());
    }
    size_t ordered = 0;
    for (const TracePoint& a : all) {
      for (const TracePoint& b : all) {
        if (!IsBefore(a, b)) continue;
        ++ordered;
        EXPECT_LT(a.counter, b.counter);
      }
    }
    EXPECT_GT(ordered, all.size());
  }
  // What a message's sender knew when it sent it, whoever gets it knows from then on.
  void ExpectReceiptsToKnowTheirSendings() {
    std::map<std::pair<std::string, uint64_t>, TracePoint> sendings;
    for (NodeIndex node = 0; node < 3; ++node) {
      for (const TracePoint& event : points_.EventsOf(node)) {
        if (event.kind == TraceKind::kSend) sendings[{cluster_.spec(node).node_id, event.counter}] = event;
      }
    }
    size_t found = 0;
    for (NodeIndex node = 0; node < 3; ++node) {
      for (const TracePoint& event : points_.EventsOf(node)) {
        const auto sending = sendings.find({event.peer, event.sent_counter});
        if (event.kind != TraceKind::kReceive || sending == sendings.end()) continue;
        ++found;
        EXPECT_TRUE(IsBefore(sending->second, event)) << event.peer << " " << event.sent_counter;
      }
    }
    EXPECT_GT(found, 0u);
  }

  Points points_;
  testing::Cluster cluster_;
};

TEST_F(TracedReplicas, ThatAreNotWatchedTellNothingAndSendNoVectors) {
  Put(0, "x", "1");
  const auto expect_none = [this](NodeIndex node) {
    for (const Packet& packet : cluster_.wire()) {
      if (packet.from != node) continue;
      EXPECT_EQ(packet.IsAnswer() ? std::get<SyncAnswer>(packet.body).trace
                                  : std::get<SyncMessage>(packet.body).trace,
                nullptr);
    }
  };
  ASSERT_FALSE(cluster_.wire().empty());
  expect_none(0);
  Settle();
  for (NodeIndex node = 0; node < 3; ++node) EXPECT_TRUE(points_.Of(node).empty());
  WatchAll();
  Settle();
  cluster_.Run(0, [](Replica* replica) { replica->StopTrace(); });
  points_.Clear();
  cluster_.wire().clear();
  Put(0, "x", "2");
  ASSERT_FALSE(cluster_.wire().empty());
  expect_none(0);
  Settle();
  EXPECT_TRUE(points_.Of(0).empty());
  EXPECT_FALSE(points_.Of(1).empty()) << "the others go on";
}

TEST_F(TracedReplicas, AWriteItsMessageItsReceiptAndTheAnswer) {
  WatchAll();
  points_.Clear();
  Put(0, "x", "10");
  Settle();
  const TracePoint write =
      points_.Find(0, [](const TracePoint& point) { return point.kind == TraceKind::kWrite; });
  const TracePoint push = points_.Find(0, [](const TracePoint& point) {
    return point.kind == TraceKind::kSend && point.carries == Carries::kPush && point.peer == "B";
  });
  const TracePoint receipt = points_.Find(1, [&](const TracePoint& point) {
    return point.kind == TraceKind::kReceive && point.sent_counter == push.counter && point.peer == "A";
  });
  const TracePoint answer = points_.Find(1, [&](const TracePoint& point) {
    return point.kind == TraceKind::kSend && point.carries == Carries::kAnswer && point.peer == "A" &&
           point.counter > receipt.counter;
  });
  const TracePoint heard = points_.Find(0, [&](const TracePoint& point) {
    return point.kind == TraceKind::kReceive && point.carries == Carries::kAnswer && point.peer == "B" &&
           point.sent_counter == answer.counter;
  });
  const std::vector<TracePoint> chain = {write, push, receipt, answer, heard};
  for (size_t i = 1; i < chain.size(); ++i) {
    EXPECT_LT(chain[i - 1].counter, chain[i].counter) << i;
    EXPECT_TRUE(IsBefore(chain[i - 1], chain[i])) << i;
  }
  EXPECT_EQ(receipt.carries, Carries::kPush);
  EXPECT_EQ(answer.refusal, Refusal::kNone);
  for (const TracePoint& point : {write, push, receipt}) {
    EXPECT_EQ(point.keys, std::vector<std::string>{"x"});
    EXPECT_EQ(point.detail, "x = 10");
    EXPECT_EQ(point.entries, 1u);
  }
  for (NodeIndex node = 0; node < 3; ++node) ExpectInOrder(node);
  ExpectClockCondition();
}

TEST_F(TracedReplicas, OfASenderThatIsNotWatchedNothingComesIn) {
  Watch(1);
  Put(0, "x", "1");
  Settle();
  ExpectInOrder(1);
  for (const TracePoint& event : points_.EventsOf(1)) EXPECT_EQ(event.vector->size(), 1u);
  const TracePoint receipt = points_.Find(1, [](const TracePoint& point) {
    return point.kind == TraceKind::kReceive && point.carries == Carries::kPush;
  });
  EXPECT_EQ(receipt.peer, "A");
}

TEST_F(TracedReplicas, WritesThatDoNotKnowOfEachOtherAreConcurrentAndTheirMeetingIsMarked) {
  WatchAll();
  Separate(0, 1);
  Separate(0, 2);
  Separate(1, 2);
  Settle();
  points_.Clear();
  Put(0, "x", "from A");
  Put(1, "x", "from B");
  const auto is_write = [](const TracePoint& point) { return point.kind == TraceKind::kWrite; };
  const TracePoint of_a = points_.Find(0, is_write);
  const TracePoint of_b = points_.Find(1, is_write);
  EXPECT_FALSE(IsAtMost(*of_a.vector, *of_b.vector));
  EXPECT_FALSE(IsAtMost(*of_b.vector, *of_a.vector));
  cluster_.MendAll();
  Settle();
  for (const NodeIndex node : {0, 1}) {
    const std::vector<TracePoint>& told = points_.Of(node);
    const auto mark = std::find_if(
        told.begin(), told.end(), [](const TracePoint& point) { return point.kind == TraceKind::kConflict; });
    ASSERT_NE(mark, told.end()) << node;
    EXPECT_EQ(mark->keys, std::vector<std::string>{"x"});
    EXPECT_EQ(mark->detail.rfind("x: ", 0), 0u) << mark->detail;
    EXPECT_NE(mark->detail.find(" lost to "), std::string::npos) << mark->detail;
    ASSERT_NE(mark, told.begin());
    const TracePoint& event = *std::prev(mark);
    EXPECT_EQ(event.kind, TraceKind::kReceive);
    EXPECT_EQ(event.keys, std::vector<std::string>{"x"});
    EXPECT_EQ(mark->counter, event.counter);
    EXPECT_EQ(mark->vector, event.vector);
  }
  for (NodeIndex node = 0; node < 3; ++node) ExpectInOrder(node);
  ExpectClockCondition();
}

TEST_F(TracedReplicas, GreetingsAreTold) {
  WatchAll();
  cluster_.Stop(2);
  points_.Clear();
  ASSERT_TRUE(cluster_.Start(2).ok());
  Watch(2);
  Settle();
  const auto is_greeting = [](const TracePoint& point) { return point.carries == Carries::kGreeting; };
  EXPECT_EQ(points_.Find(0, is_greeting).peer, "C");
  const TracePoint heard = points_.Find(
      0, [&](const TracePoint& point) { return is_greeting(point) && point.kind == TraceKind::kReceive; });
  EXPECT_EQ(heard.peer, "C");
  EXPECT_LT(heard.sent_counter, heard.counter);
}

// Whoever is no member may say what he likes: it is told that he has spoken, and no more.
TEST_F(TracedReplicas, OfAStrangerNothingIsBelieved) {
  WatchAll();
  points_.Clear();
  SyncMessage message;
  message.clock = {cluster_.replica(0).state().max_write + 1000, {"Z", uint64_t{1} << 32 | 7}};
  message.cluster = "test";
  message.boot_id = 5;
  message.receiver_incarnation = cluster_.replica(0).me().incarnation;
  message.entries = std::make_shared<std::vector<KeyedVersion>>(1, Text("forged", "1"));
  message.trace = VectorOf({{{"Z", 5}, 3}, {{"B", 77}, 1000}});
  cluster_.Receive(0, {Packet{1, 0, cluster_.LinkOf(1, 0), message}});
  const TracePoint receipt = points_.Find(0, [&](const TracePoint& point) {
    return point.kind == TraceKind::kReceive && point.sent_counter == message.clock.counter;
  });
  EXPECT_EQ(receipt.peer, "Z");
  EXPECT_TRUE(receipt.keys.empty());
  EXPECT_EQ(receipt.detail, "");
  const TracePoint answer = points_.Find(0, [&](const TracePoint& point) {
    return point.kind == TraceKind::kSend && point.carries == Carries::kAnswer &&
           point.counter > receipt.counter;
  });
  EXPECT_NE(answer.refusal, Refusal::kNone);
  for (const auto& [process, events] : *answer.vector) {
    EXPECT_NE(process.node_id, "Z");
    EXPECT_NE(process.boot_id, 77u);
  }
}

// Several messages that come in at once share what the clock has observed; their receipts do not.
TEST_F(TracedReplicas, EachOfSeveralReceiptsInOneGroupHasACounterOfItsOwn) {
  WatchAll();
  cluster_.wire().clear();
  points_.Clear();
  for (int i = 0; i < 5; ++i) Put(0, "x", absl::StrCat(i));
  std::vector<Packet> to_b;
  for (const Packet& packet : cluster_.wire()) {
    if (packet.to == 1) to_b.push_back(packet);
  }
  ASSERT_GE(to_b.size(), 5u);
  cluster_.Receive(1, to_b);
  ExpectInOrder(1);
  const std::vector<TracePoint> events = points_.EventsOf(1);
  EXPECT_GE(events.size(), to_b.size());
  for (size_t i = 0; i < to_b.size(); ++i) {
    EXPECT_EQ(events[i].kind, TraceKind::kReceive);
    EXPECT_EQ(events[i].sent_counter, to_b[i].clock().counter) << "in the order in which they were taken in";
  }
}

// Messages in any order, twice or never, links that break, watchers that come and go.
class Disorder : public TracedReplicas, public ::testing::WithParamInterface<uint64_t> {
 protected:
  Disorder() : random_(GetParam()) {}

  uint64_t Below(uint64_t bound) {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return (random_ >> 33) % bound;
  }
  void Step() {
    const NodeIndex node = Below(3);
    switch (Below(10)) {
      case 0:
      case 1:
        Put(node, absl::StrCat("k", Below(3)), absl::StrCat(Below(1000)));
        return;
      case 2:
        cluster_.Advance(100);
        cluster_.RunUntilIdle(node);
        return;
      case 3:
        if (Below(4) == 0) cluster_.Disconnect(node, (node + 1) % 3);
        cluster_.Connect();
        return;
      default:
        if (!cluster_.wire().empty()) Deliver(Take(Below(cluster_.wire().size())));
    }
  }
  void Deliver(const Packet& packet) {
    const uint64_t fate = Below(10);
    if (fate == 0) return;  // lost
    cluster_.Receive(packet.to, {packet});
    if (fate == 1) cluster_.Receive(packet.to, {packet});
  }

  uint64_t random_;
};

TEST_P(Disorder, KeepsTheClockCondition) {
  WatchAll();
  for (int step = 0; step < 400; ++step) Step();
  cluster_.Connect();
  for (NodeIndex node = 0; node < 3; ++node) ExpectInOrder(node);
  ExpectClockCondition();
  ExpectReceiptsToKnowTheirSendings();
}

INSTANTIATE_TEST_SUITE_P(Seeds, Disorder, ::testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace lamppost::kv
