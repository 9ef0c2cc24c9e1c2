#include "services/common/call_shell.h"

#include <google/protobuf/struct.pb.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/common/error.h"
#include "services/common/message_bytes.h"

namespace lamppost {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  for (const grpc::Slice& slice : slices) text.append(slice.begin(), slice.end());
  return text;
}

grpc::ByteBuffer Buffer(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

// A reservation that is made when the test says so.
struct Reservation {
  uint64_t counter = 0;
  std::function<void(absl::Status)> next;

  CallShell::ReserveFn Fn() {
    return [this](uint64_t wanted, std::function<void(absl::Status)> then) {
      counter = wanted;
      next = std::move(then);
    };
  }
};

TEST(CallShellTest, AMessageBelowTheReservationIsLetInAtOnce) {
  LamportClock clock(0);
  clock.Reserve(LamportClock::kBlock);
  Reservation reservation;
  CallShell shell("A", &clock, reservation.Fn());
  EXPECT_TRUE(shell.AdmitNow(41));
  clock::v1::Timestamp stamp;
  shell.set_incarnation(7);
  shell.Stamp(&stamp);
  EXPECT_EQ(stamp.counter(), 43u);
  EXPECT_EQ(stamp.node_id(), "A");
  EXPECT_EQ(stamp.incarnation(), 7u);
}

TEST(CallShellTest, AMessageBeyondTheReservationWaitsForIt) {
  LamportClock clock(0);
  clock.Reserve(LamportClock::kBlock);
  Reservation reservation;
  CallShell shell("A", &clock, reservation.Fn());
  const uint64_t counter = 2 * LamportClock::kBlock;
  bool admitted = false;
  absl::Status refusal;
  shell.Admit(
      counter, [&] { admitted = true; }, [&](const absl::Status& status) { refusal = status; });
  EXPECT_FALSE(admitted);
  ASSERT_EQ(reservation.counter, counter);
  clock.Reserve(counter + LamportClock::kBlock);
  reservation.next(absl::OkStatus());
  EXPECT_TRUE(admitted);
  EXPECT_TRUE(refusal.ok());
  EXPECT_GT(clock.now(), counter);
}

TEST(CallShellTest, AReservationThatCannotBeMadeRefusesTheMessage) {
  LamportClock clock(0);
  Reservation reservation;
  CallShell shell("A", &clock, reservation.Fn());
  absl::Status refusal;
  shell.Admit(
      5, [] { FAIL(); }, [&](const absl::Status& status) { refusal = status; });
  reservation.next(absl::UnavailableError("no store"));
  EXPECT_EQ(refusal.message(), "no store");
}

TEST(CallShellTest, AForgedCounterIsRefusedAndMovesNothing) {
  LamportClock clock(0);
  clock.Reserve(LamportClock::kBlock);
  Reservation reservation;
  CallShell shell("A", &clock, reservation.Fn());
  absl::Status refusal;
  shell.Admit(
      ~uint64_t{0}, [] { FAIL(); }, [&](const absl::Status& status) { refusal = status; });
  EXPECT_EQ(ErrorReason(refusal), "CLOCK_TOO_FAR_AHEAD");
  EXPECT_EQ(clock.now(), 0u);
}

TEST(MessageBytesTest, EqualMapsHaveEqualBytes) {
  Struct up;
  Struct down;
  for (int i = 0; i < 50; ++i) (*up.mutable_fields())[std::to_string(i)].set_number_value(i);
  for (int i = 49; i >= 0; --i) (*down.mutable_fields())[std::to_string(i)].set_number_value(i);
  EXPECT_EQ(Text(MessageBytes(up)), Text(MessageBytes(down)));
  Struct again;
  ASSERT_TRUE(ParseMessage(MessageBytes(up), &again).ok());
  EXPECT_EQ(again.fields_size(), 50);
}

TEST(MessageBytesTest, AnEmptyMessageHasNoBytes) {
  EXPECT_EQ(Text(MessageBytes(Struct())), "");
  Struct message;
  (*message.mutable_fields())["old"].set_bool_value(true);
  EXPECT_TRUE(ParseMessage(grpc::ByteBuffer(), &message).ok());
  EXPECT_EQ(message.fields_size(), 0);
  EXPECT_TRUE(ParseMessage(Buffer(""), &message).ok());
}

TEST(MessageBytesTest, ReadsDeeperThanProtobufWould) {
  Value value;
  Value* inner = &value;
  for (int i = 0; i < 150; ++i) inner = inner->mutable_list_value()->add_values();  // two messages a level
  inner->set_bool_value(true);
  Value read;
  EXPECT_TRUE(ParseMessage(MessageBytes(value), &read).ok());
  for (int i = 0; i < 100; ++i) inner = inner->mutable_list_value()->add_values();
  inner->set_bool_value(true);
  EXPECT_EQ(ErrorReason(ParseMessage(MessageBytes(value), &read)), "REQUEST_UNREADABLE");
}

TEST(MessageBytesTest, BytesThatAreNoMessageAreRefused) {
  Value value;
  for (const std::string& bytes : {std::string("\xff\xff"), std::string("\x1a\x05hi"),  // cut off
                                   std::string("\x1a\x01\xff"), std::string("\x0c")}) {
    EXPECT_EQ(ErrorReason(ParseMessage(Buffer(bytes), &value)), "REQUEST_UNREADABLE");
  }
}

}  // namespace
}  // namespace lamppost
