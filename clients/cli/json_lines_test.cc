#include "clients/cli/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace lamppost::cli {
namespace {

using testing::HasSubstr;

TEST(JsonLinesTest, TextAndData) {
  const auto text = ParseEntryLine(R"({"key":"x","value":"10","version":{"counter":1}})");
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->key(), "x");
  EXPECT_EQ(text->value().text(), "10");
  const auto data = ParseEntryLine(R"({"data":"AP8=","key":"y"})");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->value().data(), std::string("\0\xff", 2));
}

TEST(JsonLinesTest, WhatIsWrongIsSaid) {
  const auto error = [](const char* line) { return std::string(ParseEntryLine(line).status().message()); };
  EXPECT_THAT(error("{"), HasSubstr("not valid JSON at byte"));
  EXPECT_THAT(error("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error(R"({"value":"1"})"), HasSubstr("\"key\" is missing"));
  EXPECT_THAT(error(R"({"key":1,"value":"1"})"), HasSubstr("\"key\" is not a string"));
  EXPECT_THAT(error(R"({"key":"","value":"1"})"), HasSubstr("the key is empty"));
  EXPECT_THAT(error(absl::StrCat("{\"key\":\"", std::string(1025, 'k'), "\",\"value\":\"1\"}").c_str()),
              HasSubstr("more than the allowed 1024"));
  EXPECT_THAT(error(R"({"key":"a\u0000","value":"1"})"), HasSubstr("the key has a NUL byte"));
  EXPECT_THAT(error(R"({"key":"x","value":10})"), HasSubstr("\"value\" is not a string"));
  EXPECT_THAT(error(R"({"key":"x"})"), HasSubstr("exactly one"));
  EXPECT_THAT(error(R"({"key":"x","value":"","data":""})"), HasSubstr("exactly one"));
  EXPECT_THAT(error(R"({"key":"x","data":"*"})"), HasSubstr("base64"));
  EXPECT_THAT(error(R"({"key":"x","value":"","size":1e999})"), HasSubstr("out of range"));
  EXPECT_THAT(error("{\"key\":\"\xff\",\"value\":\"\"}"), HasSubstr("not valid JSON"));
}

TEST(JsonLinesTest, EveryValueComesBackAsItWas) {
  std::string all_bytes;
  for (int byte = 0; byte < 256; ++byte) all_bytes += static_cast<char>(byte);
  std::vector<kv::v1::Value> values(5);
  values[0].set_text("");
  values[1].set_data("");
  values[2].set_text("line\n\"quoted\" \\ \x01 ä \xf0\x9f\x92\xa1");
  values[3].set_data(all_bytes);
  values[4].set_data("text");
  for (const kv::v1::Value& value : values) {
    const std::string line = EntryLine("k\"\n\x01", value);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto parsed = ParseEntryLine(line);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->key(), "k\"\n\x01");
    EXPECT_EQ(parsed->value().SerializeAsString(), value.SerializeAsString());
  }
  EXPECT_EQ(EntryLine("x", values[4]), "{\"key\":\"x\",\"data\":\"dGV4dA==\"}\n");
}

TEST(JsonLinesTest, ATtlIsTakenAsItIs) {
  const auto ttl_ms = [](const char* line) -> int64_t {
    const auto put = ParseEntryLine(line);
    if (!put.ok()) return -1;
    return put->ttl().seconds() * 1000 + put->ttl().nanos() / 1'000'000;
  };
  EXPECT_EQ(ttl_ms(R"({"key":"x","value":"1","ttl":"60s"})"), 60'000);
  EXPECT_EQ(ttl_ms(R"({"key":"x","data":"","ttl":"1ms"})"), 1);
  EXPECT_EQ(ttl_ms(R"({"key":"x","value":"1","ttl":"87600h"})"), 87600LL * 3600 * 1000);
  for (const char* ttl : {"\"60\"", "\"0s\"", "\"-1s\"", "\"87601h\"", "60", "null"}) {
    const std::string line = std::string("{\"key\":\"x\",\"value\":\"1\",\"ttl\":") + ttl + "}";
    EXPECT_THAT(std::string(ParseEntryLine(line).status().message()), HasSubstr("\"ttl\"")) << ttl;
  }
  const auto both =
      ParseEntryLine(R"({"key":"x","value":"1","ttl":"1s","expires_at":"2027-01-15T08:01:00Z"})");
  EXPECT_THAT(std::string(both.status().message()), HasSubstr("at most one"));
}

TEST(JsonLinesTest, OperationsPutAndDelete) {
  const auto put = ParseOperationLine(R"({"key":"x","value":"10","ttl":"1s"})");
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(put->put().key(), "x");
  EXPECT_EQ(put->put().value().text(), "10");
  EXPECT_EQ(put->put().ttl().seconds(), 1);
  // As watch tells of them.
  const auto told = ParseOperationLine(R"({"event":"put","key":"x","value":"10","version":{"counter":1}})");
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->put().value().text(), "10");
  const auto erase = ParseOperationLine(R"({"event":"delete","key":"x","version":{"counter":1}})");
  ASSERT_TRUE(erase.ok()) << erase.status();
  ASSERT_TRUE(erase->has_delete_());
  EXPECT_EQ(erase->delete_().key(), "x");
}

TEST(JsonLinesTest, WhatIsNoOperation) {
  const auto error = [](const char* line) {
    return std::string(ParseOperationLine(line).status().message());
  };
  EXPECT_THAT(error("{"), HasSubstr("not valid JSON at byte"));
  EXPECT_THAT(error("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error(R"({"key":"x"})"), HasSubstr("exactly one"));
  EXPECT_THAT(error(R"({"event":"put","key":"x"})"), HasSubstr("exactly one"));
  EXPECT_THAT(error(R"({"event":"delete"})"), HasSubstr("\"key\" is missing"));
  EXPECT_THAT(error(R"({"event":"delete","key":1})"), HasSubstr("\"key\" is not a string"));
  EXPECT_THAT(error(R"({"event":"delete","key":"x","value":"1"})"), HasSubstr("a deletion has no \"value\""));
  EXPECT_THAT(error(R"({"event":"delete","key":"x","ttl":"1s"})"), HasSubstr("a deletion has no \"ttl\""));
  EXPECT_THAT(error(R"({"event":"erase","key":"x"})"), HasSubstr("\"event\" is neither"));
  EXPECT_THAT(error(R"({"event":true,"key":"x"})"), HasSubstr("\"event\" is not a string"));
  // A load takes no deletions, and does not pass them over.
  EXPECT_FALSE(ParseEntryLine(R"({"event":"delete","key":"x"})").ok());
}

TEST(JsonLinesTest, AnExpiryBecomesATtl) {
  const absl::Time now = absl::FromUnixMillis(1'800'000'000'000);
  kv::v1::KeyValue entry;
  entry.set_key("x");
  entry.mutable_value()->set_text("1");
  entry.mutable_expires_at()->set_seconds(1'800'000'060);
  entry.mutable_expires_at()->set_nanos(500'000'000);
  const std::string line = EntryLine(entry);
  EXPECT_EQ(line, "{\"key\":\"x\",\"value\":\"1\",\"expires_at\":\"2027-01-15T08:01:00.5Z\"}\n");
  const auto put = ParseEntryLine(line, now);
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(put->ttl().seconds(), 60);
  EXPECT_EQ(put->ttl().nanos(), 500'000'000);
  // What has expired already is to be seen by nobody.
  const auto late = ParseEntryLine(line, now + absl::Hours(1));
  EXPECT_EQ(late->ttl().seconds(), 0);
  EXPECT_EQ(late->ttl().nanos(), 1'000'000);
  EXPECT_FALSE(ParseEntryLine(R"({"key":"x","value":"1","expires_at":"soon"})", now).ok());
  EXPECT_FALSE(ParseEntryLine(R"({"key":"x","value":"1","expires_at":17})", now).ok());
  EXPECT_FALSE(ParseEntryLine(R"({"key":"x","value":"1"})", now)->has_ttl());
}

}  // namespace
}  // namespace lamppost::cli
