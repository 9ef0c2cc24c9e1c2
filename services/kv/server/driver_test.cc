#include "services/kv/server/driver.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/error.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {
namespace {

class NoPeers : public Outbox {
 public:
  void Send(PeerIndex, SyncMessage) override {}
  void SendAnswer(const OutgoingAnswer&) override {}
  void Poll(uint64_t) override {}
};

// Lets commits through one by one when told to, counts them, and fails them when told to.
class GatedStorage : public MemoryStorage {
 public:
  absl::Status Commit(const WriteBatch& batch, Durability durability) override {
    {
      absl::MutexLock lock(&mutex_);
      ++waiting_;
      mutex_.Await(absl::Condition(&open_));
      --waiting_;
      ++commits_;
      if (!failure_.ok()) return failure_;
    }
    return MemoryStorage::Commit(batch, durability);
  }
  void SetOpen(bool open) {
    absl::MutexLock lock(&mutex_);
    open_ = open;
  }
  void FailWith(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    failure_ = std::move(status);
  }
  void AwaitBlockedCommit() {
    const auto blocked = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return waiting_ > 0; };
    absl::MutexLock lock(&mutex_);
    ASSERT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&blocked), absl::Seconds(20)));
  }
  int commits() {
    absl::MutexLock lock(&mutex_);
    return commits_;
  }

 private:
  absl::Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = true;
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  int commits_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

class Waiter : public WriteWaiter {
 public:
  void Done(const absl::StatusOr<WriteResult>& result) override {
    result_ = result;
    done_.Notify();
  }
  const absl::StatusOr<WriteResult>& Await() {
    EXPECT_TRUE(done_.WaitForNotificationWithTimeout(absl::Seconds(20)));
    return result_;
  }
  bool HasBeenTold() const { return done_.HasBeenNotified(); }

 private:
  absl::Notification done_;
  absl::StatusOr<WriteResult> result_ = absl::UnknownError("not yet");
};

Proposal Put(const std::string& key) {
  Proposal proposal;
  proposal.operations.push_back({key, Value{Value::Kind::kText, "v"}});
  return proposal;
}

class DriverTest : public ::testing::Test {
 protected:
  void Start(DriverOptions options = {}) {
    ReplicaOptions replica_options;
    replica_options.node_id = "A";
    replica_options.cluster = "test";
    replica_options.boot_id = 1;
    absl::StatusOr<std::unique_ptr<Replica>> replica = Replica::Open(replica_options, &storage_);
    ASSERT_TRUE(replica.ok());
    replica_ = *std::move(replica);
    options.on_fatal_error = [this](const absl::Status&) { fatal_.Notify(); };
    driver_ = std::make_unique<Driver>(options, replica_.get(), &storage_, &outbox_);
    ASSERT_TRUE(driver_->Start().ok());
    Waiter first;  // the life has been decided once a write is through
    driver_->Propose(Put("first"), 1, &first);
    ASSERT_TRUE(first.Await().ok());
  }

  // Makes the driver wait in a commit, so that what comes next gathers behind it.
  void Block(Waiter* waiter) {
    storage_.SetOpen(false);
    driver_->Propose(Put("blocker"), 1, waiter);
    storage_.AwaitBlockedCommit();
  }

  GatedStorage storage_;
  NoPeers outbox_;
  absl::Notification fatal_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Driver> driver_;
};

TEST_F(DriverTest, WritesThatGatherShareOneCommit) {
  Start();
  Waiter blocker;
  Block(&blocker);
  const int before = storage_.commits();
  std::vector<Waiter> waiters(100);
  for (Waiter& waiter : waiters) driver_->Propose(Put("k"), 1, &waiter);
  storage_.SetOpen(true);
  for (Waiter& waiter : waiters) EXPECT_TRUE(waiter.Await().ok());
  EXPECT_EQ(storage_.commits() - before, 2);  // the blocker's and theirs
}

TEST_F(DriverTest, NothingIsAcknowledgedBeforeTheCommit) {
  Start();
  Waiter blocker;
  Block(&blocker);
  EXPECT_FALSE(blocker.HasBeenTold());
  storage_.SetOpen(true);
  EXPECT_TRUE(blocker.Await().ok());
}

TEST_F(DriverTest, BeyondTheBoundWritesAreRefusedWithADelay) {
  DriverOptions options;
  options.queued_writes_max = 10;
  Start(options);
  Waiter blocker;
  Block(&blocker);
  std::vector<Waiter> waiters(10);
  for (Waiter& waiter : waiters) driver_->Propose(Put("k"), 1, &waiter);
  Waiter refused;
  driver_->Propose(Put("k"), 1, &refused);
  EXPECT_EQ(refused.Await().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(RetryDelayMs(refused.Await().status()).has_value());
  storage_.SetOpen(true);
  for (Waiter& waiter : waiters) EXPECT_TRUE(waiter.Await().ok());
}

// A group that has written, and is not committed, must not be in the state of what is seen between groups.
TEST_F(DriverTest, BetweenGroupsTheStoreIsWhatTheStateSays) {
  Start();
  Waiter blocker;
  Block(&blocker);
  std::vector<Waiter> waiters(50);
  std::vector<std::pair<uint64_t, uint64_t>> seen;
  absl::Notification last;
  for (size_t i = 0; i < waiters.size(); ++i) {
    driver_->Propose(Put("k"), 1, &waiters[i]);
    driver_->PostBetweenGroups([&, i](Replica* replica) {
      const auto stored = storage_.Get(Space::kMeta, kStateKey);
      const uint64_t max_write = DecodeState(**stored)->max_write;
      seen.emplace_back(replica->state().max_write, max_write);
      if (i + 1 == waiters.size()) last.Notify();
    });
  }
  storage_.SetOpen(true);
  ASSERT_TRUE(last.WaitForNotificationWithTimeout(absl::Seconds(20)));
  for (Waiter& waiter : waiters) EXPECT_TRUE(waiter.Await().ok());
  EXPECT_EQ(seen.size(), waiters.size());
  for (const auto& [of_the_state, stored] : seen) EXPECT_EQ(of_the_state, stored);
}

TEST_F(DriverTest, WhatIsToRunBetweenGroupsGoesWithTheDriver) {
  Start();
  driver_->Stop();
  auto turn = std::make_shared<int>(0);
  driver_->PostBetweenGroups([turn](Replica*) {});
  EXPECT_EQ(turn.use_count(), 1);
}

TEST_F(DriverTest, AFailedCommitAcknowledgesNothingAndEndsTheNode) {
  Start();
  Waiter blocker;
  Block(&blocker);
  storage_.FailWith(absl::UnavailableError("no disk"));
  Waiter behind;
  driver_->Propose(Put("k"), 1, &behind);
  storage_.SetOpen(true);
  EXPECT_EQ(ErrorReason(blocker.Await().status()), "STORAGE_FAILED");
  EXPECT_FALSE(behind.Await().ok());
  EXPECT_TRUE(fatal_.WaitForNotificationWithTimeout(absl::Seconds(20)));
  Waiter later;
  driver_->Propose(Put("k"), 1, &later);
  EXPECT_FALSE(later.Await().ok());
}

TEST_F(DriverTest, AtIntervalsAFlushMakesTheHeadsDurable) {
  DriverOptions options;
  options.durability = Durability::kInterval;
  options.flush_interval_ms = 20;
  Start(options);
  Waiter write;
  driver_->Propose(Put("k"), 1, &write);
  ASSERT_TRUE(write.Await().ok());
  const Timestamp version = write.Await()->version;
  bool is_durable = false;
  for (const absl::Time deadline = absl::Now() + absl::Seconds(20); !is_durable && absl::Now() < deadline;) {
    absl::Notification looked;
    driver_->Post([&](Replica* replica) {
      is_durable = replica->durable_heads().Covers(version);
      looked.Notify();
    });
    looked.WaitForNotification();
  }
  EXPECT_TRUE(is_durable);
}

TEST_F(DriverTest, AFailedFlushEndsTheNode) {
  DriverOptions options;
  options.durability = Durability::kInterval;
  options.flush_interval_ms = 20;
  Start(options);
  storage_.FailNextCommits(absl::UnavailableError("no disk"));
  EXPECT_TRUE(fatal_.WaitForNotificationWithTimeout(absl::Seconds(20)));
  Waiter later;
  driver_->Propose(Put("k"), 1, &later);
  EXPECT_FALSE(later.Await().ok());
}

TEST_F(DriverTest, StopFinishesWhatIsQueuedAndRefusesTheRest) {
  Start();
  std::vector<Waiter> waiters(50);
  for (Waiter& waiter : waiters) driver_->Propose(Put("k"), 1, &waiter);
  driver_->Stop();
  for (Waiter& waiter : waiters) EXPECT_TRUE(waiter.Await().ok());
  Waiter late;
  driver_->Propose(Put("k"), 1, &late);
  EXPECT_EQ(ErrorReason(late.Await().status()), "SHUTTING_DOWN");
}

TEST_F(DriverTest, AnOrderlyEndGivesBackTheReservedCounters) {
  Start();
  driver_->Stop();
  const uint64_t last = replica_->clock()->now();
  ReplicaOptions options;
  options.node_id = "A";
  options.cluster = "test";
  absl::StatusOr<std::unique_ptr<Replica>> again = Replica::Open(options, &storage_);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->clock()->now(), last);
}

// A write that waits for the life to be decided, and is answered with the clock, as the services do.
class StampingWaiter : public Waiter {
 public:
  explicit StampingWaiter(LamportClock* clock) : clock_(clock) {}
  void Done(const absl::StatusOr<WriteResult>& result) override {
    stamp_ = clock_->Tick().value();
    Waiter::Done(result);
  }
  uint64_t stamp() const { return stamp_; }

 private:
  LamportClock* const clock_;
  uint64_t stamp_ = 0;
};

TEST_F(DriverTest, AnOrderlyEndAnswersThoseWhoWaitBeforeItGivesCountersBack) {
  ReplicaOptions options;
  options.node_id = "A";
  options.cluster = "test";
  options.boot_id = 1;
  options.peer_addresses = {"nobody"};
  options.life_wait_ms = 3600000;  // never decided here
  absl::StatusOr<std::unique_ptr<Replica>> replica = Replica::Open(options, &storage_);
  ASSERT_TRUE(replica.ok());
  driver_ = std::make_unique<Driver>(DriverOptions(), replica->get(), &storage_, &outbox_);
  ASSERT_TRUE(driver_->Start().ok());
  StampingWaiter waiter((*replica)->clock());
  driver_->Propose(Put("k"), 1, &waiter);
  driver_->Stop();
  EXPECT_EQ(ErrorReason(waiter.Await().status()), "SHUTTING_DOWN");
  driver_.reset();
  const absl::StatusOr<std::unique_ptr<Replica>> next = Replica::Open(options, &storage_);
  ASSERT_TRUE(next.ok());
  EXPECT_GE((*next)->state().clock_limit, waiter.stamp());
}

TEST_F(DriverTest, AReservationIsDurableBeforeItIsUsed) {
  Start();
  const uint64_t far = uint64_t{1} << 40;
  ASSERT_EQ(replica_->clock()->Observe(far), LamportClock::Observed::kNeedsReservation);
  absl::Notification reserved;
  driver_->ReserveThen(far, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    reserved.Notify();
  });
  ASSERT_TRUE(reserved.WaitForNotificationWithTimeout(absl::Seconds(20)));
  EXPECT_EQ(replica_->clock()->Observe(far), LamportClock::Observed::kOk);
  const absl::StatusOr<std::optional<std::string>> bytes = storage_.Get(Space::kMeta, kStateKey);
  ASSERT_TRUE(bytes.ok() && *bytes);
  EXPECT_GE(DecodeState(**bytes)->clock_limit, replica_->clock()->limit());
}

// A call that waits for counters hears something, whatever becomes of the driver.
TEST_F(DriverTest, AReservationThatCannotBeMadeIsRefused) {
  Start();
  const auto refused = [this](const std::function<void()>& then) {
    absl::Notification told;
    driver_->ReserveThen(1, [&](const absl::Status& status) {
      EXPECT_EQ(ErrorReason(status), "SHUTTING_DOWN");
      told.Notify();
    });
    then();
    EXPECT_TRUE(told.WaitForNotificationWithTimeout(absl::Seconds(20)));
  };
  Waiter blocker;
  Block(&blocker);
  storage_.FailWith(absl::UnavailableError("no disk"));
  refused([this] { storage_.SetOpen(true); });  // behind the commit that fails
  EXPECT_TRUE(fatal_.WaitForNotificationWithTimeout(absl::Seconds(20)));
  refused([] {});  // after it
  driver_->Stop();
  refused([] {});
}

TEST_F(DriverTest, AReservationGoesWithItsCommit) {
  Start();
  storage_.FailWith(absl::UnavailableError("no disk"));
  absl::Notification told;
  driver_->ReserveThen(uint64_t{1} << 40, [&](const absl::Status& status) {
    EXPECT_EQ(ErrorReason(status), "SHUTTING_DOWN");
    told.Notify();
  });
  EXPECT_TRUE(told.WaitForNotificationWithTimeout(absl::Seconds(20)));
}

}  // namespace
}  // namespace lamppost::kv
