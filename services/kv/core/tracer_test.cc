// What a replica tells of itself while it is traced, and that counters and vectors say the same of it.
#include "services/kv/core/tracer.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/utf8.h"
#include "services/kv/core/testing/cluster.h"

namespace lamppost::kv {
namespace {

using testing::FullMesh;
using testing::NodeIndex;
using testing::Packet;

const ProcessId kA{"A", 1};
const ProcessId kB{"B", 2};

TracePoint PointAt(uint64_t counter) {
  TracePoint point;
  point.counter = counter;
  return point;
}

Trace VectorOf(VectorClock vector) {
  return std::make_shared<const VectorClock>(std::move(vector));
}

KeyedVersion Text(const std::string& key, const std::string& text) {
  KeyedVersion entry{key, {}};
  entry.version.value = Value{Value::Kind::kText, text};
  return entry;
}

TracePoint Described(const std::vector<KeyedVersion>& entries) {
  TracePoint point;
  Describe(entries, &point);
  return point;
}

TEST(Describe, ClientsKeysAndNoMoreThanAFew) {
  std::vector<KeyedVersion> entries = {Text(std::string("\0member/A", 9), "a record"), Text("x", "10")};
  const TracePoint two = Described(entries);
  EXPECT_EQ(two.keys, std::vector<std::string>{"x"});
  EXPECT_EQ(two.entries, 2u) << "a record is brought all the same";
  EXPECT_EQ(two.detail, "x = 10 and 1 more");
  for (int i = 0; i < 20; ++i) entries.push_back(Text(absl::StrCat("k", i), "v"));
  const TracePoint many = Described(entries);
  EXPECT_EQ(many.keys.size(), TracePoint::kKeysMax);
  EXPECT_EQ(many.entries, 22u);
  entries.resize(1);
  EXPECT_EQ(Described(entries).keys, std::vector<std::string>());
  EXPECT_EQ(Described(entries).detail, "") << "of what the nodes keep for themselves nothing is shown";
}

TEST(Describe, ValuesInShort) {
  EXPECT_EQ(Described({Text("x", "10")}).detail, "x = 10");
  KeyedVersion entry = Text("x", std::string(100, '\xff'));
  entry.version.value->kind = Value::Kind::kData;
  EXPECT_EQ(Described({entry}).detail, "x = 100 bytes");
  entry.version.value.reset();
  EXPECT_EQ(Described({entry}).detail, "x deleted");
  entry.version.lapsed = true;
  EXPECT_EQ(Described({entry}).detail, "x expired");
  // Cut at each place of a character that takes several bytes.
  for (size_t before = 0; before < 4; ++before) {
    std::string text(before, 'a');
    for (int i = 0; i < 50; ++i) text += "語";
    const std::string detail = Described({Text("x", text)}).detail;
    EXPECT_TRUE(IsUtf8(detail)) << detail;
    EXPECT_LT(detail.size(), 60u);
  }
}

TEST(Tracer, AReceiptJoinsWhatTheSenderKnew) {
  Tracer tracer(kA);
  tracer.Start();
  tracer.Happened(PointAt(5));
  tracer.Received(PointAt(9), VectorOf({{kB, 7}, {{"C", 3}, 4}}));
  tracer.Received(PointAt(10), VectorOf({{kB, 2}, {{"C", 3}, 6}, {kA, 100}}));
  EXPECT_EQ(*tracer.Happened(PointAt(11)), (VectorClock{{kA, 4}, {kB, 7}, {{"C", 3}, 6}}))
      << "of its own events it alone knows how many there were";
}

TEST(Tracer, OfASenderThatIsNotTracedNothingIsKnown) {
  Tracer tracer(kA);
  tracer.Start();
  tracer.Received(PointAt(9), nullptr);
  const Tracer::Points told = tracer.Take();
  ASSERT_EQ(told.points.size(), 1u);
  EXPECT_EQ(*told.points[0].vector, (VectorClock{{kA, 1}}));
}

// Else two traces of one process would give two events one number.
TEST(Tracer, ItsOwnCountGoesOnOverAPause) {
  Tracer tracer(kA);
  tracer.Start();
  tracer.Happened(PointAt(1));
  tracer.Received(PointAt(2), VectorOf({{kB, 5}}));
  tracer.Stop();
  EXPECT_FALSE(tracer.IsOn());
  tracer.Start();
  EXPECT_TRUE(tracer.Take().points.empty()) << "nobody has asked for what was left of before";
  EXPECT_EQ(*tracer.Happened(PointAt(7)), (VectorClock{{kA, 3}}));
  tracer.Start();  // a second watcher: nothing is forgotten
  EXPECT_EQ(*tracer.Happened(PointAt(8)), (VectorClock{{kA, 4}}));
}

TEST(Tracer, AMarkHasTheCounterAndTheVectorOfItsEvent) {
  Tracer tracer(kA);
  tracer.Start();
  tracer.Happened(PointAt(5));
  TracePoint mark = PointAt(99);
  mark.kind = TraceKind::kConflict;
  tracer.Mark(mark);
  tracer.Happened(PointAt(6));
  const Tracer::Points told = tracer.Take();
  ASSERT_EQ(told.points.size(), 3u);
  EXPECT_EQ(told.points[1].kind, TraceKind::kConflict);
  EXPECT_EQ(told.points[1].counter, 5u);
  EXPECT_EQ(told.points[1].vector, told.points[0].vector);
  EXPECT_EQ(told.points[2].vector->at(kA), 2u) << "a mark is no event";
}

TEST(Tracer, WhatIsTooMuchIsCounted) {
  Tracer tracer(kA);
  tracer.Start();
  for (size_t i = 1; i <= Tracer::kPointsMax + 5; ++i) tracer.Happened(PointAt(i));
  const Tracer::Points told = tracer.Take();
  EXPECT_EQ(told.points.size(), Tracer::kPointsMax);
  EXPECT_EQ(told.left_out, 5u);
  EXPECT_EQ(told.points.back().counter, Tracer::kPointsMax) << "the first ones are kept";
  const Tracer::Points none = tracer.Take();
  EXPECT_TRUE(none.points.empty());
  EXPECT_EQ(none.left_out, 0u);
  EXPECT_EQ(tracer.Happened(PointAt(50000))->at(kA), Tracer::kPointsMax + 6)
      << "what was not told has happened";
}

// One that is longer than peers take would be no vector to them.
TEST(Tracer, AVectorIsNeverLongerThanOneMayBe) {
  Tracer tracer(kA);
  tracer.Start();
  VectorClock many;
  for (uint64_t boot_id = 1; boot_id <= 2 * kVectorEntriesMax; ++boot_id) many[{"B", boot_id}] = 1;
  tracer.Received(PointAt(1), VectorOf(many));
  const Trace vector = tracer.Happened(PointAt(2));
  EXPECT_LE(vector->size(), kVectorEntriesMax);
  EXPECT_EQ(vector->at(kA), 2u);
  many = {{{"B", 1}, 9}};
  tracer.Received(PointAt(3), VectorOf(many));
  EXPECT_EQ(tracer.Happened(PointAt(4))->at({"B", 1}), 9u) << "those that are known go on";
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
}

INSTANTIATE_TEST_SUITE_P(Seeds, Disorder, ::testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace lamppost::kv
