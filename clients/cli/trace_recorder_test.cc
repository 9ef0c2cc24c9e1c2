#include "clients/cli/trace_recorder.h"

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "clients/cli/trace_recorder_fixture.h"

namespace lamppost::cli {
namespace {

TEST_F(TraceRecorderTest, AnEventWithAllThatItHas) {
  TraceEvent told;
  told.set_kind(kv::v1::TRACE_EVENT_KIND_RECEIVE);
  told.set_counter(9);
  told.mutable_at()->set_seconds(1'700'000'000);
  told.mutable_at()->set_nanos(250'999);
  told.set_peer("B");
  told.set_sent_counter(7);
  told.set_message(kv::v1::TRACE_MESSAGE_KIND_PUSH);
  told.add_keys("x");
  told.add_keys("y");
  told.set_entries(3);
  told.set_detail("x = 1 and 2 more");
  told.set_delay_ms(5);
  const Event event = Converted(told);
  EXPECT_EQ(event.kind, Event::Kind::kReceive);
  EXPECT_EQ(event.node, "A");
  EXPECT_EQ(event.counter, 9u);
  EXPECT_EQ(event.unix_us, 1'700'000'000'000'250);
  EXPECT_EQ(event.message, (diagram::MessageId{"B", "A", 7}));
  EXPECT_FALSE(event.is_answer);
  EXPECT_FALSE(event.is_quiet);
  EXPECT_EQ(event.what, "push");
  EXPECT_THAT(event.keys, ElementsAre("x", "y"));
  EXPECT_EQ(event.entries, 3u);
  EXPECT_EQ(event.detail, "x = 1 and 2 more");
  EXPECT_EQ(event.delay_ms, 5u);
}

TEST_F(TraceRecorderTest, WhatAMessageIsCalled) {
  const auto what = [this](kv::v1::TraceMessageKind kind) {
    TraceEvent told;
    told.set_kind(kv::v1::TRACE_EVENT_KIND_SEND);
    told.set_peer("B");
    told.set_counter(4);
    told.set_message(kind);
    const Event event = Converted(told);
    EXPECT_EQ(event.kind, Event::Kind::kSend);
    EXPECT_EQ(event.message, (diagram::MessageId{"A", "B", 4}));
    EXPECT_EQ(event.is_answer, kind == kv::v1::TRACE_MESSAGE_KIND_ANSWER);
    EXPECT_TRUE(event.is_quiet) << "it brings nothing of a client's";
    return event.what;
  };
  EXPECT_EQ(what(kv::v1::TRACE_MESSAGE_KIND_GREETING), "greeting");
  EXPECT_EQ(what(kv::v1::TRACE_MESSAGE_KIND_HEARTBEAT), "heartbeat");
  EXPECT_EQ(what(kv::v1::TRACE_MESSAGE_KIND_PUSH), "push");
  EXPECT_EQ(what(kv::v1::TRACE_MESSAGE_KIND_CATCH_UP), "catch-up");
  EXPECT_EQ(what(kv::v1::TRACE_MESSAGE_KIND_FULL), "full");
  EXPECT_EQ(what(kv::v1::TRACE_MESSAGE_KIND_REPAIR), "repair");
  EXPECT_EQ(what(kv::v1::TRACE_MESSAGE_KIND_ANSWER), "answer");
}

TEST_F(TraceRecorderTest, RefusalsAndConflictsAreNotQuiet) {
  TraceEvent told;
  told.set_kind(kv::v1::TRACE_EVENT_KIND_SEND);
  told.set_counter(4);
  told.set_peer("B");
  told.set_message(kv::v1::TRACE_MESSAGE_KIND_ANSWER);
  told.set_refusal("another cluster");
  EXPECT_EQ(Converted(told).what, "refusal: another cluster");
  EXPECT_FALSE(Converted(told).is_quiet);
  told.Clear();
  told.set_kind(kv::v1::TRACE_EVENT_KIND_CONFLICT);
  EXPECT_EQ(Converted(told).kind, Event::Kind::kConflict);
  EXPECT_FALSE(Converted(told).is_quiet);
  told.set_kind(kv::v1::TRACE_EVENT_KIND_WRITE);
  EXPECT_EQ(Converted(told).what, "record") << "what a node writes for itself";
  EXPECT_TRUE(Converted(told).is_quiet);
  told.add_keys("x");
  EXPECT_EQ(Converted(told).what, "write");
  EXPECT_FALSE(Converted(told).is_quiet);
  EXPECT_EQ(Converted(told).message, diagram::MessageId());
}

TEST_F(TraceRecorderTest, AnExchangeOfThree) {
  a_.Write("x");
  const auto to_b = a_.Send("B");
  const auto to_c = a_.Send("C");
  b_.Receive(to_b);
  const auto from_b = b_.Send("A", kv::v1::TRACE_MESSAGE_KIND_ANSWER);
  c_.Write("x");
  c_.Receive(to_c);
  c_.Conflict("x");
  const auto from_c = c_.Send("B");
  a_.Receive(from_b);
  b_.Receive(from_c);
  Tell();
  const diagram::History history = Consistent();
  EXPECT_THAT(history.lanes, SizeIs(3));
  EXPECT_EQ(CountArrows(history)[Arrow::Status::kArrived], 4u);
  EXPECT_THAT(history.arrows, SizeIs(4));
  EXPECT_THAT(LaneOf(recorder_.Events(), "C"), ElementsAre("write 1", "receive 4", "conflict 4", "send 5"));
}

// One node may tell of a receipt before another has told of the sending.
TEST_F(TraceRecorderTest, InWhateverPiecesItComes) {
  for (int i = 0; i < 20; ++i) {
    const auto sent = a_.Send("B");
    b_.Receive(sent);
    recorder_.OnMessage(1, b_.Take());
    if (i % 3 == 0) recorder_.OnMessage(0, a_.Take());
  }
  Tell();
  EXPECT_EQ(CountArrows(Consistent())[Arrow::Status::kArrived], 20u);
}

TEST_F(TraceRecorderTest, AMarkThatIsToldLaterStandsBehindItsSending) {
  const auto lost = a_.Send("B");
  const auto held = a_.Send("C");
  const auto doubled = a_.Send("B");
  a_.MarkOf(kv::v1::TRACE_EVENT_KIND_DROP, lost);
  a_.MarkOf(kv::v1::TRACE_EVENT_KIND_DELAY, held)->set_delay_ms(700);
  recorder_.OnMessage(0, a_.Take());
  a_.Write("x");
  a_.MarkOf(kv::v1::TRACE_EVENT_KIND_DUPLICATE, doubled);
  c_.Receive(held);
  b_.Receive(doubled);
  b_.Receive(doubled);
  Tell();
  EXPECT_THAT(LaneOf(recorder_.Events(), "A"),
              ElementsAre("send 1", "drop 1", "send 2", "delay 2", "send 3", "duplicate 3", "write 4"));
  const diagram::History history = Consistent();
  auto counts = CountArrows(history);
  EXPECT_EQ(counts[Arrow::Status::kLost], 1u);
  EXPECT_EQ(counts[Arrow::Status::kArrived], 2u);
  EXPECT_EQ(counts[Arrow::Status::kArrivedAsCopy], 1u);
  const auto delayed = std::find_if(history.arrows.begin(), history.arrows.end(),
                                    [](const Arrow& arrow) { return arrow.is_delayed; });
  ASSERT_NE(delayed, history.arrows.end());
  EXPECT_EQ(delayed->delay_ms, 700u);
  EXPECT_EQ(delayed->message.to, "C");
}

TEST_F(TraceRecorderTest, WhatIsLostAtAReceiversDoorIsLostOnItsWay) {
  const auto first = a_.Send("C");
  a_.Send("C");
  c_.Write("y");
  c_.LoseAtTheDoor(first);
  Tell();
  EXPECT_THAT(LaneOf(recorder_.Events(), "A"), ElementsAre("send 1", "drop 1", "send 2"));
  EXPECT_THAT(LaneOf(recorder_.Events(), "C"), ElementsAre("write 1"));
  const diagram::History history = Consistent();
  EXPECT_EQ(CountArrows(history)[Arrow::Status::kLost], 1u);
  EXPECT_EQ(CountArrows(history)[Arrow::Status::kUnseen], 1u);
}

TEST_F(TraceRecorderTest, AProcessThatIsGoneAndTheNext) {
  a_.Write("x");
  b_.Receive(a_.Send("B"));
  Tell();
  recorder_.OnBroken(0, Gone());
  recorder_.OnBroken(0, absl::UnavailableError("nobody listens"));
  FakeProcess again("A", 11, a_.counter() + 100);
  again.Receive(b_.Send("A"));
  again.Write("y");
  recorder_.OnMessage(0, again.Take());
  recorder_.OnMessage(1, b_.Take());
  const std::vector<Event> events = recorder_.Events();
  EXPECT_THAT(LaneOf(events, "A"),
              ElementsAre("write 1", "send 2", "crash 0", "start 0", "receive 103", "write 104"));
  EXPECT_EQ(events.size(), 6u + 2u);
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kStart) {
      EXPECT_EQ(event.unix_us, 11'000'000);
    }
    if (event.counter == 104) {
      EXPECT_EQ(event.vector.at("A/2"), 2u);
      EXPECT_EQ(event.vector.at("A"), 2u) << "by what B knew";
    }
  }
  Consistent();
}

TEST_F(TraceRecorderTest, AnOrderlyEndIsAStop) {
  a_.Write("x");
  Tell();
  recorder_.OnBroken(0, ShutDown());
  EXPECT_THAT(LaneOf(recorder_.Events(), "A"), ElementsAre("write 1", "stop 0"));
  Consistent();
}

// It is the same process: it did not crash, but of what it did meanwhile nothing is known.
TEST_F(TraceRecorderTest, AStreamThatBreaksWithoutItsProcessLeavesAGap) {
  a_.Write("x");
  Tell();
  recorder_.OnBroken(0, Gone());
  a_.Write("unheard");
  a_.Take();
  a_.Write("y");
  Tell();
  EXPECT_THAT(LaneOf(recorder_.Events(), "A"), ElementsAre("write 1", "gap 0", "write 3"));
  Consistent();
}

TEST_F(TraceRecorderTest, WhatANodeLeavesOutIsAGap) {
  a_.Write("x");
  Tell();
  a_.Write("y");
  a_.pending()->set_left_out(4);
  Tell();
  a_.pending()->set_left_out(1);
  Tell();
  EXPECT_THAT(LaneOf(recorder_.Events(), "A"), ElementsAre("write 1", "gap 0", "write 2", "gap 0"));
  Consistent();
}

TEST_F(TraceRecorderTest, TheReceiverIsKnownByItsReceipt) {
  const auto greeting = a_.SendToUnknown("C");
  c_.Receive(greeting);
  Tell();
  const diagram::History history = Consistent();
  ASSERT_THAT(history.arrows, SizeIs(1));
  EXPECT_EQ(history.arrows[0].status, Arrow::Status::kArrived);
  EXPECT_EQ(history.arrows[0].message.to, "C");
}

// A node that has started again greets one that is paused: neither its receipt nor its answer tells its name.
TEST_F(TraceRecorderTest, AReceiverThatHearsNothingIsKnownByItsLoss) {
  const auto greeting = a_.SendToUnknown("C");
  c_.LoseAtTheDoor(greeting);
  Tell();
  const diagram::History history = Consistent();
  ASSERT_THAT(history.arrows, SizeIs(1));
  EXPECT_EQ(history.arrows[0].status, Arrow::Status::kLost);
  EXPECT_EQ(history.arrows[0].message.to, "C");
}

// The trace ends before it has arrived, or whoever gets it is not traced.
TEST_F(TraceRecorderTest, AReceiverThatNobodyKnowsSpoilsNothing) {
  const auto greeting = a_.SendToUnknown("C");
  const auto lost = a_.SendToUnknown("C");
  TraceEvent* mark = a_.MarkOf(kv::v1::TRACE_EVENT_KIND_DROP, lost);
  mark->set_peer("");
  const auto known = a_.Send("B");
  b_.Receive(known);
  Tell();
  const diagram::History history = Consistent();
  auto counts = CountArrows(history);
  EXPECT_EQ(counts[Arrow::Status::kUnseen], 1u);
  EXPECT_EQ(counts[Arrow::Status::kLost], 1u);
  EXPECT_EQ(counts[Arrow::Status::kArrived], 1u);
}

// Whoever speaks the protocol wrongly is refused by the node, which tells of it.
TEST_F(TraceRecorderTest, ASenderWithoutANameSpoilsNothing) {
  for (const uint64_t sent_counter : {0, 1}) {
    TraceEvent* receipt = a_.Write("x");
    receipt->set_kind(kv::v1::TRACE_EVENT_KIND_RECEIVE);
    receipt->set_message(kv::v1::TRACE_MESSAGE_KIND_GREETING);
    receipt->set_peer("");
    receipt->set_sent_counter(sent_counter);
  }
  Tell();
  EXPECT_EQ(CountArrows(Consistent())[Arrow::Status::kFromOutside], 2u);
}

// Of a process from before the trace only the vectors of others tell.
TEST_F(TraceRecorderTest, AProcessThatOnlyOthersKnowOfHasANameOfItsOwn) {
  TraceEvent* write = a_.Write("x");
  kv::v1::VectorEntry* entry = write->add_vector();
  entry->set_node_id("B");
  entry->set_boot_id(19);
  entry->set_events(5);
  b_.Write("y");
  Tell();
  for (const Event& event : recorder_.Events()) {
    if (event.node == "B") {
      EXPECT_EQ(event.vector.at("B"), 1u);
    }
    if (event.node == "A") {
      EXPECT_EQ(event.vector.at("B/2"), 5u);
    }
  }
}

TEST_F(TraceRecorderTest, WhoIsSilent) {
  EXPECT_FALSE(recorder_.AwaitAll(0));
  recorder_.OnMessage(0, a_.Take());
  recorder_.OnBroken(1, Gone());
  recorder_.OnMessage(2, c_.Take());
  EXPECT_FALSE(recorder_.AwaitAll(0));
  const auto silent = recorder_.Silent();
  ASSERT_THAT(silent, SizeIs(1));
  EXPECT_EQ(silent.at("B"), Gone());
  std::thread late([this] { recorder_.OnMessage(1, b_.Take()); });
  EXPECT_TRUE(recorder_.AwaitAll(20'000));
  late.join();
  EXPECT_THAT(recorder_.Silent(), IsEmpty());
}

// It has a lane all the same: what others send it does not go to nowhere.
TEST_F(TraceRecorderTest, ANodeThatIsAwayAllTheTime) {
  recorder_.OnBroken(1, Gone());
  a_.Send("B");
  recorder_.OnMessage(0, a_.Take());
  EXPECT_THAT(LaneOf(recorder_.Events(), "B"), ElementsAre("gap 0"));
  Consistent();
}

TEST_F(TraceRecorderTest, ANodeThatStartsWhileItIsTraced) {
  recorder_.OnBroken(1, Gone());
  recorder_.OnBroken(1, Gone());
  b_.Write("x");
  b_.pending()->mutable_started_at()->set_seconds(absl::ToUnixSeconds(absl::Now()) + 60);
  recorder_.OnMessage(1, b_.Take());
  EXPECT_THAT(LaneOf(recorder_.Events(), "B"), ElementsAre("start 0", "write 1"));
  Consistent();
}

// It runs all the time, and its events from before are not there.
TEST_F(TraceRecorderTest, ANodeThatIsReachedLater) {
  recorder_.OnBroken(1, Gone());
  b_.Write("x");
  b_.Take();
  b_.Write("y");
  recorder_.OnMessage(1, b_.Take());
  EXPECT_THAT(LaneOf(recorder_.Events(), "B"), ElementsAre("gap 0", "write 2"));
  Consistent();
}

TEST_F(TraceRecorderTest, NoMoreIsKeptThanItMay) {
  for (size_t i = 0; i < TraceRecorder::kEventsMax; ++i) {
    a_.Write("x");
    if (i % 1000 == 999) recorder_.OnMessage(0, a_.Take());
  }
  EXPECT_FALSE(recorder_.IsFull());
  b_.Write("y");
  Tell();
  EXPECT_TRUE(recorder_.IsFull());
  EXPECT_EQ(recorder_.Events().size(), TraceRecorder::kEventsMax);
}

}  // namespace
}  // namespace lamppost::cli
