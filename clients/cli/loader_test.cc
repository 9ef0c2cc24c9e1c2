#include "clients/cli/loader.h"

#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>

#include "clients/cpp/fake_kv_service.h"
#include "clients/cpp/fake_stub.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

kv::v1::PutOperation Put(const std::string& key, const std::string& value) {
  kv::v1::PutOperation put;
  put.set_key(key);
  put.mutable_value()->set_text(value);
  return put;
}

class LoaderTest : public testing::Test {
 protected:
  LoaderTest() : node_("A") {
    client::ClientOptions options = client::OptionsFor({node_.port()});
    options.timeout_ms = 60'000;
    options.retry.attempt_timeout_ms = 20'000;
    client_ = std::make_unique<client::Client>(options);
  }

  client::FakeNode node_;
  std::unique_ptr<client::Client> client_;
};

TEST_F(LoaderTest, EverythingArrivesInBatches) {
  Loader loader(client_.get(), {4, {}, 0});
  for (int i = 0; i < 2600; ++i) {
    ASSERT_TRUE(loader.Add(static_cast<uint64_t>(i + 1), Put("k" + std::to_string(i), std::to_string(i))));
  }
  const LoadEnd end = loader.Finish();
  EXPECT_TRUE(end.status.ok()) << end.status;
  EXPECT_EQ(end.lines_written, 2600u);
  EXPECT_EQ(end.batches_written, 6u);
  EXPECT_EQ(node_.service().entries().size(), 2600u);
}

TEST_F(LoaderTest, BatchesAreBoundedByBytes) {
  Loader loader(client_.get(), {2, {}, 0});
  for (int i = 0; i < 6; ++i) {
    loader.Add(static_cast<uint64_t>(i + 1), Put(std::to_string(i), std::string(400 << 10, 'x')));
  }
  EXPECT_EQ(loader.Finish().batches_written, 3u);
}

TEST_F(LoaderTest, AValueAboveTheBoundGoesAlone) {
  Loader loader(client_.get(), {2, {}, 0});
  loader.Add(1, Put("a", "1"));
  loader.Add(2, Put("b", std::string(kBatchBytesMax, 'x')));
  loader.Add(3, Put("c", "1"));
  EXPECT_EQ(loader.Finish().batches_written, 3u);
}

// Few keys, many lines: whatever runs side by side, the last line of a key must win.
TEST_F(LoaderTest, TheLastLineOfAKeyWins) {
  std::mt19937 engine(7);
  std::map<std::string, std::string> expected;
  Loader loader(client_.get(), {8, {}, 0});
  for (uint64_t line = 1; line <= 20'000; ++line) {
    const std::string key = "k" + std::to_string(engine() % 700);
    expected[key] = std::to_string(line);
    ASSERT_TRUE(loader.Add(line, Put(key, expected[key])));
  }
  EXPECT_EQ(loader.Finish().lines_written, 20'000u);
  const auto entries = node_.service().entries();
  ASSERT_EQ(entries.size(), expected.size());
  for (const auto& [key, value] : expected) EXPECT_EQ(entries.at(key).value.text(), value) << key;
}

// The first batch comes late, by a retry; the second one must not overtake it.
TEST_F(LoaderTest, ABatchWaitsForAnotherWithItsKeys) {
  node_.service().RefuseNext(MakeRetryableError(absl::StatusCode::kUnavailable, "STARTING", "wait", 300));
  Loader loader(client_.get(), {4, {}, 0});
  loader.Add(1, Put("k", "first"));
  for (uint64_t line = 2; line <= 501; ++line) loader.Add(line, Put(std::to_string(line), "v"));
  while (node_.service().calls() < 1) std::this_thread::yield();
  loader.Add(502, Put("k", "second"));
  EXPECT_TRUE(loader.Finish().status.ok());
  EXPECT_EQ(node_.service().entries().at("k").value.text(), "second");
}

TEST_F(LoaderTest, AFailedBatchStopsTheLoadAndIsNamed) {
  Loader loader(client_.get(), {1, {}, 0});
  for (uint64_t line = 1; line <= 500; ++line) loader.Add(line, Put("k" + std::to_string(line), "v"));
  loader.Add(501, Put("k501", "v"));  // the first batch is on its way
  while (loader.lines_written() < 500) std::this_thread::yield();
  node_.service().RefuseNext(MakeError(absl::StatusCode::kInvalidArgument, "VALUE_TOO_LONG", "too long"));
  uint64_t line = 502;
  while (loader.Add(line, Put("k" + std::to_string(line), "v"))) ++line;
  const LoadEnd end = loader.Finish();
  EXPECT_EQ(ErrorReason(end.status), "VALUE_TOO_LONG");
  EXPECT_EQ(end.outcome, client::Outcome::kFailed);
  EXPECT_EQ(end.first_line, 501u);
  EXPECT_EQ(end.last_line, 1000u);
  EXPECT_EQ(end.lines_written, 500u);
  EXPECT_EQ(node_.service().entries().size(), 500u);
}

TEST_F(LoaderTest, AnUnusedLoaderEnds) {
  Loader loader(client_.get(), {8, {}, 0});
  const LoadEnd end = loader.Finish();
  EXPECT_TRUE(end.status.ok());
  EXPECT_EQ(end.batches_written, 0u);
}

}  // namespace
}  // namespace lamppost::cli
