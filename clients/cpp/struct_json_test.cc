#include "clients/cpp/struct_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "services/common/error.h"

namespace lamppost::client {
namespace {

using rpc::Json;

Json Parse(const std::string& text) {
  return Json::parse(text, nullptr, false);
}

TEST(StructJsonTest, ThereAndBack) {
  for (const char* text : {R"({})", R"({"a":1,"b":[true,null,"x",{"c":-2.5}],"d":{"e":[]}})",
                           R"({"max":9007199254740992,"min":-9007199254740992,"big":1e300})"}) {
    const auto value = StructFromJson(Parse(text));
    ASSERT_TRUE(value.ok()) << value.status();
    EXPECT_EQ(rpc::CanonicalText(JsonFromStruct(*value)), rpc::CanonicalText(Parse(text)));
    EXPECT_TRUE(CheckStruct(*value).ok());
  }
}

TEST(StructJsonTest, WhatCannotTravelIsRefused) {
  const auto reason = [](const Json& json) { return ErrorReason(StructFromJson(json).status()); };
  EXPECT_EQ(reason(Json::array()), "PARAMS_INVALID");
  EXPECT_EQ(reason({{"a", 9007199254740993}}), "PARAMS_INVALID");
  EXPECT_EQ(reason({{"a", -9007199254740993}}), "PARAMS_INVALID");
  EXPECT_EQ(reason({{"a", ~uint64_t{0}}}), "PARAMS_INVALID");
  EXPECT_EQ(reason({{"a", std::nan("")}}), "NOT_JSON");
  EXPECT_EQ(reason({{"a", "\xff"}}), "NOT_JSON");
  EXPECT_EQ(reason({{"\xff", 1}}), "NOT_JSON");
  Json deep = 1;
  for (int i = 0; i < 29; ++i) deep = Json::array({deep});
  EXPECT_TRUE(StructFromJson({{"a", deep}}).ok());
  EXPECT_EQ(reason({{"a", Json::array({deep})}}), "JSON_TOO_DEEP");
}

TEST(StructJsonTest, AStructOfTheCallersIsHeldToTheSame) {
  google::protobuf::Struct value;
  (*value.mutable_fields())["a"].set_string_value("\xff");
  EXPECT_EQ(ErrorReason(CheckStruct(value)), "NOT_JSON");
  (*value.mutable_fields())["a"].set_number_value(std::nan(""));
  EXPECT_EQ(ErrorReason(CheckStruct(value)), "NOT_JSON");
  google::protobuf::Value* inner = &(*value.mutable_fields())["a"];
  for (int i = 0; i < 29; ++i) inner = inner->mutable_list_value()->add_values();
  EXPECT_TRUE(CheckStruct(value).ok()) << CheckStruct(value);
  inner->mutable_struct_value();
  EXPECT_EQ(ErrorReason(CheckStruct(value)), "JSON_TOO_DEEP");
}

TEST(StructJsonTest, LongIntegersAreSeenInTheText) {
  for (const char* text : {"9007199254740993", "-9007199254740993", "[1,{\"a\":18446744073709551615}]",
                           "123456789012345678901234567890", "{\"a\":-99999999999999999999}"}) {
    EXPECT_EQ(ErrorReason(CheckIntegers(text)), "PARAMS_INVALID") << text;
  }
  for (const char* text : {"9007199254740992", "-9007199254740992", "1e300", "0.1", "9007199254740993.5",
                           "\"9007199254740993\"", "{", "no", ""}) {
    EXPECT_TRUE(CheckIntegers(text).ok()) << text;
  }
}

}  // namespace
}  // namespace lamppost::client
