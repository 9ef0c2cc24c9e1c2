// The contract suite over etcd, and what is special about it: leases, fail-over, an etcd that goes away.
#include "services/rpc/storage/etcd_request_store.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/rpc/storage/testing/etcd_process.h"
#include "services/rpc/storage/testing/request_store_contract.h"
#include "services/rpc/storage/testing/store_client.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::rpc {
namespace {

using lamppost::testing::WaitFor;

constexpr absl::Duration kLimit = absl::Seconds(20);

// One for all tests of this process; each has a fleet of its own there.
EtcdProcess* SharedEtcd() {
  static const absl::StatusOr<std::unique_ptr<EtcdProcess>> etcd = EtcdProcess::Start();
  EXPECT_TRUE(etcd.ok()) << etcd.status();
  return etcd.ok() ? etcd->get() : nullptr;
}

EtcdOptions OptionsFor(const std::string& address) {
  EtcdOptions options;
  options.address = ParseEtcdEndpoints(address).value();
  options.lease_ttl_s = 1;
  return options;
}

std::string NewFleet() {
  static std::atomic<int> fleets{0};
  return absl::StrCat("fleet-", ++fleets);
}

std::unique_ptr<StoreClient> NewClient(const EtcdOptions& options) {
  return std::make_unique<StoreClient>(std::make_unique<EtcdRequestStore>(options));
}

class EtcdPlace : public StorePlace {
 public:
  std::unique_ptr<RequestStore> NewStore() override { return std::make_unique<EtcdRequestStore>(options_); }

 private:
  const EtcdOptions options_ = OptionsFor(absl::StrCat(SharedEtcd()->address(), "/", NewFleet()));
};

INSTANTIATE_TEST_SUITE_P(Etcd, RequestStoreContractTest,
                         ::testing::Values(ContractCase{"Etcd", Sharing::kFleet,
                                                        []() -> std::unique_ptr<StorePlace> {
                                                          if (SharedEtcd() == nullptr) return nullptr;
                                                          return std::make_unique<EtcdPlace>();
                                                        }}),
                         ContractCaseName);

RequestId Id(uint8_t number) {
  RequestId::Bytes bytes = {};
  bytes[15] = number;
  return RequestId(bytes);
}

class EtcdRequestStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(SharedEtcd(), nullptr);
    options_ = OptionsFor(absl::StrCat(SharedEtcd()->address(), "/", NewFleet()));
    witness_ = NewClient(options_);
    ASSERT_OK(witness_->Start());
  }

  bool IsAlive(const std::string& owner) {
    const StoreAnswer answer = witness_->Do(FindOwner{owner});
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.owner_is_alive;
  }
  // Ends the lease of this owner, as if it had stood still for too long.
  void EndLease(const std::string& owner) {
    EtcdChannels channels(options_.address.endpoints);
    const EtcdChannels::Endpoint& endpoint = channels.endpoint(0);
    etcdserverpb::RangeRequest find;
    find.set_key(EtcdCodec(options_.address.name).OwnerKey(owner));
    etcdserverpb::RangeResponse found;
    grpc::ClientContext find_context;
    ASSERT_TRUE(endpoint.kv->Range(&find_context, find, &found).ok());
    ASSERT_EQ(found.kvs_size(), 1);
    etcdserverpb::LeaseRevokeRequest revoke;
    revoke.set_id(found.kvs(0).lease());
    etcdserverpb::LeaseRevokeResponse revoked;
    grpc::ClientContext revoke_context;
    ASSERT_TRUE(endpoint.lease->LeaseRevoke(&revoke_context, revoke, &revoked).ok());
  }

  EtcdOptions options_;
  std::unique_ptr<StoreClient> witness_;
};

TEST_F(EtcdRequestStoreTest, ACrashedOwnerIsDeadAfterTheLeaseASlowOneLives) {
  const auto slow = NewClient(options_);
  ASSERT_OK(slow->Start());
  auto crashed = NewClient(options_);
  ASSERT_OK(crashed->Start());
  const std::string slow_owner = slow->store().owner();
  const std::string crashed_owner = crashed->store().owner();
  EXPECT_TRUE(IsAlive(crashed_owner));

  const absl::Time begin = absl::Now();
  crashed->Crash();
  EXPECT_TRUE(IsAlive(crashed_owner));  // nobody can know yet
  ASSERT_OK(WaitFor("the end of the lease", kLimit, [&] { return !IsAlive(crashed_owner); }));
  // More than a TTL later the one that does nothing but live is still there, and has its name.
  ASSERT_OK(WaitFor("three TTLs", kLimit, [&] { return absl::Now() > begin + absl::Seconds(3); }));
  EXPECT_TRUE(IsAlive(slow_owner));
  EXPECT_EQ(slow->store().owner(), slow_owner);
}

TEST_F(EtcdRequestStoreTest, AStoppedOwnerIsDeadAtOnce) {
  const auto stopped = NewClient(options_);
  ASSERT_OK(stopped->Start());
  const std::string owner = stopped->store().owner();
  EXPECT_TRUE(IsAlive(owner));
  stopped->Stop();
  EXPECT_FALSE(IsAlive(owner));
}

TEST_F(EtcdRequestStoreTest, WhoLosesItsLeaseTakesAnotherName) {
  const auto client = NewClient(options_);
  ASSERT_OK(client->Start());
  const std::string first = client->store().owner();
  EndLease(first);
  EXPECT_FALSE(IsAlive(first));
  ASSERT_OK(WaitFor("a new name", kLimit, [&] { return client->store().owner() != first; }));
  EXPECT_TRUE(IsAlive(client->store().owner()));
  EXPECT_FALSE(IsAlive(first));
}

TEST_F(EtcdRequestStoreTest, FleetsAreApart) {
  EtcdOptions other_options = options_;
  other_options.address.name += "-other";
  const auto other = NewClient(other_options);
  ASSERT_OK(other->Start());
  witness_->Do(CreateRecord{Id(1), "value"});
  EXPECT_FALSE(other->Do(GetRecord{Id(1)}).record.has_value());
  EXPECT_TRUE(other->Do(ScanRecords{}).records.empty());
  EXPECT_FALSE(other->Do(FindOwner{witness_->store().owner()}).owner_is_alive);
}

// A fleet of one name shares one clock: whoever starts goes on above what any has reserved.
TEST_F(EtcdRequestStoreTest, TheClockIsTheFleets) {
  witness_->Do(ReserveClock{500});
  const auto next = NewClient(options_);
  ASSERT_OK(next->Start());
  EXPECT_EQ(next->store().clock_start(), 500u);
}

TEST_F(EtcdRequestStoreTest, TheNextEndpointIsTaken) {
  const int dead_port = lamppost::testing::ReservePort().value();
  EtcdOptions options = OptionsFor(
      absl::StrCat("etcd://127.0.0.1:", dead_port, ",", SharedEtcd()->endpoint(), "/", NewFleet()));
  const auto client = NewClient(options);
  ASSERT_OK(client->Start());
  EXPECT_NE(client->Do(CreateRecord{Id(1), "value"}).revision, 0u);
}

TEST_F(EtcdRequestStoreTest, WithoutAnEtcdTheStartFails) {
  const int dead_port = lamppost::testing::ReservePort().value();
  EtcdOptions options = OptionsFor(absl::StrCat("etcd://127.0.0.1:", dead_port));
  options.start_timeout_ms = 300;
  const absl::Status status = NewClient(options)->Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(status), "REQUEST_STORE_UNAVAILABLE");
  EXPECT_NE(status.message().find(absl::StrCat("127.0.0.1:", dead_port)), std::string::npos) << status;
}

TEST_F(EtcdRequestStoreTest, WhatEtcdRefusesWillNotPass) {
  const StoreAnswer answer = witness_->Do(CreateRecord{Id(1), std::string(size_t{1600} << 10, 'v')});
  EXPECT_EQ(answer.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(answer.status), "REQUEST_STORE_REFUSED");
}

// Tests with an etcd of their own, to be killed.
class EtcdOutageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto etcd = EtcdProcess::Start();
    ASSERT_TRUE(etcd.ok()) << etcd.status();
    etcd_ = *std::move(etcd);
    options_ = OptionsFor(etcd_->address());
    options_.call_timeout_ms = 500;
    client_ = NewClient(options_);
    ASSERT_OK(client_->Start());
  }
  bool IsUp() { return client_->Do(GetRecord{Id(1)}).status.ok(); }
  void ExpectUnavailable(const StoreAnswer& answer) {
    EXPECT_EQ(answer.status.code(), absl::StatusCode::kUnavailable) << answer.status;
    EXPECT_EQ(ErrorReason(answer.status), "REQUEST_STORE_UNAVAILABLE") << answer.status;
    EXPECT_TRUE(RetryDelayMs(answer.status).has_value());
  }

  std::unique_ptr<EtcdProcess> etcd_;
  EtcdOptions options_;
  std::unique_ptr<StoreClient> client_;
};

TEST_F(EtcdOutageTest, GoesOnAfterAKillAndARestart) {
  ASSERT_NE(client_->Do(CreateRecord{Id(1), "before"}).revision, 0u);
  etcd_->Kill();
  ExpectUnavailable(client_->Do(CreateRecord{Id(2), "lost or not"}));
  ASSERT_OK(etcd_->Restart());
  ASSERT_OK(WaitFor("etcd's return", kLimit, [&] { return IsUp(); }));
  EXPECT_EQ(client_->Do(GetRecord{Id(1)}).record->value, "before");
  EXPECT_NE(client_->Do(CreateRecord{Id(3), "after"}).revision, 0u);
  ASSERT_OK(WaitFor("its own name among the living", kLimit,
                    [&] { return client_->Do(FindOwner{client_->store().owner()}).owner_is_alive; }));
}

TEST_F(EtcdOutageTest, AnEtcdThatStandsStillIsUnavailable) {
  etcd_->Pause();
  ExpectUnavailable(client_->Do(CreateRecord{Id(1), "late"}));
  etcd_->Resume();
  ASSERT_OK(WaitFor("etcd's return", kLimit, [&] { return IsUp(); }));
}

TEST_F(EtcdOutageTest, StopAnswersAllWithoutAnEtcd) {
  options_.calls_max = 4;
  options_.stop_timeout_ms = 100;
  client_->Stop();
  client_ = NewClient(options_);
  ASSERT_OK(client_->Start());
  etcd_->Pause();
  std::vector<StoreOperation> operations;
  for (uint8_t id = 0; id < 100; ++id) operations.push_back(CreateRecord{Id(id), "value"});
  const std::vector<uint64_t> numbers = client_->Submit(std::move(operations));
  client_->Stop();
  EXPECT_EQ(client_->unanswered(), 0u);
  EXPECT_EQ(client_->strays(), 0);
  for (const uint64_t number : numbers) {
    EXPECT_EQ(ErrorReason(client_->Await(number).status), "REQUEST_STORE_UNAVAILABLE");
  }
}

}  // namespace
}  // namespace lamppost::rpc
