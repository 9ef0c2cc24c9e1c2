#include "services/kv/server/faulty_outbox.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/kv/core/testing/cluster.h"

namespace lamppost::kv {
namespace {

// Longer than any test takes: what is held for so long is due only when a test says that it is.
constexpr uint64_t kLongMs = 3'600'000;

// What arrives at the links, in its order: messages by their sequence, answers by theirs.
class Links : public Outbox {
 public:
  struct Arrived {
    std::string what;  // "message" or "answer"
    uint64_t sequence;

    friend bool operator==(const Arrived& a, const Arrived& b) {
      return a.what == b.what && a.sequence == b.sequence;
    }
  };

  void Send(PeerIndex peer, SyncMessage message) override {
    arrived.push_back({"message", message.sequence});
    last_peer = peer;
  }
  void SendAnswer(const OutgoingAnswer& outgoing) override {
    arrived.push_back({"answer", outgoing.answer.sequence});
  }
  void Poll(uint64_t) override { ++polls; }

  std::vector<Arrived> arrived;
  PeerIndex last_peer = 99;
  int polls = 0;
};

void PrintTo(const Links::Arrived& arrived, std::ostream* out) {
  *out << arrived.what << " " << arrived.sequence;
}

std::vector<Links::Arrived> Messages(uint64_t first, uint64_t last) {
  std::vector<Links::Arrived> messages;
  for (uint64_t sequence = first; sequence <= last; ++sequence) messages.push_back({"message", sequence});
  return messages;
}

LinkFault With(const std::function<void(LinkFault*)>& change) {
  LinkFault fault;
  change(&fault);
  return fault;
}
LinkFault Cut() {
  return With([](LinkFault* fault) { fault->cut = true; });
}
LinkFault Delay(uint64_t ms) {
  return With([ms](LinkFault* fault) { fault->delay_ms = ms; });
}

bool Await(const std::function<bool()>& condition) {
  for (const absl::Time deadline = absl::Now() + absl::Seconds(20); !condition();
       absl::SleepFor(absl::Milliseconds(1))) {
    if (absl::Now() > deadline) return false;
  }
  return true;
}

class Unobserved : public testing::Observer {
 public:
  void OnCommitted(testing::NodeIndex, const Output&, testing::CrashPoint) override {}
  void OnReceived(testing::NodeIndex, const testing::Packet&) override {}
};

// The outbox of A, whose replica knows B and C by their answers.
class FaultyOutboxTest : public ::testing::Test {
 protected:
  FaultyOutboxTest() : cluster_(testing::FullMesh({"A", "B", "C"}), testing::Tuning(), &unobserved_) {
    for (testing::NodeIndex node = 0; node < 3; ++node) EXPECT_TRUE(cluster_.Start(node).ok());
    for (int round = 0; round < 20; ++round) Settle();
    outbox_ = std::make_unique<FaultyOutbox>(7, &cluster_.replica(0), &links_,
                                             [this](TracePoint mark) { marks_.push_back(std::move(mark)); });
  }

  void Settle() {
    while (!cluster_.wire().empty()) {
      const testing::Packet packet = cluster_.wire().front();
      cluster_.wire().pop_front();
      cluster_.Receive(packet.to, {packet});
    }
    cluster_.Advance(250);
    for (testing::NodeIndex node = 0; node < 3; ++node) cluster_.RunUntilIdle(node);
  }

  PeerIndex PeerAt(const std::string& node_id) {
    const std::vector<Peer>& peers = cluster_.replica(0).peers();
    for (PeerIndex peer = 0; peer < peers.size(); ++peer) {
      if (peers[peer].node_id == node_id) return peer;
    }
    ADD_FAILURE() << "A does not know " << node_id;
    return 0;
  }

  static SyncMessage Message(uint64_t sequence, Trace trace = nullptr) {
    SyncMessage message;
    message.clock = {100 + sequence, {"A", 1}};
    message.sequence = sequence;
    message.receiver_incarnation = 1;
    message.trace = std::move(trace);
    return message;
  }
  static OutgoingAnswer AnswerTo(const std::string& to, uint64_t sequence, Trace trace = nullptr) {
    SyncAnswer answer;
    answer.clock = {100 + sequence, {"A", 1}};
    answer.sequence = sequence;
    answer.trace = std::move(trace);
    return {4, std::move(answer), to};
  }
  static Trace SomeVector() {
    return std::make_shared<const VectorClock>(VectorClock{{{"A", 1}, 3}, {{"B", 2}, 5}});
  }

  void SendTo(const std::string& to, uint64_t first, uint64_t last) {
    for (uint64_t sequence = first; sequence <= last; ++sequence) {
      outbox_->Send(PeerAt(to), Message(sequence));
    }
  }
  // As if so long had passed.
  void PollIn(uint64_t ms) { outbox_->Poll(MonotonicMs() + ms); }
  FaultyOutbox::Counts CountsTo(const std::string& to) {
    for (const FaultyOutbox::Listed& listed : outbox_->List()) {
      if (listed.to == to) return listed.counts;
    }
    ADD_FAILURE() << "there is no fault on the way to " << to;
    return {};
  }

  Unobserved unobserved_;
  testing::Cluster cluster_;
  Links links_;
  std::vector<TracePoint> marks_;
  std::unique_ptr<FaultyOutbox> outbox_;
};

TEST_F(FaultyOutboxTest, WithoutFaultsEverythingGoesOnAtOnce) {
  outbox_->Send(PeerAt("C"), Message(1));
  outbox_->SendAnswer(AnswerTo("C", 2));
  EXPECT_EQ(links_.arrived, (std::vector<Links::Arrived>{{"message", 1}, {"answer", 2}}));
  EXPECT_EQ(links_.last_peer, PeerAt("C"));
  EXPECT_EQ(outbox_->PatienceMs(), UINT64_MAX);
  PollIn(0);
  EXPECT_EQ(links_.polls, 1) << "the links are polled all the same";
  EXPECT_EQ(outbox_->count(), 0u);
  EXPECT_TRUE(outbox_->Admits(Message(1)));
  EXPECT_TRUE(outbox_->Admits(AnswerTo("A", 1).answer));
}

TEST_F(FaultyOutboxTest, ACutLosesMessagesAndAnswersOfItsLinkAlone) {
  outbox_->Set("B", Cut());
  SendTo("B", 1, 3);
  outbox_->SendAnswer(AnswerTo("B", 4));
  EXPECT_TRUE(links_.arrived.empty());
  SendTo("C", 5, 5);
  EXPECT_EQ(links_.arrived, Messages(5, 5));
  EXPECT_EQ(CountsTo("B").dropped, 4u);
  EXPECT_EQ(outbox_->count(), 1u);
  EXPECT_TRUE(outbox_->Admits(Message(6))) << "it is of one direction";
  EXPECT_EQ(outbox_->Clear("C"), 0u);
  EXPECT_EQ(outbox_->Clear("B"), 1u);
  EXPECT_EQ(outbox_->Clear("B"), 0u);
  SendTo("B", 7, 7);
  EXPECT_EQ(links_.arrived.back(), (Links::Arrived{"message", 7})) << "and what was lost stays lost";
  EXPECT_EQ(links_.arrived.size(), 2u);
}

TEST_F(FaultyOutboxTest, ADelayHoldsUntilItIsOver) {
  outbox_->Set("B", Delay(kLongMs));
  const uint64_t sent_ms = MonotonicMs();
  SendTo("B", 1, 1);
  PollIn(0);
  PollIn(kLongMs / 2);
  EXPECT_TRUE(links_.arrived.empty());
  outbox_->Poll(sent_ms + kLongMs - 1);
  EXPECT_TRUE(links_.arrived.empty());
  PollIn(kLongMs);
  EXPECT_EQ(links_.arrived, Messages(1, 1));
  EXPECT_EQ(CountsTo("B").delayed, 1u);
  EXPECT_EQ(CountsTo("B").dropped, 0u);
  PollIn(2 * kLongMs);
  EXPECT_EQ(links_.arrived.size(), 1u);
}

// The driver polls when the patience is at an end, and not only at its ticks.
TEST_F(FaultyOutboxTest, PatienceEndsWhenSomethingIsDue) {
  outbox_->Set("B", Delay(kLongMs));
  SendTo("B", 1, 1);
  EXPECT_LE(outbox_->PatienceMs(), kLongMs);
  EXPECT_GT(outbox_->PatienceMs(), kLongMs / 2);
  outbox_->Set("C", Delay(2));
  SendTo("C", 2, 2);
  EXPECT_LE(outbox_->PatienceMs(), 2u) << "of what is due first";
  EXPECT_TRUE(Await([&] { return outbox_->PatienceMs() == 0; }));
  PollIn(0);
  EXPECT_EQ(links_.arrived, Messages(2, 2));
  EXPECT_GT(outbox_->PatienceMs(), kLongMs / 2);
}

TEST_F(FaultyOutboxTest, AConstantDelayKeepsTheOrder) {
  outbox_->Set("B", Delay(kLongMs));
  std::vector<Links::Arrived> sent;
  for (uint64_t i = 1; i <= 300; ++i) {
    if (i % 3 == 0) {
      outbox_->SendAnswer(AnswerTo("B", i));
      sent.push_back({"answer", i});
    } else {
      SendTo("B", i, i);
      sent.push_back({"message", i});
    }
  }
  PollIn(2 * kLongMs);
  EXPECT_EQ(links_.arrived, sent);
}

TEST_F(FaultyOutboxTest, ADuplicateComesTwice) {
  outbox_->Set("B", With([](LinkFault* fault) { fault->duplicate = 1; }));
  SendTo("B", 1, 1);
  outbox_->SendAnswer(AnswerTo("B", 2));
  EXPECT_EQ(links_.arrived,
            (std::vector<Links::Arrived>{{"message", 1}, {"message", 1}, {"answer", 2}, {"answer", 2}}));
  EXPECT_EQ(CountsTo("B").duplicated, 2u);
  EXPECT_EQ(CountsTo("B").delayed, 0u);
}

TEST_F(FaultyOutboxTest, ClearingSendsWhatIsHeldAtOnceAndInOrder) {
  outbox_->Set("B", Delay(kLongMs));
  outbox_->Set("C", Delay(kLongMs));
  SendTo("B", 1, 3);
  SendTo("C", 10, 10);
  SendTo("B", 4, 5);
  EXPECT_EQ(outbox_->Clear("B"), 1u);
  EXPECT_EQ(links_.arrived, Messages(1, 5)) << "and nothing of the other link";
  SendTo("B", 6, 6);
  EXPECT_EQ(links_.arrived, Messages(1, 6));
  outbox_->Pause(0);
  EXPECT_EQ(outbox_->ClearAll(), 2u) << "C's and the pause";
  EXPECT_EQ(links_.arrived.back(), (Links::Arrived{"message", 10}));
  EXPECT_EQ(outbox_->PatienceMs(), UINT64_MAX);
  EXPECT_EQ(outbox_->count(), 0u);
  EXPECT_EQ(outbox_->ClearAll(), 0u);
}

TEST_F(FaultyOutboxTest, APauseLosesWhatGoesOutAndWhatComesIn) {
  outbox_->Pause(0);
  SendTo("B", 1, 1);
  outbox_->SendAnswer(AnswerTo("C", 2));
  EXPECT_TRUE(links_.arrived.empty());
  EXPECT_FALSE(outbox_->Admits(Message(3)));
  EXPECT_FALSE(outbox_->Admits(AnswerTo("A", 4).answer));
  EXPECT_TRUE(outbox_->IsPaused());
  EXPECT_EQ(outbox_->pause_counts().dropped, 4u);
  EXPECT_EQ(outbox_->count(), 1u);
  EXPECT_TRUE(outbox_->List().empty()) << "it is on no link";
  EXPECT_EQ(outbox_->ClearAll(), 1u);
  EXPECT_TRUE(outbox_->Admits(Message(5)));
  SendTo("B", 6, 6);
  EXPECT_EQ(links_.arrived, Messages(6, 6));
  outbox_->Pause(0);
  EXPECT_EQ(outbox_->pause_counts().dropped, 0u) << "another pause is counted anew";
}

TEST_F(FaultyOutboxTest, FaultsEndByThemselves) {
  const auto until = [](uint64_t until_ms) {
    return With([=](LinkFault* fault) {
      fault->cut = true;
      fault->until_ms = until_ms;
    });
  };
  outbox_->Set("B", until(MonotonicMs() + kLongMs));
  SendTo("B", 1, 1);
  EXPECT_TRUE(links_.arrived.empty());
  outbox_->Pause(MonotonicMs() + kLongMs);
  EXPECT_TRUE(outbox_->IsPaused());
  outbox_->Set("B", until(MonotonicMs() + 30));
  outbox_->Pause(MonotonicMs() + 30);
  EXPECT_TRUE(Await([&] { return outbox_->count() == 0; }));
  EXPECT_TRUE(outbox_->List().empty());
  EXPECT_FALSE(outbox_->IsPaused());
  EXPECT_TRUE(outbox_->Admits(Message(2)));
  SendTo("B", 3, 3);
  EXPECT_EQ(links_.arrived, Messages(3, 3));
  EXPECT_EQ(outbox_->Clear("B"), 0u) << "there is none any more";
}

TEST_F(FaultyOutboxTest, AnotherFaultTakesThePlaceOfTheOneBefore) {
  outbox_->Set("B", Cut());
  SendTo("B", 1, 1);
  outbox_->Set("B", Delay(kLongMs));
  EXPECT_EQ(CountsTo("B").dropped, 0u) << "it is counted anew";
  SendTo("B", 2, 2);
  ASSERT_EQ(outbox_->List().size(), 1u);
  EXPECT_FALSE(outbox_->List()[0].fault.cut);
  EXPECT_EQ(outbox_->List()[0].fault.delay_ms, kLongMs);
  PollIn(2 * kLongMs);
  EXPECT_EQ(links_.arrived, Messages(2, 2));
}

TEST_F(FaultyOutboxTest, WhatIsHeldGoesOnWhenItsFaultEndsByItself) {
  LinkFault fault = Delay(kLongMs);
  fault.until_ms = MonotonicMs() + 30;
  outbox_->Set("B", fault);
  SendTo("B", 1, 3);
  ASSERT_TRUE(Await([&] { return outbox_->count() == 0; }));
  outbox_->Set("C", Cut());  // how many there are is as before
  PollIn(0);
  EXPECT_EQ(links_.arrived, Messages(1, 3));
  EXPECT_EQ(outbox_->PatienceMs(), UINT64_MAX);
}

TEST_F(FaultyOutboxTest, WhatIsHeldGoesPastNoCutAndOutOfNoPausedNode) {
  outbox_->Set("B", Delay(kLongMs));
  outbox_->Set("C", Delay(kLongMs));
  outbox_->Send(PeerAt("B"), Message(1, SomeVector()));
  outbox_->SendAnswer(AnswerTo("C", 2, SomeVector()));
  marks_.clear();
  outbox_->Set("B", Cut());
  outbox_->Pause(0);
  outbox_->Clear("C");
  EXPECT_TRUE(links_.arrived.empty());
  EXPECT_EQ(outbox_->pause_counts().dropped, 1u);
  SendTo("B", 3, 3);
  outbox_->ClearAll();
  outbox_->Set("B", Delay(kLongMs));
  outbox_->Send(PeerAt("B"), Message(4, SomeVector()));
  outbox_->Set("B", Cut());
  PollIn(2 * kLongMs);
  EXPECT_EQ(CountsTo("B").dropped, 1u);
  EXPECT_EQ(links_.arrived, Messages(1, 1)) << "on its way before the cut, and after it";
  std::vector<uint64_t> lost;
  for (const TracePoint& mark : marks_) {
    if (mark.kind == TraceKind::kDrop) lost.push_back(mark.counter);
  }
  EXPECT_EQ(lost, (std::vector<uint64_t>{102, 104}));
}

// There the receiver would take it for a gap in what the new link brings.
TEST_F(FaultyOutboxTest, WhatIsHeldIsNotSentOnALaterLink) {
  outbox_->Set("B", Delay(kLongMs));
  SendTo("B", 1, 2);
  cluster_.Advance(1000);
  cluster_.Disconnect(0, 1);
  outbox_->Poll(MonotonicMs() + kLongMs + 1);
  EXPECT_TRUE(links_.arrived.empty()) << "there is no link";
  SendTo("B", 3, 3);
  cluster_.Connect();
  ASSERT_TRUE(cluster_.HasLink(0, 1));
  Settle();
  SendTo("B", 4, 4);
  PollIn(2 * kLongMs);
  EXPECT_EQ(links_.arrived, Messages(4, 4));
}

// Else a link that is delayed by an hour would fill the memory.
TEST_F(FaultyOutboxTest, NoMoreThanSoMuchIsHeld) {
  outbox_->Set("B", Delay(kLongMs));
  SendTo("B", 1, FaultyOutbox::kHeldMax + 3);
  EXPECT_EQ(CountsTo("B").dropped, 3u);
  outbox_->Clear("B");
  EXPECT_EQ(links_.arrived, Messages(1, FaultyOutbox::kHeldMax)) << "the first ones";
  outbox_->Set("B", Delay(kLongMs));
  SendTo("B", 1, FaultyOutbox::kHeldMax);
  outbox_->Send(PeerAt("B"), Message(7, SomeVector()));
  ASSERT_EQ(marks_.size(), 1u);
  EXPECT_EQ(marks_[0].kind, TraceKind::kDrop) << "and nothing else";
}

TEST_F(FaultyOutboxTest, WatchersAreToldWhatBecomesOfAMessage) {
  const Trace vector = SomeVector();
  outbox_->Set("B", Cut());
  outbox_->Send(PeerAt("B"), Message(1, vector));
  outbox_->Set("B", With([](LinkFault* fault) {
                 fault->delay_ms = kLongMs;
                 fault->duplicate = 1;
               }));
  outbox_->SendAnswer(AnswerTo("B", 2, vector));
  outbox_->Pause(0);
  outbox_->Send(PeerAt("C"), Message(3, vector));
  ASSERT_EQ(marks_.size(), 4u);
  EXPECT_EQ(marks_[0].kind, TraceKind::kDrop);
  EXPECT_EQ(marks_[0].peer, "B");
  EXPECT_EQ(marks_[0].carries, Carries::kHeartbeat);
  EXPECT_EQ(marks_[1].kind, TraceKind::kDelay);
  EXPECT_EQ(marks_[1].delay_ms, kLongMs);
  EXPECT_EQ(marks_[1].carries, Carries::kAnswer);
  EXPECT_EQ(marks_[2].kind, TraceKind::kDuplicate);
  EXPECT_EQ(marks_[3].kind, TraceKind::kDrop);
  EXPECT_EQ(marks_[3].peer, "C");
  const std::vector<uint64_t> counters = {101, 102, 102, 103};
  for (size_t i = 0; i < marks_.size(); ++i) {
    EXPECT_EQ(marks_[i].counter, counters[i]) << "of the sending";
    EXPECT_EQ(marks_[i].sent_counter, 0u);
    EXPECT_EQ(marks_[i].vector, vector);
  }
}

// It is not this node's message: its sender, and the counter of its sending, tell it from all others.
TEST_F(FaultyOutboxTest, WatchersAreToldWhatAPausedNodeDoesNotHear) {
  outbox_->Pause(0);
  SyncMessage message = Message(1, SomeVector());
  message.clock = {70, {"B", 1}};
  EXPECT_FALSE(outbox_->Admits(message));
  ASSERT_EQ(marks_.size(), 1u);
  EXPECT_EQ(marks_[0].kind, TraceKind::kDrop);
  EXPECT_EQ(marks_[0].peer, "B");
  EXPECT_EQ(marks_[0].sent_counter, 70u);
  EXPECT_EQ(marks_[0].vector, message.trace);
}

TEST_F(FaultyOutboxTest, OfWhatIsNotTracedNothingIsTold) {
  outbox_->Set("B", Cut());
  SendTo("B", 1, 1);
  outbox_->Set("B", Delay(1));
  SendTo("B", 2, 2);
  outbox_->Pause(0);
  SendTo("B", 3, 3);
  EXPECT_FALSE(outbox_->Admits(Message(4)));
  EXPECT_TRUE(marks_.empty());
}

}  // namespace
}  // namespace lamppost::kv
