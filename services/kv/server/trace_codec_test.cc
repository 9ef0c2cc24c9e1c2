#include "services/kv/server/trace_codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/kv/server/sync_codec.h"

namespace lamppost::kv {
namespace {

constexpr uint64_t kGreatest = std::numeric_limits<uint64_t>::max();

VectorClock SomeVector() {
  return {{{"A", kGreatest}, 3}, {{"A", 7}, kGreatest}, {{"node-2.x", 0}, 0}};
}

TracePoint Point(TraceKind kind, Carries carries = Carries::kNothing) {
  TracePoint point;
  point.kind = kind;
  point.carries = carries;
  point.vector = std::make_shared<const VectorClock>(SomeVector());
  return point;
}

v1::TraceEvent Event(const TracePoint& point) {
  v1::TraceEvent event;
  ToProto(point, &event);
  return event;
}

TEST(TraceCodecTest, AVectorComesBackAsItWas) {
  VectorField field;
  ToProto(SomeVector(), &field);
  const Trace got = TraceFromProto(field);
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(*got, SomeVector());
}

TEST(TraceCodecTest, WhatIsNoVectorIsNone) {
  EXPECT_EQ(TraceFromProto(VectorField()), nullptr);
  for (const std::string& node_id : {std::string(), std::string("with space"), std::string(33, 'n'),
                                     std::string("\0A", 2), std::string("A/2")}) {
    VectorField field;
    ToProto(SomeVector(), &field);
    field.Add()->set_node_id(node_id);
    EXPECT_EQ(TraceFromProto(field), nullptr) << "'" << node_id << "'";
  }
}

TEST(TraceCodecTest, AVectorHasNoMoreEntriesThanItMay) {
  VectorField field;
  for (size_t i = 0; i < kVectorEntriesMax; ++i) {
    v1::VectorEntry* entry = field.Add();
    entry->set_node_id("A");
    entry->set_boot_id(i);
    entry->set_events(1);
  }
  ASSERT_NE(TraceFromProto(field), nullptr);
  EXPECT_EQ(TraceFromProto(field)->size(), kVectorEntriesMax);
  field.Add()->set_node_id("B");
  EXPECT_EQ(TraceFromProto(field), nullptr);
}

TEST(TraceCodecTest, AnEventWithAllThatItMayHave) {
  TracePoint point = Point(TraceKind::kReceive, Carries::kAnswer);
  point.counter = kGreatest;
  point.peer = "B";
  point.sent_counter = kGreatest - 1;
  point.refusal = Refusal::kGap;
  point.keys = {"x", "y"};
  point.entries = 12;
  point.detail = "x = 10 and 11 more";
  point.delay_ms = 2000;
  const v1::TraceEvent event = Event(point);
  EXPECT_EQ(event.kind(), v1::TRACE_EVENT_KIND_RECEIVE);
  EXPECT_EQ(event.counter(), kGreatest);
  EXPECT_EQ(event.peer(), "B");
  EXPECT_EQ(event.sent_counter(), kGreatest - 1);
  EXPECT_EQ(event.message(), v1::TRACE_MESSAGE_KIND_ANSWER);
  EXPECT_EQ(event.refusal(), ToString(Refusal::kGap));
  ASSERT_EQ(event.keys_size(), 2);
  EXPECT_EQ(event.keys(1), "y");
  EXPECT_EQ(event.entries(), 12u);
  EXPECT_EQ(event.detail(), "x = 10 and 11 more");
  EXPECT_EQ(event.delay_ms(), 2000u);
  ASSERT_NE(TraceFromProto(event.vector()), nullptr);
  EXPECT_EQ(*TraceFromProto(event.vector()), SomeVector());
  EXPECT_FALSE(event.has_at()) << "that is for whoever tells it";
}

TEST(TraceCodecTest, WhatRefusesNothingSaysNothing) {
  EXPECT_EQ(Event(Point(TraceKind::kSend, Carries::kAnswer)).refusal(), "");
}

TEST(TraceCodecTest, EveryKind) {
  const std::vector<std::pair<TraceKind, v1::TraceEventKind>> kinds = {
      {TraceKind::kSend, v1::TRACE_EVENT_KIND_SEND},
      {TraceKind::kReceive, v1::TRACE_EVENT_KIND_RECEIVE},
      {TraceKind::kWrite, v1::TRACE_EVENT_KIND_WRITE},
      {TraceKind::kConflict, v1::TRACE_EVENT_KIND_CONFLICT},
      {TraceKind::kDrop, v1::TRACE_EVENT_KIND_DROP},
      {TraceKind::kDelay, v1::TRACE_EVENT_KIND_DELAY},
      {TraceKind::kDuplicate, v1::TRACE_EVENT_KIND_DUPLICATE}};
  for (const auto& [kind, proto] : kinds) EXPECT_EQ(Event(Point(kind)).kind(), proto);
  const std::vector<std::pair<Carries, v1::TraceMessageKind>> messages = {
      {Carries::kNothing, v1::TRACE_MESSAGE_KIND_UNSPECIFIED},
      {Carries::kGreeting, v1::TRACE_MESSAGE_KIND_GREETING},
      {Carries::kHeartbeat, v1::TRACE_MESSAGE_KIND_HEARTBEAT},
      {Carries::kPush, v1::TRACE_MESSAGE_KIND_PUSH},
      {Carries::kCatchUp, v1::TRACE_MESSAGE_KIND_CATCH_UP},
      {Carries::kFull, v1::TRACE_MESSAGE_KIND_FULL},
      {Carries::kRepair, v1::TRACE_MESSAGE_KIND_REPAIR},
      {Carries::kAnswer, v1::TRACE_MESSAGE_KIND_ANSWER}};
  for (const auto& [carries, proto] : messages) {
    EXPECT_EQ(Event(Point(TraceKind::kSend, carries)).message(), proto);
  }
}

TEST(TraceCodecTest, ItTravelsWithMessagesAndAnswers) {
  SyncMessage message;
  message.clock = {5, {"A", 1}};
  v1::SyncRequest request;
  ToProto(message, &request);
  EXPECT_EQ(request.trace_size(), 0) << "of a node that is not traced";
  EXPECT_EQ(FromProto(request)->trace, nullptr);
  message.trace = std::make_shared<const VectorClock>(SomeVector());
  request.Clear();
  ToProto(message, &request);
  ASSERT_TRUE(FromProto(request).ok());
  ASSERT_NE(FromProto(request)->trace, nullptr);
  EXPECT_EQ(*FromProto(request)->trace, SomeVector());
  SyncAnswer answer;
  answer.clock = {5, {"A", 1}};
  answer.trace = message.trace;
  v1::SyncResponse response;
  ToProto(answer, &response);
  ASSERT_TRUE(FromProto(response).ok());
  ASSERT_NE(FromProto(response)->trace, nullptr);
  EXPECT_EQ(*FromProto(response)->trace, SomeVector());
}

// It is for those who watch: nothing that replicates waits for it to be right.
TEST(TraceCodecTest, AMessageWithAVectorThatIsNoneIsTakenWithoutIt) {
  SyncMessage message;
  message.clock = {5, {"A", 1}};
  message.trace = std::make_shared<const VectorClock>(SomeVector());
  v1::SyncRequest request;
  ToProto(message, &request);
  request.mutable_trace(0)->set_node_id("");
  ASSERT_TRUE(FromProto(request).ok()) << FromProto(request).status();
  EXPECT_EQ(FromProto(request)->trace, nullptr);
  EXPECT_EQ(FromProto(request)->clock, message.clock);
}

}  // namespace
}  // namespace lamppost::kv
