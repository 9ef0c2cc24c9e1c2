// Values that expire: absent for every reader from that moment on, over restarts, and gone for good after it.
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

class ExpiryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(cluster_.StartAll());
    ASSERT_OK(cluster_.WaitConverged());
  }

  static kv::v1::PutRequest PutFor(const std::string& key, int64_t ttl_ms) {
    kv::v1::PutRequest request;
    request.set_key(key);
    request.mutable_value()->set_text("v");
    request.mutable_ttl()->set_seconds(ttl_ms / 1000);
    request.mutable_ttl()->set_nanos(static_cast<int32_t>(ttl_ms % 1000) * 1'000'000);
    return request;
  }
  static absl::Time TimeOf(const google::protobuf::Timestamp& time) {
    return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  }
  int Scanned(const std::string& id, const std::string& prefix) {
    kv::v1::ScanRequest request;
    request.set_prefix(prefix);
    return cluster_.client(id)->Scan(request)->entries_size();
  }

  Cluster cluster_{{}};
};

TEST_F(ExpiryTest, AbsentEverywhereFromThatMomentOnAndThenGone) {
  const absl::Time before = absl::Now();
  ASSERT_OK(cluster_.client("A")->Put(PutFor("x", 3000)).status());
  const absl::Time after = absl::Now();
  for (const char* id : {"B", "C"}) ASSERT_OK(cluster_.WaitText(id, "x", "v", absl::Seconds(2)));
  const auto got = cluster_.client("C")->Get("x");
  ASSERT_TRUE(got->has_expires_at());
  const absl::Time expires = TimeOf(got->expires_at());
  EXPECT_GE(expires, before + absl::Milliseconds(2999));
  EXPECT_LE(expires, after + absl::Milliseconds(3001));
  EXPECT_EQ(Scanned("B", "x"), 1);

  // No reader sees it a moment too late, whether or not the tombstone has come yet; nor a moment too early.
  ASSERT_OK(WaitFor("x to be absent at B", absl::Seconds(10), [&] {
    const absl::Time asked = absl::Now();
    const bool found = cluster_.client("B")->Get("x")->found();
    const absl::Time answered = absl::Now();
    EXPECT_FALSE(found && asked > expires + absl::Milliseconds(1));
    EXPECT_FALSE(!found && answered < expires - absl::Milliseconds(1));
    return !found;
  }));
  for (const std::string& id : cluster_.ids()) {
    EXPECT_FALSE(cluster_.client(id)->Get("x")->found()) << id;
    EXPECT_EQ(Scanned(id, "x"), 0) << id;
    EXPECT_FALSE(cluster_.client(id)->Delete("x")->found()) << id;
  }
}

TEST_F(ExpiryTest, TheTombstoneIsAnOrdinaryWriteThatSpreads) {
  const auto put = cluster_.client("A")->Put(PutFor("x", 300));
  ASSERT_OK(put.status());
  for (const std::string& id : cluster_.ids()) {
    EXPECT_OK(WaitFor(id + " to have the tombstone", absl::Seconds(10), [&] {
      const auto got = cluster_.client(id)->Get("x");
      return !got->found() && got->version().counter() > put->version().counter();
    }));
    EXPECT_EQ(cluster_.client(id)->Get("x")->version().node_id(), "A") << "by its origin, and nobody else";
    EXPECT_EQ(cluster_.client(id)->Status()->keys(), 0u);
  }
  EXPECT_OK(cluster_.WaitConverged());
}

TEST_F(ExpiryTest, SurvivesARestartAndABatch) {
  kv::v1::WriteRequest batch;
  const auto add = [&](const std::string& key, int64_t ttl_ms) {
    const kv::v1::PutRequest put = PutFor(key, ttl_ms);
    kv::v1::PutOperation* operation = batch.add_operations()->mutable_put();
    operation->set_key(key);
    *operation->mutable_value() = put.value();
    if (ttl_ms > 0) *operation->mutable_ttl() = put.ttl();
  };
  add("soon", 4000);
  add("late", 3'600'000);
  add("never", 0);
  ASSERT_OK(cluster_.client("A")->Write(batch).status());
  ASSERT_OK(cluster_.WaitConverged());
  for (const std::string& id : cluster_.ids()) ASSERT_EQ(cluster_.node(id)->Stop().value(), 0);
  for (const std::string& id : cluster_.ids()) ASSERT_OK(cluster_.node(id)->Launch());
  for (const std::string& id : cluster_.ids()) ASSERT_OK(cluster_.node(id)->WaitServing());
  ASSERT_OK(
      WaitFor("soon to be gone", absl::Seconds(15), [&] { return !cluster_.client("B")->Text("soon"); }));
  for (const std::string& id : cluster_.ids()) {
    EXPECT_EQ(cluster_.client(id)->Text("late"), "v");
    EXPECT_TRUE(cluster_.client(id)->Get("late")->has_expires_at());
    EXPECT_EQ(cluster_.client(id)->Text("never"), "v");
    EXPECT_FALSE(cluster_.client(id)->Get("never")->has_expires_at());
    EXPECT_OK(
        WaitFor("two keys", absl::Seconds(10), [&] { return cluster_.client(id)->Status()->keys() == 2; }));
  }
}

// Thousands at once: all go, a few in each group, and writes go on meanwhile.
TEST_F(ExpiryTest, ManyAtOnce) {
  constexpr int kKeys = 3000;
  kv::v1::WriteRequest batch;
  for (int i = 0; i < kKeys; ++i) {
    kv::v1::PutOperation* operation = batch.add_operations()->mutable_put();
    operation->set_key(absl::StrCat("many", i));
    operation->mutable_value()->set_text("v");
    operation->mutable_ttl()->set_seconds(1);
    if (batch.operations_size() < 1000) continue;
    ASSERT_OK(cluster_.client("B")->Write(batch).status());
    batch.clear_operations();
  }
  ASSERT_OK(WaitFor("all to be tombstones", absl::Seconds(30), [&] {
    EXPECT_OK(cluster_.client("B")->Put("beside", "1").status());
    return cluster_.client("C")->Status()->keys() == 1;
  }));
  EXPECT_OK(cluster_.WaitConverged());
}

TEST_F(ExpiryTest, BadTtlsAreRefused) {
  const auto refused = [&](int64_t seconds, int32_t nanos) {
    kv::v1::PutRequest request = PutFor("bad", 1);
    request.mutable_ttl()->set_seconds(seconds);
    request.mutable_ttl()->set_nanos(nanos);
    kv::v1::WriteRequest batch;
    kv::v1::PutOperation* operation = batch.add_operations()->mutable_put();
    operation->set_key("bad");
    *operation->mutable_value() = request.value();
    *operation->mutable_ttl() = request.ttl();
    const absl::Status put = cluster_.client("A")->Put(request).status();
    EXPECT_EQ(ReasonOf(cluster_.client("A")->Write(batch).status()), ReasonOf(put));
    EXPECT_EQ(put.code(), absl::StatusCode::kInvalidArgument) << put;
    return ReasonOf(put);
  };
  EXPECT_EQ(refused(0, 0), "TTL_INVALID");
  EXPECT_EQ(refused(0, 999'999), "TTL_INVALID");
  EXPECT_EQ(refused(-1, 0), "TTL_INVALID");
  EXPECT_EQ(refused(1, -1), "TTL_INVALID");
  EXPECT_EQ(refused(1, 1'000'000'000), "TTL_INVALID");
  EXPECT_EQ(refused(int64_t{3650} * 86400, 1), "TTL_INVALID");
  EXPECT_EQ(refused(INT64_MAX, 0), "TTL_INVALID");
  EXPECT_FALSE(cluster_.client("A")->Text("bad"));
  // The same request id with another ttl is another write.
  kv::v1::PutRequest request = PutFor("x", 60'000);
  request.set_request_id("r1");
  ASSERT_OK(cluster_.client("A")->Put(request).status());
  EXPECT_TRUE(cluster_.client("A")->Put(request)->replayed());
  request.mutable_ttl()->set_seconds(61);
  EXPECT_EQ(ReasonOf(cluster_.client("A")->Put(request).status()), "REQUEST_ID_REUSED");
}

}  // namespace
}  // namespace lamppost::testing
