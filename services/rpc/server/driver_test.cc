#include "services/rpc/server/driver.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "services/common/error.h"
#include "services/rpc/server/testing/fake_functions.h"
#include "services/rpc/server/testing/gated_store.h"

namespace lamppost::rpc {
namespace {

using testing::FakeFunctions;
using testing::GatedStore;
using testing::kPatience;
using testing::TestId;

class Waiter : public CallWaiter {
 public:
  void Progressed(const Progress& progress) override {
    absl::MutexLock lock(&mutex_);
    progress_.push_back(progress.message);
  }
  void Done(const absl::StatusOr<CallReply>& reply) override {
    reply_ = reply;
    done_.Notify();  // a second time would abort
  }

  const absl::StatusOr<CallReply>& Await() {
    EXPECT_TRUE(done_.WaitForNotificationWithTimeout(kPatience));
    return reply_;
  }
  bool IsDone() const { return done_.HasBeenNotified(); }
  // The last one, once there is any.
  std::string AwaitProgress() {
    const auto any = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !progress_.empty(); };
    absl::MutexLock lock(&mutex_);
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&any), kPatience));
    return progress_.back();
  }

 private:
  absl::Notification done_;
  absl::StatusOr<CallReply> reply_ = absl::UnknownError("not yet");
  absl::Mutex mutex_;
  std::vector<std::string> progress_ ABSL_GUARDED_BY(mutex_);
};

class DriverTest : public ::testing::Test {
 protected:
  void Start(DriverOptions options = {}) {
    options.engine.origin = {"A", 1};
    options.on_run_started = [this](const RequestId& id) {
      absl::MutexLock lock(&mutex_);
      started_.push_back(id);
    };
    options.on_store_state = [this](StoreState state) {
      absl::MutexLock lock(&mutex_);
      store_state_ = state;
    };
    options.on_fatal_error = [this](const absl::Status&) { fatal_.Notify(); };
    driver_ = std::make_unique<Driver>(options, &store_, functions_.registry);
    ASSERT_TRUE(driver_->Start().ok());
  }

  struct Caller {
    CallerId id = 0;
    std::shared_ptr<Waiter> waiter = std::make_shared<Waiter>();
    absl::Status refusal;
  };
  Caller Call(const RequestId& id, const std::string& method, CallTerms terms = {}) {
    Caller caller;
    caller.id = driver_->NextCaller();
    CallInput input;
    input.id = id;
    input.method = method;
    input.params = Json{{"number", 7}};
    caller.refusal = driver_->Call(caller.id, std::move(input), terms, caller.waiter);
    return caller;
  }
  // Returns once the driver has dealt with everything that came before.
  void Settle() {
    absl::Notification done;
    driver_->Post([&](Engine*) { done.Notify(); });
    ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  }
  bool AwaitStoreState(StoreState state) {
    const auto is = [this, state]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return store_state_ == state; };
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&is), kPatience);
  }

  FakeFunctions functions_;
  GatedStore store_;
  absl::Notification fatal_;
  absl::Mutex mutex_;
  std::vector<RequestId> started_ ABSL_GUARDED_BY(mutex_);
  StoreState store_state_ ABSL_GUARDED_BY(mutex_) = StoreState::kAvailable;
  std::unique_ptr<Driver> driver_;
};

TEST_F(DriverTest, ACallRunsAndItsOutcomeIsReplayed) {
  Start();
  const Caller first = Call(TestId(1), "echo");
  ASSERT_TRUE(first.waiter->Await().ok()) << first.waiter->Await().status();
  EXPECT_EQ(first.waiter->Await()->outcome.result, R"({"number":7})");
  EXPECT_EQ(first.waiter->Await()->replay, Replay::kFirst);
  EXPECT_EQ(first.waiter->Await()->outcome.started.origin.node_id, "A");
  const Caller again = Call(TestId(1), "echo");
  ASSERT_TRUE(again.waiter->Await().ok());
  EXPECT_EQ(again.waiter->Await()->replay, Replay::kReplayed);
  EXPECT_EQ(again.waiter->Await()->outcome, first.waiter->Await()->outcome);
  absl::MutexLock lock(&mutex_);
  EXPECT_EQ(started_, std::vector<RequestId>{TestId(1)});
}

TEST_F(DriverTest, NothingRunsBeforeItIsRecordedNorIsAnsweredBeforeItsOutcomeIs) {
  Start();
  store_.Hold();
  const Caller caller = Call(TestId(1), "held");
  Settle();
  EXPECT_EQ(functions_.held->starts(), 0);
  store_.Release();
  const auto run = functions_.held->Next();
  store_.Hold();
  run.Finish({{"done", true}});
  Settle();
  Settle();
  EXPECT_FALSE(caller.waiter->IsDone());
  store_.Release();
  EXPECT_TRUE(caller.waiter->Await().ok());
}

TEST_F(DriverTest, ProgressReachesAllWhoWait) {
  Start();
  const Caller first = Call(TestId(1), "held");
  const auto run = functions_.held->Next();
  const Caller second = Call(TestId(1), "held");
  Settle();
  run.Progress(0.5, "half");
  EXPECT_EQ(first.waiter->AwaitProgress(), "half");
  EXPECT_EQ(second.waiter->AwaitProgress(), "half");
  run.Finish(1);
  EXPECT_EQ(first.waiter->Await()->outcome.result, "1");
  EXPECT_EQ(second.waiter->Await()->outcome.result, "1");
  EXPECT_EQ(functions_.held->starts(), 1);
}

TEST_F(DriverTest, WhoeverLeavesIsToldAndTheRunGoesOn) {
  Start();
  const Caller caller = Call(TestId(1), "held");
  const auto run = functions_.held->Next();
  driver_->Leave(caller.id);
  EXPECT_TRUE(absl::IsCancelled(caller.waiter->Await().status()));
  driver_->Leave(caller.id);  // nothing happens
  run.Finish(2);
  EXPECT_EQ(Call(TestId(1), "held").waiter->Await()->outcome.result, "2");
}

TEST_F(DriverTest, AnAbandonedRunIsKilledIfItMayBe) {
  Start();
  const Caller caller = Call(TestId(1), "killable");
  functions_.held->Next();
  driver_->Leave(caller.id);
  EXPECT_TRUE(functions_.held->AwaitKill());
}

TEST_F(DriverTest, ACallWhoseDeadlinePassesInTheQueueIsNotBegun) {
  Start();
  CallTerms terms;
  terms.deadline = absl::Now() - absl::Milliseconds(1);
  const Caller caller = Call(TestId(1), "echo", terms);
  EXPECT_EQ(ErrorReason(caller.waiter->Await().status()), "DEADLINE_PASSED");
  EXPECT_EQ(store_.created(), 0);
}

TEST_F(DriverTest, MoreThanItsBoundIsRefused) {
  DriverOptions options;
  options.queued_calls_max = 2;
  options.queued_bytes_max = 100;
  Start(options);
  absl::Notification blocked;
  absl::Notification release;
  driver_->Post([&](Engine*) {
    blocked.Notify();
    release.WaitForNotification();
  });
  ASSERT_TRUE(blocked.WaitForNotificationWithTimeout(kPatience));
  CallTerms large;
  large.bytes = 101;
  EXPECT_EQ(ErrorReason(Call(TestId(1), "echo", large).refusal), "OVERLOADED");
  const Caller second = Call(TestId(2), "echo");
  const Caller third = Call(TestId(3), "echo");
  const absl::Status refusal = Call(TestId(4), "echo").refusal;
  EXPECT_EQ(ErrorReason(refusal), "OVERLOADED");
  EXPECT_TRUE(RetryDelayMs(refusal).has_value());
  EXPECT_EQ(ErrorReason(driver_->Ask([](Engine*) { FAIL(); })), "OVERLOADED");
  release.Notify();
  EXPECT_TRUE(second.waiter->Await().ok());
  EXPECT_TRUE(third.waiter->Await().ok());
}

TEST_F(DriverTest, LooksAtWhatIsKnown) {
  Start();
  const auto look = [this](const RequestId& id) {
    absl::Notification done;
    absl::StatusOr<CallInfo> info;
    driver_->Look(id, [&](const absl::StatusOr<CallInfo>& found) {
      info = found;
      done.Notify();
    });
    EXPECT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
    return info;
  };
  EXPECT_EQ(ErrorReason(look(TestId(1)).status()), "REQUEST_ID_UNKNOWN");
  const Caller caller = Call(TestId(1), "held");
  const auto run = functions_.held->Next();
  EXPECT_EQ(look(TestId(1))->state, CallInfo::State::kRunning);
  run.Finish(3);
  ASSERT_TRUE(caller.waiter->Await().ok());
  EXPECT_EQ(look(TestId(1))->outcome->result, "3");
}

TEST_F(DriverTest, AStoreThatFailsForGoodEndsEverything) {
  Start();
  const Caller running = Call(TestId(1), "held");
  const auto run = functions_.held->Next();
  store_.FailWith(absl::InternalError("disk gone"));
  run.Finish(1);
  EXPECT_EQ(ErrorReason(running.waiter->Await().status()), "STORAGE_FAILED");
  EXPECT_TRUE(absl::IsUnavailable(running.waiter->Await().status()));
  ASSERT_TRUE(fatal_.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(ErrorReason(Call(TestId(2), "echo").refusal), "SHUTTING_DOWN");
  EXPECT_TRUE(driver_->AwaitIdle(kPatience));
}

TEST_F(DriverTest, OnceAbandonedNothingIsRecorded) {
  Start();
  const Caller running = Call(TestId(1), "held");
  const auto run = functions_.held->Next();
  driver_->Abandon(absl::InternalError("no hands"));
  driver_->Abandon(absl::InternalError("again"));
  run.Finish(1);
  EXPECT_EQ(ErrorReason(running.waiter->Await().status()), "STORAGE_FAILED");
  ASSERT_TRUE(fatal_.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(ErrorReason(Call(TestId(2), "echo").refusal), "SHUTTING_DOWN");
  EXPECT_TRUE(driver_->AwaitIdle(kPatience));
}

TEST_F(DriverTest, AStoreThatIsAwayAndComesBackIsNoticed) {
  Start();
  store_.FailWith(absl::UnavailableError("away"));
  EXPECT_TRUE(AwaitStoreState(StoreState::kUnavailable));
  EXPECT_EQ(ErrorReason(Call(TestId(1), "echo").waiter->Await().status()), "REQUEST_STORE_UNAVAILABLE");
  store_.FailWith(absl::OkStatus());
  EXPECT_TRUE(AwaitStoreState(StoreState::kAvailable));
  EXPECT_TRUE(Call(TestId(1), "echo").waiter->Await().ok());
}

TEST_F(DriverTest, AStoreThatIsSilentIsNoticed) {
  Start();
  store_.Hold();
  EXPECT_TRUE(AwaitStoreState(StoreState::kUnavailable));
  store_.Release();
  EXPECT_TRUE(AwaitStoreState(StoreState::kAvailable));
}

TEST_F(DriverTest, DrainingRefusesNewCallsAndGivesRunsTheirTime) {
  Start();
  const Caller caller = Call(TestId(1), "held");
  const auto run = functions_.held->Next();
  driver_->Drain(600'000);
  EXPECT_EQ(ErrorReason(Call(TestId(2), "echo").waiter->Await().status()), "SHUTTING_DOWN");
  EXPECT_FALSE(driver_->AwaitIdle(absl::Milliseconds(1)));
  run.Finish(1);
  EXPECT_TRUE(caller.waiter->Await().ok());
  EXPECT_TRUE(driver_->AwaitIdle(kPatience));
}

TEST_F(DriverTest, WhatRunsLongerThanTheDrainIsKilledAndItsOutcomeUnknown) {
  Start();
  const Caller once = Call(TestId(1), "held");
  functions_.held->Next();
  const Caller again = Call(TestId(2), "again");
  functions_.held->Next();
  driver_->Drain(0);
  ASSERT_TRUE(once.waiter->Await().ok());
  EXPECT_EQ(once.waiter->Await()->outcome.kind, Outcome::Kind::kUnknown);
  EXPECT_EQ(once.waiter->Await()->outcome.error.reason, "SHUT_DOWN");
  EXPECT_EQ(ErrorReason(again.waiter->Await().status()), "RUN_INTERRUPTED");
  EXPECT_TRUE(driver_->AwaitIdle(kPatience));
}

TEST_F(DriverTest, WhoStillWaitsAtTheEndIsToldThatNobodyKnows) {
  Start();
  const Caller caller = Call(TestId(1), "held");
  const auto run = functions_.held->Next();
  driver_->Stop();
  EXPECT_EQ(ErrorReason(caller.waiter->Await().status()), "STORAGE_FAILED");
  EXPECT_EQ(ErrorReason(Call(TestId(2), "echo").refusal), "SHUTTING_DOWN");
  run.Finish(1);  // nobody listens
  bool told = false;
  driver_->Post([&](Engine* engine) { told = engine == nullptr; });
  EXPECT_TRUE(told);
}

TEST_F(DriverTest, CountersFarAheadAreReservedOnDemand) {
  Start();
  const uint64_t counter = driver_->clock()->limit() + 10 * LamportClock::kBlock;
  ASSERT_EQ(driver_->clock()->Observe(counter), LamportClock::Observed::kNeedsReservation);
  absl::Notification done;
  driver_->ReserveThen(counter, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(driver_->clock()->Observe(counter), LamportClock::Observed::kOk);
  EXPECT_GE(store_.Snapshot().clock_limit(), counter);
}

TEST_F(DriverTest, AReservationThatCannotBeMadeIsGivenUp) {
  DriverOptions options;
  options.reservation_wait_ms = 20;
  Start(options);
  store_.Hold();
  absl::Notification done;
  driver_->ReserveThen(uint64_t{1} << 40, [&](const absl::Status& status) {
    EXPECT_EQ(ErrorReason(status), "REQUEST_STORE_UNAVAILABLE");
    done.Notify();
  });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  store_.Release();
}

TEST_F(DriverTest, NotAnyNumberOfCallsWaitForCounters) {
  DriverOptions options;
  options.reservations_max = 0;
  Start(options);
  absl::Notification done;
  driver_->ReserveThen(uint64_t{1} << 40, [&](const absl::Status& status) {
    EXPECT_EQ(ErrorReason(status), "OVERLOADED");
    done.Notify();
  });
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
}

TEST(DriverStartTest, WaitsForTheClockNotForEver) {
  GatedStore store;
  store.Hold();
  DriverOptions options;
  options.clock_wait_ms = 20;
  Driver driver(options, &store, FakeFunctions().registry);
  EXPECT_EQ(ErrorReason(driver.Start()), "REQUEST_STORE_UNAVAILABLE");
}

TEST(DriverStartTest, AStoreThatCannotBeHadLeavesNothingToWaitFor) {
  class NoStore : public GatedStore {
   public:
    absl::Status Start(AnswerFn) override { return absl::NotFoundError("no disk"); }
  };
  NoStore store;
  Driver driver({}, &store, FakeFunctions().registry);
  EXPECT_EQ(driver.Start().message(), "no disk");
  driver.Drain(60'000);
  EXPECT_TRUE(driver.AwaitIdle(absl::ZeroDuration()));
}

}  // namespace
}  // namespace lamppost::rpc
