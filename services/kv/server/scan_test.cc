#include "services/kv/server/scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/core/record.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

class ScanTest : public ::testing::Test {
 protected:
  void Put(const std::string& key, std::optional<std::string> text) {
    Version version;
    version.timestamp = {1, {"A", 1}};
    if (text) version.value = Value{Value::Kind::kText, *std::move(text)};
    WriteBatch batch;
    batch.Put(Space::kData, key, EncodeVersion(version));
    ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  }

  std::vector<std::string> Keys(const v1::ScanRequest& request, std::string* token = nullptr) {
    v1::ScanResponse response;
    EXPECT_TRUE(ScanPage(storage_, request, &response).ok());
    std::vector<std::string> keys;
    for (const v1::KeyValue& entry : response.entries()) keys.push_back(entry.key());
    if (token != nullptr) *token = response.next_page_token();
    return keys;
  }

  std::string ReasonOf(const v1::ScanRequest& request) {
    v1::ScanResponse response;
    return ErrorReason(ScanPage(storage_, request, &response));
  }

  MemoryStorage storage_;
};

using KeyList = std::vector<std::string>;

TEST_F(ScanTest, PrefixAndRangeAndTombstones) {
  for (const char* key : {"a", "b", "b1", "b2", "c"}) Put(key, "v");
  Put("b1", std::nullopt);
  v1::ScanRequest request;
  EXPECT_EQ(Keys(request), (KeyList{"a", "b", "b2", "c"}));
  request.set_prefix("b");
  EXPECT_EQ(Keys(request), (KeyList{"b", "b2"}));
  request.clear_prefix();
  request.set_start_key("b1");
  request.set_end_key("c");
  EXPECT_EQ(Keys(request), (KeyList{"b2"}));
}

TEST_F(ScanTest, APrefixOfHighBytesHasAnEnd) {
  Put("\xF4\x8F\xBF\xBF", "last of Unicode");
  Put("\xF4\x8F\xBF\xBFx", "below it");
  Put("z", "elsewhere");
  v1::ScanRequest request;
  request.set_prefix("\xF4\x8F\xBF\xBF");
  EXPECT_EQ(Keys(request).size(), 2u);
}

TEST_F(ScanTest, PagesJoinUpWithoutGapOrRepetition) {
  KeyList all;
  for (int i = 100; i < 200; ++i) {
    all.push_back(absl::StrCat("k", i));
    Put(all.back(), "v");
  }
  v1::ScanRequest request;
  request.set_page_size(7);
  KeyList got;
  std::string token;
  do {
    request.set_page_token(token);
    const KeyList page = Keys(request, &token);
    EXPECT_LE(page.size(), 7u);
    got.insert(got.end(), page.begin(), page.end());
  } while (!token.empty());
  EXPECT_EQ(got, all);
}

TEST_F(ScanTest, APageIsBoundedByBytesButNeverEmpty) {
  Put("a", std::string(600, 'x'));
  Put("b", std::string(600, 'x'));
  v1::ScanRequest request;
  request.set_page_bytes_max(1000);
  EXPECT_EQ(Keys(request).size(), 1u);
  request.set_page_bytes_max(10);
  EXPECT_EQ(Keys(request).size(), 1u);
  request.set_keys_only(true);
  EXPECT_EQ(Keys(request).size(), 2u);
}

TEST_F(ScanTest, BadRequests) {
  v1::ScanRequest both;
  both.set_prefix("a");
  both.set_end_key("b");
  EXPECT_EQ(ReasonOf(both), "SCAN_RANGE_INVALID");
  v1::ScanRequest swapped;
  swapped.set_start_key("b");
  swapped.set_end_key("a");
  EXPECT_EQ(ReasonOf(swapped), "SCAN_RANGE_INVALID");
  v1::ScanRequest token;
  token.set_page_token("!!");
  EXPECT_EQ(ReasonOf(token), "PAGE_TOKEN_INVALID");
  token.set_page_token("eg");  // "z"
  token.set_prefix("a");
  EXPECT_EQ(ReasonOf(token), "PAGE_TOKEN_INVALID");
}

TEST_F(ScanTest, DamageIsReportedNotServed) {
  WriteBatch batch;
  batch.Put(Space::kData, "k", "garbage");
  ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  EXPECT_EQ(ReasonOf(v1::ScanRequest()), "DATA_CORRUPT");
}

}  // namespace
}  // namespace lamppost::kv
