#include "clients/cpp/scan_iterator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clients/cpp/fake_stub.h"
#include "services/common/error.h"

namespace lamppost::client {
namespace {

using testing::ElementsAre;

v1::ScanResponse Page(const std::vector<std::string>& keys, const std::string& next) {
  v1::ScanResponse page;
  for (const std::string& key : keys) page.add_entries()->set_key(key);
  page.set_next_page_token(next);
  return page;
}

class ScanIteratorTest : public testing::Test {
 protected:
  std::vector<std::string> Keys(ScanIterator* scan) {
    std::vector<std::string> keys;
    while (scan->Next()) keys.push_back(scan->entry().key());
    return keys;
  }

  FakeNetwork network_;
  Client client_{OptionsFor({1}), network_.Environment()};
};

TEST_F(ScanIteratorTest, GoesOverAllPagesEmptyOnesIncluded) {
  network_.pages = {Page({"a", "b"}, "t1"), Page({}, "t2"), Page({"c"}, "")};
  ScanIterator scan(&client_, {});
  EXPECT_THAT(Keys(&scan), ElementsAre("a", "b", "c"));
  EXPECT_TRUE(scan.end().ok());
  EXPECT_FALSE(scan.Next());
  ASSERT_EQ(network_.seen.size(), 3u);
  EXPECT_EQ(network_.seen[1].method, "Scan t1");
  EXPECT_EQ(network_.seen[2].method, "Scan t2");
}

TEST_F(ScanIteratorTest, AnEmptyScanEnds) {
  ScanIterator scan(&client_, {});
  EXPECT_FALSE(scan.Next());
  EXPECT_TRUE(scan.end().ok());
}

TEST_F(ScanIteratorTest, AnErrorEndsIt) {
  network_.pages = {Page({"a"}, "t1")};
  network_.Add(absl::OkStatus());
  network_.Add(absl::InvalidArgumentError("bad token"));
  ScanIterator scan(&client_, {});
  EXPECT_THAT(Keys(&scan), ElementsAre("a"));
  EXPECT_EQ(scan.end().status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(scan.Next());
}

TEST_F(ScanIteratorTest, APageTokenThatComesBackIsAnError) {
  network_.pages = {Page({"a"}, "t"), Page({"b"}, "t")};
  ScanIterator scan(&client_, {});
  EXPECT_THAT(Keys(&scan), ElementsAre("a"));
  EXPECT_EQ(ErrorReason(scan.end().status), "BAD_PAGE_TOKEN");
}

TEST_F(ScanIteratorTest, ItsTimeoutCoversAllPages) {
  network_.pages = {Page({"a"}, "t1"), Page({"b"}, "t2"), Page({"c"}, "")};
  for (int i = 0; i < 3; ++i) network_.Add(absl::OkStatus(), Reach::kSent, 600);
  ScanIterator scan(&client_, {}, 1000);
  EXPECT_THAT(Keys(&scan), ElementsAre("a", "b"));
  EXPECT_EQ(scan.end().status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(network_.seen[1].timeout_ms, 400);
}

}  // namespace
}  // namespace lamppost::client
