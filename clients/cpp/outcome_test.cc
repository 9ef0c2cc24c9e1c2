#include "clients/cpp/outcome.h"

#include <gtest/gtest.h>

#include "services/common/error.h"

namespace lamppost::client {
namespace {

constexpr CallKind kWrite = CallKind::kRepeatableWrite;

TEST(EffectOfTest, OkIsDone) {
  EXPECT_EQ(EffectOf(kWrite, Reach::kSent, absl::OkStatus()), Effect::kDone);
  EXPECT_EQ(EffectOf(CallKind::kRead, Reach::kSent, absl::OkStatus()), Effect::kDone);
}

TEST(EffectOfTest, WhatNeverLeftHadNoEffect) {
  EXPECT_EQ(EffectOf(kWrite, Reach::kNotSent, absl::UnavailableError("")), Effect::kNone);
}

TEST(EffectOfTest, AReadNeverHasOne) {
  EXPECT_EQ(EffectOf(CallKind::kRead, Reach::kSent, absl::UnavailableError("")), Effect::kNone);
}

TEST(EffectOfTest, UnavailableIsARefusalOnlyWithAReason) {
  EXPECT_EQ(EffectOf(kWrite, Reach::kSent, absl::UnavailableError("socket closed")), Effect::kPossible);
  EXPECT_EQ(EffectOf(kWrite, Reach::kSent, MakeError(absl::StatusCode::kUnavailable, "DRAINING", "")),
            Effect::kNone);
}

TEST(EffectOfTest, StorageFailureMayHaveWritten) {
  for (const auto code :
       {absl::StatusCode::kUnavailable, absl::StatusCode::kInternal, absl::StatusCode::kResourceExhausted}) {
    EXPECT_EQ(EffectOf(kWrite, Reach::kSent, MakeError(code, "STORAGE_FAILED", "")), Effect::kPossible);
    EXPECT_EQ(EffectOf(kWrite, Reach::kSent, MakeError(code, "RUN_INTERRUPTED", "")), Effect::kPossible);
  }
}

TEST(EffectOfTest, AWriteThatOthersDoNotHaveYetIsDoneAndItsOutcomePending) {
  const absl::Status pending = MakeError(absl::StatusCode::kDeadlineExceeded, "REPLICAS_PENDING", "");
  EXPECT_EQ(EffectOf(kWrite, Reach::kSent, pending), Effect::kDone);
  EXPECT_EQ(OutcomeOf(pending, Effect::kDone), Outcome::kPending);
  EXPECT_EQ(ToString(Outcome::kPending), "pending");
}

TEST(EffectOfTest, AdmissionErrorsAreCertain) {
  for (const auto code : {absl::StatusCode::kInvalidArgument, absl::StatusCode::kResourceExhausted,
                          absl::StatusCode::kOutOfRange, absl::StatusCode::kUnimplemented,
                          absl::StatusCode::kFailedPrecondition, absl::StatusCode::kPermissionDenied}) {
    EXPECT_EQ(EffectOf(kWrite, Reach::kSent, absl::Status(code, "")), Effect::kNone);
  }
}

TEST(EffectOfTest, AnswersThatNeverCameAreNot) {
  for (const auto code : {absl::StatusCode::kDeadlineExceeded, absl::StatusCode::kCancelled,
                          absl::StatusCode::kInternal, absl::StatusCode::kUnknown}) {
    EXPECT_EQ(EffectOf(kWrite, Reach::kSent, absl::Status(code, "")), Effect::kPossible);
    EXPECT_EQ(EffectOf(kWrite, Reach::kSent, MakeError(code, "SOME_REASON", "")), Effect::kPossible);
  }
}

TEST(EffectOfTest, AResumedWriteIsRefusedOnlyByWordsAboutIt) {
  const auto effect = [](const absl::Status& status, Reach reach = Reach::kSent) {
    return EffectOf(CallKind::kResumedWrite, reach, status);
  };
  EXPECT_EQ(effect(absl::OkStatus()), Effect::kDone);
  EXPECT_EQ(effect(absl::UnavailableError(""), Reach::kNotSent), Effect::kPossible);
  EXPECT_EQ(effect(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "")), Effect::kPossible);
  EXPECT_EQ(effect(MakeError(absl::StatusCode::kResourceExhausted, "FUNCTION_BUSY", "")), Effect::kPossible);
  EXPECT_EQ(effect(MakeError(absl::StatusCode::kFailedPrecondition, "REQUEST_ID_EXPIRED", "")),
            Effect::kPossible);
  EXPECT_EQ(effect(MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED", "")), Effect::kNone);
  EXPECT_EQ(effect(MakeError(absl::StatusCode::kNotFound, "FUNCTION_UNKNOWN", "")), Effect::kNone);
}

TEST(OutcomeOfTest, TheWorstAttemptDecides) {
  EXPECT_EQ(OutcomeOf(absl::OkStatus(), Effect::kPossible), Outcome::kDone);
  EXPECT_EQ(OutcomeOf(absl::InvalidArgumentError(""), Effect::kNone), Outcome::kFailed);
  EXPECT_EQ(OutcomeOf(absl::InvalidArgumentError(""), Effect::kPossible), Outcome::kUnknown);
}

}  // namespace
}  // namespace lamppost::client
