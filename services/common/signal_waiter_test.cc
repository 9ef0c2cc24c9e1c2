#include "services/common/signal_waiter.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace lamppost {
namespace {

// Each body runs in a process of its own: it changes what signals do.
class SignalWaiterTest : public testing::Test {
 protected:
  SignalWaiterTest() { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

[[noreturn]] void EndAtFirst(int signal_number) {
  SignalWaiter signals;
  std::thread other([] { pause(); });  // a thread started later must not get the signal
  other.detach();
  kill(getpid(), signal_number);
  _exit(signals.Wait() == SignalWaiter::Woken::kBySignal ? 7 : 8);
}

[[noreturn]] void EndAtSecond() {
  SignalWaiter signals;
  kill(getpid(), SIGTERM);
  if (signals.Wait() != SignalWaiter::Woken::kBySignal) _exit(8);
  kill(getpid(), SIGINT);
  pause();
  _exit(9);
}

[[noreturn]] void OutliveTheSecond() {
  SignalWaiter signals(SignalWaiter::Second::kWaits);
  kill(getpid(), SIGTERM);
  if (signals.Wait() != SignalWaiter::Woken::kBySignal) _exit(8);
  kill(getpid(), SIGINT);
  std::thread other([] { kill(getpid(), SIGTERM); });
  other.join();
  _exit(7);
}

[[noreturn]] void EndByWake() {
  SignalWaiter signals;
  std::thread waker([&] { signals.Wake(); });
  const auto woken = signals.Wait();
  waker.join();
  _exit(woken == SignalWaiter::Woken::kByProgram ? 7 : 8);
}

[[noreturn]] void EndBySignalDespiteAnEarlierWake() {
  SignalWaiter signals;
  signals.Wake();
  kill(getpid(), SIGTERM);
  _exit(signals.Wait() == SignalWaiter::Woken::kBySignal ? 7 : 8);
}

[[noreturn]] void EndAfterWakesAndASignal() {
  SignalWaiter signals;
  for (int i = 0; i < 2; ++i) {
    signals.Wake();
    if (signals.WaitOrWake() != SignalWaiter::Woken::kByProgram) _exit(8);
  }
  kill(getpid(), SIGTERM);  // would end the process if it were not waited for any more
  _exit(signals.WaitOrWake() == SignalWaiter::Woken::kBySignal ? 7 : 9);
}

TEST_F(SignalWaiterTest, ASecondSignalWaitsIfItIsTo) {
  EXPECT_EXIT(OutliveTheSecond(), testing::ExitedWithCode(7), "");
}

TEST_F(SignalWaiterTest, AProgramThatWakesItselfCanGoOnWaiting) {
  EXPECT_EXIT(EndAfterWakesAndASignal(), testing::ExitedWithCode(7), "");
}

TEST_F(SignalWaiterTest, TheFirstSignalIsReported) {
  EXPECT_EXIT(EndAtFirst(SIGTERM), testing::ExitedWithCode(7), "");
  EXPECT_EXIT(EndAtFirst(SIGINT), testing::ExitedWithCode(7), "");
}

TEST_F(SignalWaiterTest, TheSecondSignalEndsAtOnce) {
  EXPECT_EXIT(EndAtSecond(), testing::KilledBySignal(SIGINT), "");
}

TEST_F(SignalWaiterTest, TheProgramCanWakeItself) {
  EXPECT_EXIT(EndByWake(), testing::ExitedWithCode(7), "");
  EXPECT_EXIT(EndBySignalDespiteAnEarlierWake(), testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace lamppost
