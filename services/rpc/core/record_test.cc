#include "services/rpc/core/record.h"

#include <string>

#include "gtest/gtest.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

Record Done() {
  Record record;
  record.state = Record::State::kDone;
  record.method = "add";
  record.fingerprint = Fingerprint("add", R"({"a":1})");
  record.owner = "S";
  record.run = 7;
  record.repeat = Repeat::kIdempotent;
  record.client_id = "c";
  record.first_seen_ms = 1'800'000'000'000;
  record.started = {5, {"S", uint64_t{1} << 63}};
  record.outcome.kind = Outcome::Kind::kResult;
  record.outcome.result = R"({"z":1,"a":[1.5,"\u00fc"]})";
  record.outcome.started = record.started;
  record.outcome.finished = {6, {"S", uint64_t{1} << 63}};
  record.outcome.elapsed_ms = 12;
  return record;
}

TEST(RecordTest, WhatIsEncodedComesBack) {
  const Record record = Done();
  const absl::StatusOr<Record> decoded = DecodeRecord(Encode(record));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->state, Record::State::kDone);
  EXPECT_EQ(decoded->method, "add");
  EXPECT_EQ(decoded->fingerprint, record.fingerprint);
  EXPECT_EQ(decoded->owner, "S");
  EXPECT_EQ(decoded->run, 7u);
  EXPECT_EQ(decoded->repeat, Repeat::kIdempotent);
  EXPECT_EQ(decoded->client_id, "c");
  EXPECT_EQ(decoded->first_seen_ms, record.first_seen_ms);
  EXPECT_EQ(decoded->started, record.started);
  EXPECT_TRUE(decoded->outcome == record.outcome);
}

TEST(RecordTest, FailuresComeBackWhole) {
  Record record = Done();
  record.repeat = Repeat::kOnce;
  record.outcome = Outcome();
  record.outcome.kind = Outcome::Kind::kError;
  record.outcome.error = {"SIGNAL", "it was ended", 3, 9, "last words\n"};
  EXPECT_TRUE(DecodeRecord(Encode(record))->outcome == record.outcome);
  EXPECT_EQ(DecodeRecord(Encode(record))->repeat, Repeat::kOnce);
  record.outcome.kind = Outcome::Kind::kUnknown;
  record.outcome.error = {"SERVER_CRASHED", "gone", {}, {}, ""};
  EXPECT_TRUE(DecodeRecord(Encode(record))->outcome == record.outcome);
}

TEST(RecordTest, AMarkHoldsNothingElse) {
  Record record = Done();
  record.state = Record::State::kForgotten;
  const std::string text = Encode(record);
  EXPECT_EQ(text.find("add"), std::string::npos);
  EXPECT_EQ(DecodeRecord(text)->state, Record::State::kForgotten);
  EXPECT_EQ(DecodeRecord(text)->first_seen_ms, record.first_seen_ms);
}

TEST(RecordTest, DamageIsReported) {
  const std::string text = Encode(Done());
  for (size_t i = 0; i < text.size(); ++i) {
    const absl::StatusOr<Record> cut = DecodeRecord(text.substr(0, i));
    EXPECT_EQ(ErrorReason(cut.status()), "DATA_CORRUPT") << i;
  }
  for (const char* other : {"[]", "7", "{}", R"({"state":"done"})", R"({"state":5,"first_seen_ms":1})"}) {
    EXPECT_FALSE(DecodeRecord(other).ok()) << other;
  }
}

// A record that was read as another one could run again, or end otherwise than it did.
TEST(RecordTest, NothingIsTakenForSomethingElse) {
  Record record = Done();
  record.outcome.kind = Outcome::Kind::kError;
  record.outcome.error = {"EXIT_CODE", "it ended", 3, {}, ""};
  Json json = ParseJson(Encode(record), 10'000).value();
  ASSERT_TRUE(DecodeRecord(json.dump()).ok());
  json["outcome"]["error"]["exit_code"] = (uint64_t{1} << 32) + 3;
  EXPECT_EQ(ErrorReason(DecodeRecord(json.dump()).status()), "DATA_CORRUPT");
  json["outcome"]["error"]["exit_code"] = 3;
  json["started"][2] = "007";
  EXPECT_EQ(ErrorReason(DecodeRecord(json.dump()).status()), "DATA_CORRUPT");
  json["started"][2] = "7";
  ASSERT_TRUE(DecodeRecord(json.dump()).ok());
  for (const Json& flag : {Json(false), Json(nullptr), Json("true")}) {
    json["idempotent"] = flag;
    EXPECT_EQ(ErrorReason(DecodeRecord(json.dump()).status()), "DATA_CORRUPT") << flag.dump();
  }
}

TEST(RecordTest, FingerprintsTellMethodsAndParamsApart) {
  EXPECT_EQ(Fingerprint("add", "{}"), Fingerprint("add", "{}"));
  EXPECT_NE(Fingerprint("add", "{}"), Fingerprint("ad", "d{}"));
  EXPECT_NE(Fingerprint("add", "{}"), Fingerprint("add", R"({"a":1})"));
  EXPECT_EQ(Fingerprint("add", "{}").size(), 64u);
}

}  // namespace
}  // namespace lamppost::rpc
