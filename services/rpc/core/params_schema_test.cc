#include "services/rpc/core/params_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

using testing::HasSubstr;

// What is wrong with the schema; empty if nothing.
std::string Refusal(const std::string& schema) {
  const auto compiled = ParamsSchema::Compile(Json::parse(schema));
  if (compiled.ok()) return "";
  EXPECT_EQ(ErrorReason(compiled.status()), "SCHEMA_INVALID");
  return std::string(compiled.status().message());
}

// What does not fit; empty if all does.
std::string Misfit(const std::string& schema, const std::string& params) {
  const auto compiled = ParamsSchema::Compile(Json::parse(schema));
  if (!compiled.ok()) return compiled.status().ToString();
  const absl::Status status = (*compiled)->Check(Json::parse(params));
  if (status.ok()) return "";
  EXPECT_EQ(ErrorReason(status), "PARAMS_INVALID");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

constexpr char kAdd[] = R"({
  "type": "object",
  "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
  "required": ["a", "b"],
  "additionalProperties": false
})";

TEST(ParamsSchemaTest, WhatFitsPasses) {
  EXPECT_EQ(Misfit(kAdd, R"({"a": 1, "b": 2.5})"), "");
  EXPECT_EQ(Misfit("{}", R"({"anything": [1, null]})"), "");
}

TEST(ParamsSchemaTest, AMisfitIsNamedWithItsPlace) {
  EXPECT_EQ(Misfit(kAdd, R"({"a": "1", "b": 2})"), "params.a: must be a number, not a string");
  EXPECT_EQ(Misfit(kAdd, R"({"a": 1})"), "params.b: is required and missing");
  EXPECT_EQ(Misfit(kAdd, R"({"a": 1, "b": 2, "c": 3})"), "params.c: is not known; known are a, b");
  EXPECT_EQ(Misfit(kAdd, "[1, 2]"), "params: must be an object, not an array");
  EXPECT_EQ(Misfit(kAdd, R"({"a": 1, "b": 2, "so so": 3})"),
            "params[\"so so\"]: is not known; known are a, b");
}

TEST(ParamsSchemaTest, EachKeywordCountsAndIsExplained) {
  const auto misfit = [](const std::string& schema, const std::string& value) {
    return Misfit(R"({"properties": {"x": )" + schema + "}}", R"({"x": )" + value + "}");
  };
  EXPECT_EQ(misfit(R"({"type": "integer"})", "1.5"), "params.x: must be a whole number");
  EXPECT_EQ(misfit(R"({"type": ["null", "string"]})", "true"),
            "params.x: must be null or a string, not a boolean");
  EXPECT_EQ(misfit(R"({"minimum": 3})", "2"), "params.x: must be at least 3");
  EXPECT_EQ(misfit(R"({"maximum": 3})", "3.5"), "params.x: must be at most 3");
  EXPECT_EQ(misfit(R"({"exclusiveMinimum": 3})", "3"), "params.x: must be above 3");
  EXPECT_EQ(misfit(R"({"exclusiveMaximum": 3})", "3"), "params.x: must be below 3");
  EXPECT_EQ(misfit(R"({"type": "number", "multipleOf": 2})", "4.5"), "params.x: must be a multiple of 2");
  EXPECT_EQ(misfit(R"({"type": "integer", "multipleOf": 2})", "4"), "");
  EXPECT_EQ(misfit(R"({"minLength": 2})", "\"\xc3\xa9\""), "params.x: must have at least 2 characters");
  EXPECT_EQ(misfit(R"({"maxLength": 2})", "\"\xc3\xa9\xc3\xa9\""), "");
  EXPECT_EQ(misfit(R"({"maxItems": 1})", "[1, 2]"), "params.x: must have at most 1 elements");
  EXPECT_EQ(misfit(R"({"minProperties": 1})", "{}"), "params.x: must have at least 1 members");
  EXPECT_EQ(misfit(R"({"enum": ["a", 1]})", "2"), "params.x: must be one of [\"a\",1]");
  EXPECT_EQ(misfit(R"({"const": null})", "2"), "params.x: must be null");
  EXPECT_EQ(misfit(R"({"items": {"type": "string"}})", R"(["a", 1])"),
            "params.x[1]: must be a string, not a number");
  EXPECT_EQ(misfit(R"({"items": [true, {"type": "null"}]})", "[1, 1]"),
            "params.x[1]: must be null, not a number");
  EXPECT_EQ(misfit(R"({"additionalProperties": {"type": "string"}})", R"({"k": 1})"),
            "params.x.k: must be a string, not a number");
  EXPECT_EQ(misfit("false", "1"), "params.x: must not be given");
}

TEST(ParamsSchemaTest, WhatIsNotExplainedIsRefusedAllTheSame) {
  EXPECT_THAT(Misfit(R"({"anyOf": [{"required": ["a"]}, {"required": ["b"]}]})", "{}"), HasSubstr("anyOf"));
  EXPECT_NE(Misfit(R"({"properties": {"x": {"not": {"type": "null"}}}})", R"({"x": null})"), "");
  EXPECT_NE(Misfit(R"({"properties": {"x": {"maxItems": 9, "uniqueItems": true}}})", R"({"x": [1, 1]})"), "");
  EXPECT_NE(Misfit(R"({"dependencies": {"a": ["b"]}})", R"({"a": 1})"), "");
  EXPECT_NE(Misfit(R"({"propertyNames": {"maxLength": 2}})", R"({"abc": 1})"), "");
  EXPECT_NE(Misfit(R"({"if": {"required": ["a"]}, "then": {"required": ["b"]}})", R"({"a": 1})"), "");
}

TEST(ParamsSchemaTest, ReferencesWithinTheSchemaAreFollowed) {
  const char kSchema[] = R"({
    "definitions": {"p/q": {"type": "number"}, "pair": {"items": {"$ref": "#/definitions/p~1q"}}},
    "properties": {"x": {"$ref": "#/definitions/pair"}}
  })";
  EXPECT_EQ(Misfit(kSchema, R"({"x": [1]})"), "");
  EXPECT_EQ(Misfit(kSchema, R"({"x": [1, ""]})"), "params.x[1]: must be a number, not a string");
}

TEST(ParamsSchemaTest, OtherReferencesAreRefused) {
  EXPECT_THAT(Refusal(R"({"properties": {"x": {"$ref": "http://example.com/x"}}})"),
              HasSubstr("#/properties/x: \"$ref\" must point into this schema"));
  EXPECT_THAT(Refusal(R"({"properties": {"x": {"$ref": "#/nowhere"}}})"), HasSubstr("there is no #/nowhere"));
  EXPECT_THAT(Refusal(R"({"$ref": "#"})"), HasSubstr("refers to what it lies in"));
  EXPECT_THAT(Refusal(R"({"properties": {"next": {"$ref": "#"}}})"), HasSubstr("refers to what it lies in"));
  EXPECT_THAT(
      Refusal(R"({"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}})"),
      HasSubstr("refers to what it lies in"));
  EXPECT_THAT(
      Refusal(
          R"({"definitions": {"a": true}, "properties": {"x": {"$ref": "#/definitions/a", "type": "null"}}})"),
      HasSubstr("would not count"));
}

TEST(ParamsSchemaTest, ReferencesCannotMultiplyWithoutBound) {
  Json schema = {{"definitions", {{"d0", {{"type", "null"}}}}}};
  for (int i = 1; i < 20; ++i) {
    const Json below = {{"$ref", "#/definitions/d" + std::to_string(i - 1)}};
    schema["definitions"]["d" + std::to_string(i)] = {{"allOf", {below, below, below}}};
  }
  EXPECT_THAT(Refusal(schema.dump()), HasSubstr("more than 10000 schemas"));
}

TEST(ParamsSchemaTest, WhatIsNoSchemaIsRefusedWithItsPlace) {
  EXPECT_EQ(Refusal("[]"), "#: a schema of params is an object");
  EXPECT_EQ(Refusal(R"({"properties": {"x": 3}})"), "#/properties/x: a schema is an object, true or false");
  EXPECT_THAT(Refusal(R"({"type": "nmber"})"), HasSubstr("#/type: must be array"));
  EXPECT_THAT(Refusal(R"({"propertis": {}})"),
              HasSubstr("#/propertis: JSON Schema draft 7 has no such keyword"));
  EXPECT_THAT(Refusal(R"({"type": "number", "multipleOf": 0})"), HasSubstr("above 0"));
  EXPECT_THAT(Refusal(R"({"minItems": -1})"), HasSubstr("whole number"));
  EXPECT_THAT(Refusal(R"({"required": [1]})"), HasSubstr("list of names"));
  EXPECT_THAT(Refusal(R"({"anyOf": []})"), HasSubstr("list of schemas"));
  EXPECT_THAT(Refusal(R"({"uniqueItems": true})"), HasSubstr("needs \"maxItems\""));
  EXPECT_THAT(Refusal(R"({"properties": {"x": {"pattern": "a+"}}})"), HasSubstr("regular expressions"));
  EXPECT_THAT(Refusal(R"({"patternProperties": {}})"), HasSubstr("regular expressions"));
}

TEST(ParamsSchemaTest, AnnotationsDoNoHarmAndStayInTheText) {
  const Json schema = Json::parse(
      R"({"$schema": "s", "title": "t", "x-mine": [], "properties": {"format": {"format": "date", "default": 1}}})");
  const auto compiled = ParamsSchema::Compile(schema);
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  EXPECT_EQ((*compiled)->text(), schema);
  EXPECT_TRUE((*compiled)->Check({{"format", "no date"}}).ok());
}

TEST(ParamsSchemaTest, AMillionMisfitsAreOneMessage) {
  Json params = {{"x", Json::array()}};
  for (int i = 0; i < 1'000'000; ++i) params["x"].push_back(i);
  const auto compiled =
      ParamsSchema::Compile(Json::parse(R"({"properties": {"x": {"items": {"type": "null"}}}})"));
  EXPECT_EQ((*compiled)->Check(params).message(), "params.x[0]: must be null, not a number");
}

}  // namespace
}  // namespace lamppost::rpc
