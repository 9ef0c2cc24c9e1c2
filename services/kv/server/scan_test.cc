#include "services/kv/server/scan.h"

#include <gtest/gtest.h>

#include <algorithm>
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
    EXPECT_TRUE(Page(request, &response).ok());
    std::vector<std::string> keys;
    for (const v1::KeyValue& entry : response.entries()) keys.push_back(entry.key());
    if (token != nullptr) *token = response.next_page_token();
    return keys;
  }

  absl::Status Page(const v1::ScanRequest& request, v1::ScanResponse* response) {
    ReadSession session(&published_);
    return ScanPage(storage_, request, &session, response);
  }

  // All keys, a page of this size at a time.
  std::vector<std::string> AllKeys(v1::ScanRequest request, uint32_t page_size) {
    request.set_page_size(page_size);
    std::vector<std::string> all;
    std::string token;
    do {
      request.set_page_token(token);
      const std::vector<std::string> page = Keys(request, &token);
      EXPECT_LE(page.size(), page_size);
      all.insert(all.end(), page.begin(), page.end());
    } while (!token.empty());
    return all;
  }

  std::string ReasonOf(const v1::ScanRequest& request) {
    v1::ScanResponse response;
    return ErrorReason(Page(request, &response));
  }

  MemoryStorage storage_;
  PublishedHeads published_;
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

TEST_F(ScanTest, ReverseHasTheSameKeysFromTheHighestDown) {
  for (const char* key : {"a", "b", "b1", "b2", "c"}) Put(key, "v");
  Put("b1", std::nullopt);
  v1::ScanRequest request;
  request.set_reverse(true);
  EXPECT_EQ(Keys(request), (KeyList{"c", "b2", "b", "a"}));
  request.set_prefix("b");
  EXPECT_EQ(Keys(request), (KeyList{"b2", "b"}));
  request.clear_prefix();
  request.set_start_key("b");
  request.set_end_key("c");
  EXPECT_EQ(Keys(request), (KeyList{"b2", "b"}));
}

TEST_F(ScanTest, PagesJoinUpInBothDirections) {
  KeyList all;
  for (int i = 100; i < 200; ++i) {
    Put(absl::StrCat("k", i), "v");
    if (i % 5 == 0) {
      Put(absl::StrCat("k", i), std::nullopt);
    } else {
      all.push_back(absl::StrCat("k", i));
    }
  }
  v1::ScanRequest request;
  EXPECT_EQ(AllKeys(request, 7), all);
  std::reverse(all.begin(), all.end());
  request.set_reverse(true);
  EXPECT_EQ(AllKeys(request, 7), all);
  request.set_start_key("k110");
  request.set_end_key("k120");
  EXPECT_EQ(AllKeys(request, 1), (KeyList{"k119", "k118", "k117", "k116", "k114", "k113", "k112", "k111"}));
}

TEST_F(ScanTest, ATokenIsGoodWhateverIsWrittenInBetween) {
  for (const char* key : {"a", "b", "c", "d"}) Put(key, "v");
  v1::ScanRequest request;
  request.set_page_size(2);
  std::string token;
  EXPECT_EQ(Keys(request, &token), (KeyList{"a", "b"}));
  Put("b", std::nullopt);  // the token's own key
  Put("aa", "v");
  Put("bb", "v");
  request.set_page_token(token);
  EXPECT_EQ(Keys(request), (KeyList{"bb", "c"}));
  request.clear_page_token();
  request.set_reverse(true);
  EXPECT_EQ(Keys(request, &token), (KeyList{"d", "c"}));
  Put("c", std::nullopt);
  Put("cc", "v");
  request.set_page_token(token);
  EXPECT_EQ(Keys(request), (KeyList{"bb", "aa"}));
}

TEST_F(ScanTest, CountingListsNothingAndNeedsOnePageForMany) {
  for (int i = 0; i < 3000; ++i) Put(absl::StrCat("k", 10000 + i), std::string(2000, 'x'));
  Put("k10000", std::nullopt);
  v1::ScanRequest request;
  request.set_count_only(true);
  request.set_prefix("k1");
  v1::ScanResponse response;
  ASSERT_TRUE(Page(request, &response).ok());
  EXPECT_EQ(response.count(), 2999u);
  EXPECT_EQ(response.entries_size(), 0);
  EXPECT_EQ(response.next_page_token(), "");
  response.Clear();
  request.set_reverse(true);
  ASSERT_TRUE(Page(request, &response).ok());
  EXPECT_EQ(response.count(), 2999u);
}

TEST_F(ScanTest, TheStoresOwnKeysAreNeverShown) {
  Put(std::string("\0member/A", 9), "v");
  Put("\x01", "v");
  v1::ScanRequest request;
  EXPECT_EQ(Keys(request), (KeyList{"\x01"}));
  request.set_reverse(true);
  EXPECT_EQ(Keys(request), (KeyList{"\x01"}));
  request.set_start_key(std::string("\0", 1));
  EXPECT_EQ(Keys(request), (KeyList{"\x01"}));
  request.clear_start_key();
  request.set_prefix(std::string("\0member", 7));
  EXPECT_TRUE(Keys(request).empty());
}

TEST_F(ScanTest, TheSessionCoversWhatWasReadAndIsNotAPartOfASync) {
  const Origin a{"A", 1};
  Put("k", "v");  // 1@A
  v1::ScanResponse response;
  ASSERT_TRUE(Page(v1::ScanRequest(), &response).ok());
  EXPECT_EQ(response.session().heads_size(), 0) << "no heads cover it";
  published_.SetUpcoming({{a, 3}});
  response.Clear();
  ASSERT_TRUE(Page(v1::ScanRequest(), &response).ok());
  ASSERT_EQ(response.session().heads_size(), 1);
  EXPECT_EQ(response.session().heads(0).counter(), 1u) << "the commit under way brought it";
  published_.SetWritten({{a, 2}});  // the third was no write
  published_.Publish({{a, 3}});
  response.Clear();
  ASSERT_TRUE(Page(v1::ScanRequest(), &response).ok());
  ASSERT_EQ(response.session().heads_size(), 1);
  EXPECT_EQ(response.session().heads(0).counter(), 2u);
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
  token.set_reverse(true);
  EXPECT_EQ(ReasonOf(token), "PAGE_TOKEN_INVALID");
  token.clear_prefix();
  token.set_page_token("AA");  // NUL: one of the store's own
  EXPECT_EQ(ReasonOf(token), "PAGE_TOKEN_INVALID");
}

TEST_F(ScanTest, DamageIsReportedNotServed) {
  WriteBatch batch;
  batch.Put(Space::kData, "k", "garbage");
  ASSERT_TRUE(storage_.Commit(batch, Durability::kSync).ok());
  EXPECT_EQ(ReasonOf(v1::ScanRequest()), "DATA_CORRUPT");
}

// Three states of what is read: committed; of the commit under way; of a Sync that has not ended.
TEST_F(ScanTest, WhatTheCommitUnderWayBringsMakesItARace) {
  Put("k", "v");  // 1@A.1
  const Origin a{"A", 1};
  const auto race = [&](uint64_t committed, uint64_t upcoming) {
    published_.SetWritten({{a, committed}});
    published_.SetUpcoming({{a, upcoming}});
    ReadSession session(&published_);
    v1::ScanResponse response;
    EXPECT_TRUE(ScanPage(storage_, {}, &session, &response).ok());
    return session.HasRaced();
  };
  EXPECT_TRUE(race(0, 1));
  EXPECT_FALSE(race(0, 0));
  EXPECT_FALSE(race(1, 2));
}

}  // namespace
}  // namespace lamppost::kv
