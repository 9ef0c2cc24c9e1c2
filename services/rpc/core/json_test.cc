#include "services/rpc/core/json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kBytesMax = 1 << 20;

std::string ReasonOf(const std::string& text, size_t bytes_max = kBytesMax) {
  return ErrorReason(ParseJson(text, bytes_max).status());
}

std::string Again(const std::string& text) {
  const absl::StatusOr<Json> value = ParseJson(text, kBytesMax);
  return value.ok() ? CanonicalText(*value) : value.status().ToString();
}

TEST(JsonTest, WhatIsNoJsonIsRefused) {
  EXPECT_EQ(ReasonOf(""), "NOT_JSON");
  EXPECT_EQ(ReasonOf("{\"a\":1"), "NOT_JSON");
  EXPECT_EQ(ReasonOf("{} {}"), "NOT_JSON");
  EXPECT_EQ(ReasonOf("nan"), "NOT_JSON");
  EXPECT_EQ(ReasonOf("1e999"), "NOT_JSON");
  EXPECT_EQ(ReasonOf("\"\xff\""), "NOT_JSON");
  EXPECT_EQ(ReasonOf("\"\xed\xa0\x80\""), "NOT_JSON");
  EXPECT_EQ(ReasonOf(std::string("1\0", 2)), "NOT_JSON");
  EXPECT_EQ(ReasonOf(std::string("1\0 whatever", 11)), "NOT_JSON");
}

TEST(JsonTest, SizeAndDepthAreBounded) {
  EXPECT_TRUE(ParseJson("[1,2]", 5).ok());
  EXPECT_EQ(ReasonOf("[1,2]", 4), "JSON_TOO_LARGE");
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(ParseJson(nested(kJsonDepthMax), kBytesMax).ok());
  EXPECT_EQ(ReasonOf(nested(kJsonDepthMax + 1)), "JSON_TOO_DEEP");
  EXPECT_EQ(ReasonOf(nested(400'000)), "JSON_TOO_DEEP");
  EXPECT_EQ(ReasonOf(std::string(1'000'000, '{')), "JSON_TOO_DEEP");
  // Brackets in a string are text.
  EXPECT_TRUE(ParseJson("\"\\\"" + std::string(1000, '[') + "\"", kBytesMax).ok());
}

TEST(JsonTest, AnyBytesAreSafe) {
  uint32_t state = 1;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (int i = 0; i < round % 40; ++i) {
      state = state * 1664525 + 1013904223;
      const uint32_t random = state >> 16;
      text.push_back(random % 3 != 0 ? "[]{}\",:\\u0eE+-.tn1"[random % 18] : static_cast<char>(random));
    }
    const absl::StatusOr<Json> value = ParseJson(text, kBytesMax);
    if (value.ok()) EXPECT_EQ(Again(CanonicalText(*value)), CanonicalText(*value)) << text;
  }
}

TEST(JsonTest, EqualValuesHaveEqualTexts) {
  EXPECT_EQ(Again(" { \"b\" : 1 , \"a\" : [ 2.0 , 3e0 ] } "), R"({"a":[2,3],"b":1})");
  EXPECT_EQ(Again("-0.0"), "0");
  EXPECT_EQ(Again("0.5"), "0.5");
  EXPECT_EQ(Again("\"\\u00e9\""), "\"\xc3\xa9\"");
}

TEST(JsonTest, NumbersAreWhatADoubleHolds) {
  EXPECT_EQ(Again("9007199254740992"), "9007199254740992");
  EXPECT_EQ(Again("-9007199254740992"), "-9007199254740992");
  // Not exact in a double: the same as the double that stands for it.
  EXPECT_EQ(Again("9007199254740993"), Again("9007199254740992.0"));
  EXPECT_EQ(Again("18446744073709551615"), Again("1.8446744073709552e19"));
  EXPECT_TRUE(Normalised(Json(uint64_t{1} << 63)).is_number_float());
  EXPECT_TRUE(Normalised(Json(7.0)).is_number_integer());
}

TEST(JsonTest, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(CanonicalText(Json(std::string("a\xff"
                                           "b"))),
            "\"a\xef\xbf\xbd"
            "b\"");
}

TEST(JsonTest, DepthIsCountedUpToTheBound) {
  EXPECT_EQ(DepthOf(Json(1)), 0u);
  EXPECT_EQ(DepthOf(Json::array()), 1u);
  EXPECT_EQ(DepthOf(Json::parse("[[],{\"a\":[1]}]")), 3u);
  Json deep = Json::array();
  for (int i = 0; i < 200; ++i) deep = Json::array({std::move(deep)});
  EXPECT_EQ(DepthOf(deep), kJsonDepthMax + 1);
}

TEST(JsonTest, WholeNumbersThatADoubleDoesNotKeepAreNotExact) {
  EXPECT_TRUE(IsExact(Json::parse(R"({"a":[9007199254740992,-9007199254740992,1.5,1e300,"x"]})")));
  EXPECT_FALSE(IsExact(Json::parse(R"({"a":[1,9007199254740993]})")));
  EXPECT_FALSE(IsExact(Json::parse("-9007199254740994")));
}

}  // namespace
}  // namespace lamppost::rpc
