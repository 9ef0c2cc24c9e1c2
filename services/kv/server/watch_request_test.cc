#include "services/kv/server/watch_request.h"

#include "gtest/gtest.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

std::string ReasonOf(const v1::WatchRequest& request) {
  const absl::StatusOr<WatchSpec> spec = ReadWatch(request);
  return spec.ok() ? "" : ErrorReason(spec.status());
}

TEST(WatchRequest, NothingSetIsEverythingFromNowOn) {
  const absl::StatusOr<WatchSpec> spec = ReadWatch({});
  ASSERT_TRUE(spec.ok());
  EXPECT_TRUE(spec->scope.Includes("x"));
  EXPECT_FALSE(spec->from);
  EXPECT_EQ(spec->progress_interval_ms, 10'000u);
  EXPECT_EQ(spec->content, WatchSpec::Content::kKeysAndValues);
}

TEST(WatchRequest, TakesWhatIsSet) {
  v1::WatchRequest request;
  request.set_key("k");
  request.mutable_session();
  request.mutable_progress_interval()->set_seconds(1);
  request.mutable_progress_interval()->set_nanos(500'000'000);
  request.set_keys_only(true);
  const absl::StatusOr<WatchSpec> spec = ReadWatch(request);
  ASSERT_TRUE(spec.ok());
  EXPECT_TRUE(spec->scope.Includes("k"));
  EXPECT_FALSE(spec->scope.Includes("kk"));
  ASSERT_TRUE(spec->from);
  EXPECT_TRUE(spec->from->empty());
  EXPECT_EQ(spec->progress_interval_ms, 1500u);
  EXPECT_EQ(spec->content, WatchSpec::Content::kKeysOnly);
}

TEST(WatchRequest, RefusesWhatCannotBe) {
  v1::WatchRequest request;
  request.set_prefix("a");
  request.set_key("b");
  EXPECT_EQ(ReasonOf(request), "WATCH_SCOPE_INVALID");
  request.clear_prefix();
  request.set_key(std::string(1025, 'k'));
  EXPECT_EQ(ReasonOf(request), "KEY_TOO_LONG");
  request.clear_key();
  request.set_prefix(std::string("\0member", 7));
  EXPECT_EQ(ReasonOf(request), "KEY_HAS_NUL");
  request.clear_prefix();
  request.mutable_session()->add_heads();
  EXPECT_EQ(ReasonOf(request), "SESSION_INVALID");
}

TEST(WatchRequest, BoundsTheProgressInterval) {
  const auto reason_of = [](int64_t seconds, int32_t nanos) {
    v1::WatchRequest request;
    request.mutable_progress_interval()->set_seconds(seconds);
    request.mutable_progress_interval()->set_nanos(nanos);
    return ReasonOf(request);
  };
  EXPECT_EQ(reason_of(0, 100'000'000), "");
  EXPECT_EQ(reason_of(3600, 0), "");
  for (const auto& [seconds, nanos] : std::vector<std::pair<int64_t, int32_t>>{{0, 0},
                                                                               {0, 99'999'999},
                                                                               {3600, 1'000'000},
                                                                               {-1, 0},
                                                                               {1, -1},
                                                                               {1, 1'000'000'000},
                                                                               {INT64_MAX, 0}}) {
    EXPECT_EQ(reason_of(seconds, nanos), "PROGRESS_INTERVAL_INVALID") << seconds << " s " << nanos;
  }
}

TEST(WatchRequest, TheAnswerTellsOfValuesDeletionsAndExpiry) {
  std::vector<KeyedVersion> versions(3);
  versions[0].key = "text";
  versions[0].version.timestamp = {5, {"A", 1}};
  versions[0].version.value = Value{Value::Kind::kText, "v"};
  versions[1].key = "gone";
  versions[2].key = "short";
  versions[2].version.value = Value{Value::Kind::kData, "d"};
  versions[2].version.expires_unix_ms = 1500;
  const v1::WatchResponse all = WatchAnswer(versions, {{{"A", 1}, 5}}, WatchSpec::Content::kKeysAndValues);
  ASSERT_EQ(all.events_size(), 3);
  EXPECT_EQ(all.events(0).value().text(), "v");
  EXPECT_EQ(all.events(0).version().counter(), 5u);
  EXPECT_FALSE(all.events(0).has_expires_at());
  EXPECT_TRUE(all.events(1).deleted());
  EXPECT_FALSE(all.events(1).has_value());
  EXPECT_EQ(all.events(2).value().data(), "d");
  EXPECT_EQ(all.events(2).expires_at().seconds(), 1);
  EXPECT_EQ(all.events(2).expires_at().nanos(), 500'000'000);
  ASSERT_EQ(all.session().heads_size(), 1);
  const v1::WatchResponse keys = WatchAnswer(versions, {}, WatchSpec::Content::kKeysOnly);
  EXPECT_FALSE(keys.events(0).has_value());
  EXPECT_FALSE(keys.events(0).deleted());
}

}  // namespace
}  // namespace lamppost::kv
