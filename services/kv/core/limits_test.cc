#include "services/kv/core/limits.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

std::string KeyReason(const std::string& key) {
  const absl::Status status = CheckKey(key);
  EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kInvalidArgument);
  return ErrorReason(status);
}

std::string ReasonFor(const Proposal& proposal, const Limits& limits = Limits()) {
  return ErrorReason(CheckProposal(proposal, limits));
}

Operation PutOf(const std::string& key, const std::string& text, Value::Kind kind = Value::Kind::kText) {
  return {key, Value{kind, text}};
}

TEST(LimitsTest, Keys) {
  EXPECT_EQ(KeyReason("x"), "");
  EXPECT_EQ(KeyReason("\xC3\xA9"), "");
  EXPECT_EQ(KeyReason(std::string(kKeyBytesMax, 'k')), "");
  EXPECT_EQ(KeyReason(""), "KEY_EMPTY");
  EXPECT_EQ(KeyReason(std::string(kKeyBytesMax + 1, 'k')), "KEY_TOO_LONG");
  EXPECT_EQ(KeyReason(std::string("a\0b", 3)), "KEY_HAS_NUL");
  EXPECT_EQ(KeyReason("\xFF"), "KEY_NOT_UTF8");
}

TEST(LimitsTest, Values) {
  Limits limits;
  limits.value_bytes_max = 4;
  EXPECT_EQ(ReasonFor({1, {PutOf("x", "1234")}, ""}, limits), "");
  EXPECT_EQ(ReasonFor({1, {PutOf("x", "12345")}, ""}, limits), "VALUE_TOO_LARGE");
  EXPECT_EQ(ReasonFor({1, {PutOf("x", "\xFF")}, ""}), "VALUE_NOT_UTF8");
  EXPECT_EQ(ReasonFor({1, {PutOf("x", "\xFF", Value::Kind::kData)}, ""}), "") << "data may be anything";
  EXPECT_EQ(ReasonFor({1, {PutOf("x", std::string("\0", 1))}, ""}), "");
  EXPECT_EQ(ReasonFor({1, {PutOf("x", "")}, ""}), "") << "an empty value is a value";
}

TEST(LimitsTest, Batches) {
  EXPECT_EQ(ReasonFor({}), "BATCH_EMPTY");
  EXPECT_EQ(ReasonFor({1, {PutOf("x", "1"), PutOf("x", "2")}, ""}), "KEY_REPEATED");
  EXPECT_EQ(ReasonFor({1, {PutOf("x", "1"), {"x", std::nullopt}}, ""}), "KEY_REPEATED");
  EXPECT_EQ(ReasonFor({1, {PutOf("x", "1"), PutOf("", "2")}, ""}), "KEY_EMPTY")
      << "every operation is checked";
  Proposal many;
  for (size_t i = 0; i < kOperationsMax; ++i) many.operations.push_back({absl::StrCat("k", i), std::nullopt});
  EXPECT_EQ(ReasonFor(many), "");
  many.operations.push_back({"one more", std::nullopt});
  EXPECT_EQ(ReasonFor(many), "BATCH_TOO_LARGE");
}

TEST(LimitsTest, TheBytesOfABatchAreBoundedButOneLargestValueAlwaysFits) {
  Limits limits;
  limits.value_bytes_max = 100;
  limits.batch_bytes_max = 50;
  EXPECT_EQ(ReasonFor({1, {PutOf("x", std::string(100, 'v'))}, ""}, limits), "");
  EXPECT_EQ(ReasonFor({1, {PutOf("x", std::string(24, 'v')), PutOf("y", std::string(24, 'v'))}, ""}, limits),
            "");
  EXPECT_EQ(ReasonFor({1, {PutOf("x", std::string(25, 'v')), PutOf("y", std::string(24, 'v'))}, ""}, limits),
            "BATCH_TOO_LARGE");
}

TEST(LimitsTest, RequestIds) {
  const auto reason = [](const std::string& id) { return ReasonFor({1, {PutOf("x", "1")}, id}); };
  EXPECT_EQ(reason(""), "");
  EXPECT_EQ(reason("b4d8-~!"), "");
  EXPECT_EQ(reason(std::string(kRequestIdBytesMax, 'r')), "");
  for (const std::string& id : {std::string(kRequestIdBytesMax + 1, 'r'), std::string("a b"),
                                std::string("\t"), std::string("\xC3\xA9"), std::string("a\0", 2)}) {
    EXPECT_EQ(reason(id), "REQUEST_ID_INVALID") << id;
  }
}

TEST(LimitsTest, Names) {
  EXPECT_TRUE(CheckNodeId("A").ok());
  EXPECT_TRUE(CheckNodeId("node-1.a_B").ok());
  EXPECT_TRUE(CheckNodeId(std::string(kNodeIdBytesMax, 'n')).ok());
  for (const std::string& id : {std::string(), std::string(kNodeIdBytesMax + 1, 'n'), std::string("a b"),
                                std::string("a/b"), std::string("\xC3\xA9"), std::string("a\0", 2)}) {
    EXPECT_EQ(ErrorReason(CheckNodeId(id)), "NODE_ID_INVALID") << id;
  }
  EXPECT_TRUE(CheckCluster(std::string(kClusterBytesMax, 'c')).ok());
  EXPECT_EQ(ErrorReason(CheckCluster(std::string(kClusterBytesMax + 1, 'c'))), "CLUSTER_INVALID");
  EXPECT_EQ(ErrorReason(CheckCluster("")), "CLUSTER_INVALID");
}

TEST(LimitsTest, PeersMaySendTheStoresOwnKeysAndClientsMayNot) {
  const std::string system_key("\0members/A", 10);
  EXPECT_TRUE(IsSystemKey(system_key));
  EXPECT_FALSE(IsSystemKey("members"));
  EXPECT_FALSE(IsSystemKey(""));
  EXPECT_TRUE(CheckStoredKey(system_key).ok());
  EXPECT_TRUE(CheckStoredKey("members").ok());
  EXPECT_FALSE(CheckKey(system_key).ok());
  EXPECT_EQ(ErrorReason(CheckStoredKey(std::string(1, '\0'))), "KEY_INVALID");
  EXPECT_EQ(ErrorReason(CheckStoredKey(std::string("\0a\0b", 4))), "KEY_INVALID");
  EXPECT_EQ(ErrorReason(CheckStoredKey(std::string("\0\xC3\xA4", 3))), "KEY_INVALID");
  EXPECT_EQ(ErrorReason(CheckStoredKey('\0' + std::string(kKeyBytesMax, 'a'))), "KEY_INVALID");
  EXPECT_EQ(ErrorReason(CheckStoredKey("a\xFF")), "KEY_NOT_UTF8");
}

}  // namespace
}  // namespace lamppost::kv
