#include "services/kv/server/snapshot_call.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lamppost/kv/v1/admin_service.grpc.pb.h"
#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/common/server.h"
#include "services/kv/server/admin_service.h"
#include "services/kv/snapshot/snapshot_reader.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

// Far more, all together, than what can be on its way to a caller who does not read.
constexpr size_t kKeys = 64;
constexpr size_t kValueBytes = size_t{256} << 10;
constexpr uint64_t kStallMs = 60'000;

class NoPeers : public Outbox {
 public:
  void Send(PeerIndex, SyncMessage) override {}
  void SendAnswer(const OutgoingAnswer&) override {}
  void Poll(uint64_t) override {}
};

// Counts flushes, and fails them when told to.
class FlushedStorage : public MemoryStorage {
 public:
  absl::Status Flush() override {
    ++flushes_;
    return fails_ ? absl::UnavailableError("no disk") : MemoryStorage::Flush();
  }
  int flushes() const { return flushes_; }
  void FailFlushes() { fails_ = true; }

 private:
  std::atomic<int> flushes_{0};
  std::atomic<bool> fails_{false};
};

class Waiter : public WriteWaiter {
 public:
  void Done(const absl::StatusOr<WriteResult>& result) override {
    ok_ = result.ok();
    done_.Notify();
  }
  bool Await() { return done_.WaitForNotificationWithTimeout(absl::Seconds(20)) && ok_; }

 private:
  absl::Notification done_;
  bool ok_ = false;
};

bool Await(const std::function<bool()>& condition) {
  for (const absl::Time deadline = absl::Now() + absl::Seconds(20); !condition();
       absl::SleepFor(absl::Milliseconds(1))) {
    if (absl::Now() > deadline) return false;
  }
  return true;
}

// Whoever asks for a snapshot, and takes it as slowly as he likes.
class Caller {
 public:
  explicit Caller(const std::shared_ptr<grpc::Channel>& channel) : stub_(v1::AdminService::NewStub(channel)) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    reader_ = stub_->Snapshot(&context_, v1::SnapshotRequest());
  }
  ~Caller() {
    if (ended_) return;
    context_.TryCancel();
    reader_->Finish().ok();
  }

  bool Read() {
    v1::SnapshotResponse message;
    if (!reader_->Read(&message)) return false;
    bytes_ += message.chunk();
    return true;
  }
  // Takes the rest, and its end.
  absl::Status End() {
    while (Read()) continue;
    ended_ = true;
    return FromGrpcStatus(reader_->Finish());
  }
  const std::string& bytes() const { return bytes_; }
  bool HasClock() const { return ClockFromTrailers(context_).has_value(); }

 private:
  const std::unique_ptr<v1::AdminService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::SnapshotResponse>> reader_;
  std::string bytes_;
  bool ended_ = false;
};

// The keys of a snapshot file, if it is whole and sound.
class KeyCount : public SnapshotSink {
 public:
  static size_t Of(const std::string& bytes) {
    KeyCount count;
    SnapshotReader reader(&count);
    const bool whole = reader.Read(bytes).ok() && reader.Finish().ok();
    return whole ? count.keys_ : 0;
  }
  absl::Status Begin(const SnapshotHeader&) override { return absl::OkStatus(); }
  absl::Status Add(const std::string&, Version) override {
    ++keys_;
    return absl::OkStatus();
  }

 private:
  size_t keys_ = 0;
};

class SnapshotCallTest : public ::testing::Test {
 protected:
  void Start(SnapshotCallsOptions options = {}) {
    ReplicaOptions replica_options;
    replica_options.node_id = "A";
    replica_options.cluster = "test";
    replica_options.boot_id = 1;
    absl::StatusOr<std::unique_ptr<Replica>> replica = Replica::Open(replica_options, &storage_);
    ASSERT_TRUE(replica.ok());
    replica_ = *std::move(replica);
    driver_ = std::make_unique<Driver>(DriverOptions(), replica_.get(), &storage_, &outbox_);
    shell_ = std::make_unique<Shell>("A", replica_->clock(), driver_.get());
    options.cluster = "test";
    options.estimate_bytes = [] { return kKeys * kValueBytes; };
    options.stall_ms_max = kStallMs;
    calls_ = std::make_unique<SnapshotCalls>(std::move(options), shell_.get(), &storage_);
    service_ = std::make_unique<AdminServiceImpl>(MemberAdminOptions{"test", nullptr}, Limits(), shell_.get(),
                                                  &storage_, calls_.get(), nullptr, nullptr);
    ServerOptions server;
    server.services = {{service_.get(), v1::AdminService::service_full_name()}};
    server.on_drain = [this] {
      shell_->sessions()->Drain();
      calls_->Drain();
    };
    server_ = std::make_unique<Server>(std::move(server));
    ASSERT_TRUE(driver_->Start().ok());
    ASSERT_TRUE(server_->Start().ok());
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // else more and more may be on its way
    channel_ = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                         grpc::InsecureChannelCredentials(), arguments);
    Fill('v');
  }

  // As a node ends. It waits for no caller.
  void TearDown() override {
    if (server_) server_->Drain(100);
    if (calls_) calls_->AwaitEnd();
    if (driver_) driver_->Stop();
  }

  // All keys anew.
  void Fill(char byte) {
    for (size_t i = 0; i < kKeys; ++i) {
      Proposal proposal;
      proposal.operations.push_back(
          {absl::StrCat("k", i), Value{Value::Kind::kText, std::string(kValueBytes, byte)}});
      Waiter waiter;
      driver_->Propose(std::move(proposal), kValueBytes, &waiter);
      ASSERT_TRUE(waiter.Await());
    }
  }

  // A caller whose snapshot has begun.
  std::unique_ptr<Caller> Begun() {
    auto caller = std::make_unique<Caller>(channel_);
    EXPECT_TRUE(caller->Read());
    return caller;
  }
  // Whether the store holds what only a snapshot can still see, once all keys have been written again.
  bool KeepsOldValues() const { return storage_.ValueCount() >= values_alone_ + kKeys; }
  // Writes all keys again while there is a snapshot.
  void Overwrite() {
    values_alone_ = storage_.ValueCount();
    Fill('w');
    ASSERT_TRUE(KeepsOldValues());
  }
  // As if so long had passed for all calls.
  bool LetGoAfter(uint64_t ms) {
    return Await([&] {
      calls_->Poll(MonotonicMs() + ms);
      return !KeepsOldValues();
    });
  }

  FlushedStorage storage_;
  NoPeers outbox_;
  size_t values_alone_ = 0;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<Shell> shell_;
  std::unique_ptr<SnapshotCalls> calls_;
  std::unique_ptr<AdminServiceImpl> service_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(SnapshotCallTest, IsWholeAndNothingOfItIsKept) {
  Start();
  const std::unique_ptr<Caller> caller = Begun();
  Overwrite();
  EXPECT_TRUE(caller->End().ok());
  EXPECT_EQ(KeyCount::Of(caller->bytes()), kKeys);
  EXPECT_EQ(caller->bytes().find("wwww"), std::string::npos) << "it is of the moment when it was asked for";
  EXPECT_TRUE(Await([&] { return !KeepsOldValues(); }));
}

TEST_F(SnapshotCallTest, WhoTakesNothingForTooLongIsToldWithTheNextMessageHeTakes) {
  Start();
  const std::unique_ptr<Caller> caller = Begun();
  Overwrite();
  calls_->Poll(MonotonicMs() + kStallMs / 2);
  EXPECT_TRUE(KeepsOldValues());
  EXPECT_TRUE(LetGoAfter(kStallMs + 1));
  const absl::Status status = caller->End();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
  EXPECT_EQ(ErrorReason(status), "SNAPSHOT_STALLED");
  EXPECT_TRUE(caller->HasClock());
  EXPECT_EQ(KeyCount::Of(caller->bytes()), 0u);
}

TEST_F(SnapshotCallTest, WhoTakesNothingStillIsBrokenOffAndMakesRoom) {
  SnapshotCallsOptions options;
  options.calls_max = 1;
  Start(std::move(options));
  const std::unique_ptr<Caller> caller = Begun();
  Overwrite();
  ASSERT_TRUE(LetGoAfter(kStallMs + 1));
  EXPECT_EQ(ErrorReason(Caller(channel_).End()), "TOO_MANY_SNAPSHOTS") << "the call is still there";
  EXPECT_TRUE(Await([&] {
    calls_->Poll(MonotonicMs() + 3 * kStallMs);
    return Caller(channel_).End().ok();
  }));
  EXPECT_EQ(caller->End().code(), absl::StatusCode::kCancelled);
}

// He takes something now and then, and would keep the snapshot for ever.
TEST_F(SnapshotCallTest, WhoIsBehindTheLowestRateIsGivenUp) {
  SnapshotCallsOptions options;
  options.bytes_per_second_min = uint64_t{1} << 50;
  Start(std::move(options));
  const std::unique_ptr<Caller> caller = Begun();
  const uint64_t later_ms = MonotonicMs() + 20;
  Overwrite();
  ASSERT_TRUE(Await([&] { return MonotonicMs() > later_ms; }));
  // More than what was on its way before: the last of it has been begun since.
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(caller->Read());
  EXPECT_TRUE(Await([&] {
    calls_->Poll(later_ms + kStallMs);
    return !KeepsOldValues();
  }));
  EXPECT_EQ(ErrorReason(caller->End()), "SNAPSHOT_STALLED");
}

TEST_F(SnapshotCallTest, WhoIsSlowButNotTooSlowGetsAll) {
  Start();
  const std::unique_ptr<Caller> caller = Begun();
  while (caller->Read()) calls_->Poll(MonotonicMs() + kStallMs - 10'000);
  EXPECT_TRUE(caller->End().ok());
  EXPECT_EQ(KeyCount::Of(caller->bytes()), kKeys);
}

TEST_F(SnapshotCallTest, MoreThanMayBeAreRefused) {
  SnapshotCallsOptions options;
  options.calls_max = 2;
  Start(std::move(options));
  std::unique_ptr<Caller> first = Begun();
  const std::unique_ptr<Caller> second = Begun();
  Caller refused(channel_);
  const absl::Status status = refused.End();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(status), "TOO_MANY_SNAPSHOTS");
  EXPECT_TRUE(RetryDelayMs(status).has_value());
  EXPECT_TRUE(refused.HasClock());
  EXPECT_EQ(refused.bytes(), "");
  first = nullptr;  // the caller goes
  EXPECT_TRUE(Await([&] { return Caller(channel_).End().ok(); }));
  EXPECT_TRUE(second->End().ok());
}

TEST_F(SnapshotCallTest, AnOrderlyEndIsToldWithTheNextMessage) {
  Start();
  const std::unique_ptr<Caller> caller = Begun();
  calls_->Drain();
  EXPECT_EQ(ErrorReason(caller->End()), "SHUTTING_DOWN");
  EXPECT_EQ(ErrorReason(Caller(channel_).End()), "SHUTTING_DOWN");
}

TEST_F(SnapshotCallTest, AnOrderlyEndWaitsForNobodyWhoTakesNothing) {
  Start();
  const std::unique_ptr<Caller> caller = Begun();
  const absl::Time start = absl::Now();
  server_->Drain(100);
  calls_->AwaitEnd();
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
}

TEST_F(SnapshotCallTest, OfPartOfTheDataThereIsNone) {
  Start();
  shell_->set_refilling(true);
  Caller refused(channel_);
  const absl::Status status = refused.End();
  EXPECT_EQ(ErrorReason(status), "REFILLING");
  EXPECT_TRUE(RetryDelayMs(status).has_value());
  EXPECT_EQ(refused.bytes(), "");
  shell_->set_refilling(false);
  EXPECT_TRUE(Caller(channel_).End().ok());
}

// It may be restored when a power failure has taken from this node what it holds.
TEST_F(SnapshotCallTest, NothingIsSentBeforeItIsOnStableStorage) {
  Start();
  const int before = storage_.flushes();
  EXPECT_TRUE(Caller(channel_).End().ok());
  EXPECT_GT(storage_.flushes(), before);
  storage_.FailFlushes();
  Caller refused(channel_);
  EXPECT_EQ(refused.End().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(refused.bytes(), "");
}

}  // namespace
}  // namespace lamppost::kv
