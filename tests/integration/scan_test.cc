// Scans on real processes: pages go on at another node and after writes, in both directions.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

namespace v1 = kv::v1;
using Keys = std::vector<std::string>;

class ScanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(cluster_.StartAll());
    ASSERT_OK(cluster_.client("A")->Fill("k", 200, "v"));
    ASSERT_OK(cluster_.WaitConverged());
  }

  static Keys AllKeys() {
    Keys keys;
    for (int i = 0; i < 200; ++i) keys.push_back(absl::StrFormat("k%06d", i));
    return keys;
  }

  // Each page at the next node; between pages somebody deletes what was shown last and writes it again
  // elsewhere.
  Keys Roam(v1::ScanRequest request) {
    Keys keys;
    const std::vector<std::string> ids = {"A", "B", "C"};
    for (size_t page = 0;; ++page) {
      const auto got = cluster_.client(ids[page % 3])->Scan(request);
      EXPECT_OK(got.status());
      if (!got.ok()) break;
      for (const v1::KeyValue& entry : got->entries()) keys.push_back(entry.key());
      if (got->next_page_token().empty()) break;
      const auto deleted = cluster_.client("A")->Delete(keys.back());
      EXPECT_OK(deleted.status());
      if (!deleted.ok()) break;
      v1::PutRequest again;
      again.set_key(keys.back());
      again.mutable_value()->set_text("again");
      *again.mutable_clock() = deleted->clock();  // so that it comes after the deletion
      EXPECT_OK(cluster_.client("B")->Put(again).status());
      request.set_page_token(got->next_page_token());
    }
    return keys;
  }

  Cluster cluster_{{}};
};

TEST_F(ScanTest, PagesGoOnAtAnyNodeInBothDirections) {
  v1::ScanRequest request;
  request.set_page_size(17);
  EXPECT_EQ(Roam(request), AllKeys());
  ASSERT_OK(cluster_.WaitConverged());
  request.set_reverse(true);
  Keys backwards = AllKeys();
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(Roam(request), backwards);
}

TEST_F(ScanTest, CountsAndKeysOnly) {
  v1::ScanRequest request;
  request.set_count_only(true);
  auto page = cluster_.client("C")->Scan(request);
  ASSERT_OK(page.status());
  EXPECT_EQ(page->count(), 200u);
  EXPECT_EQ(page->entries_size(), 0);
  request.set_prefix("k00000");
  EXPECT_EQ(cluster_.client("C")->Scan(request)->count(), 10u);
  v1::ScanRequest keys_only;
  keys_only.set_keys_only(true);
  keys_only.set_reverse(true);
  keys_only.set_page_size(1);
  page = cluster_.client("B")->Scan(keys_only);
  ASSERT_OK(page.status());
  ASSERT_EQ(page->entries_size(), 1);
  EXPECT_EQ(page->entries(0).key(), "k000199");
  EXPECT_FALSE(page->entries(0).has_value());
}

TEST_F(ScanTest, BadRangesAndTokensAreRefused) {
  const auto reason = [&](const v1::ScanRequest& request) {
    const absl::Status status = cluster_.client("A")->Scan(request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return ReasonOf(status);
  };
  for (const bool reverse : {false, true}) {
    v1::ScanRequest request;
    request.set_reverse(reverse);
    request.set_start_key("b");
    request.set_end_key("a");
    EXPECT_EQ(reason(request), "SCAN_RANGE_INVALID");
    request.set_end_key("c");
    request.set_prefix("b");
    EXPECT_EQ(reason(request), "SCAN_RANGE_INVALID");
    request.clear_prefix();
    for (const char* token : {"!", "====", "eg"}) {
      request.set_page_token(token);
      EXPECT_EQ(reason(request), "PAGE_TOKEN_INVALID") << token;
    }
  }
}

}  // namespace
}  // namespace lamppost::testing
