#include "services/rpc/functions/worker_runnable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>

#include "services/rpc/functions/program_fixture.h"

namespace lamppost::rpc {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A worker that does what its params say.
constexpr char kWorker[] = R"(#!/usr/bin/python3
import json, os, signal, sys, time
served = 0
def say(**what): print(json.dumps(dict(what, request_id=call['request_id'])), flush=True)
for line in sys.stdin:
    call = json.loads(line)
    do = call['params'].get('do')
    served += 1
    if do == 'pid': say(result=os.getpid())
    elif do == 'served': say(result=served)
    elif do == 'id': say(result=call['request_id'])
    elif do == 'sleep':
        say(progress={'fraction': 0.5, 'message': 'half'})
        time.sleep(call['params']['s'])
        say(result='slept')
    elif do == 'fail': say(error={'reason': 'NO_MILK', 'message': 'none left'})
    elif do == 'exit': sys.stderr.write('going\n'); sys.exit(3)
    elif do == 'crash': os.kill(os.getpid(), signal.SIGSEGV)
    elif do == 'rubbish': print('Hello', flush=True)
    elif do == 'twice': sys.stdout.write('{"result": 1, "request_id": "%s"}\n' % call['request_id'] * 2); sys.stdout.flush()
    elif do == 'other': print('{"result": 1, "request_id": "00000000-0000-0000-0000-00000000ffff"}', flush=True)
    elif do == 'nothing': say()
    elif do == 'no id': print('{"result": 1}', flush=True)
    elif do == 'late':
        say(result='early')
        late = call['request_id']
        call = json.loads(sys.stdin.readline())
        print(json.dumps({'result': 'late', 'request_id': late}), flush=True)
        say(result='mine')
    elif do == 'large': say(result='x' * (2 << 20))
    elif do == 'deep': print('{"request_id": "%s", "result": ' % call['request_id'] + '[' * 35 + ']' * 35 + '}', flush=True)
    elif do == 'close': os.close(1); time.sleep(1000)
    elif do == 'answer and close': say(result=os.getpid()); os.close(1); time.sleep(1000)
    elif do == 'env': say(result=sorted(os.environ))
)";

class WorkerRunnableTest : public ProgramTest {
 protected:
  std::shared_ptr<Function> MakeWorker(WorkerOptions options = {}, const std::string& script = kWorker) {
    auto function = std::make_shared<Function>();
    function->runnable = std::make_shared<WorkerRunnable>(host_, Program(script), options);
    return function;
  }

  static Json Do(const std::string& what) { return {{"do", what}}; }
  size_t Workers() { return ChildrenOf(launcher_.pid()).size(); }
};

FunctionError ErrorOf(const RunResult& result) {
  const auto* error = std::get_if<FunctionError>(&result);
  return error == nullptr ? FunctionError() : *error;
}

TEST_F(WorkerRunnableTest, OneProcessAnswersManyCalls) {
  const auto function = MakeWorker();
  EXPECT_EQ(Workers(), 0u);
  const std::string pid = TextOf(runs_.Call(*function, Do("pid")));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(TextOf(runs_.Call(*function, Do("pid"))), pid);
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "102");
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("id"))), "\"00000000-0000-0000-0000-000000000067\"");
  EXPECT_EQ(Workers(), 1u);
}

TEST_F(WorkerRunnableTest, ThereAreAsManyAsAreNeededAndAllowed) {
  WorkerOptions options;
  options.workers_max = 3;
  const auto function = MakeWorker(options);
  std::vector<RunId> started;
  for (int i = 0; i < 9; ++i) started.push_back(runs_.Start(*function, {{"do", "sleep"}, {"s", 0.05}}));
  for (const RunId run : started) EXPECT_EQ(TextOf(runs_.Wait(run)), "\"slept\"");
  EXPECT_EQ(Workers(), 3u);
}

TEST_F(WorkerRunnableTest, ProgressAndFailuresOfItsOwnComeThrough) {
  const auto function = MakeWorker();
  const RunId run = runs_.Start(*function, {{"do", "sleep"}, {"s", 0}});
  runs_.Wait(run);
  ASSERT_EQ(runs_.ProgressOf(run).size(), 1u);
  EXPECT_EQ(runs_.ProgressOf(run)[0].fraction, 0.5);
  EXPECT_EQ(runs_.ProgressOf(run)[0].message, "half");
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("fail"))), "NO_MILK: none left");
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "3");
}

TEST_F(WorkerRunnableTest, AWorkerThatDiesFailsItsCallAndIsReplaced) {
  const auto function = MakeWorker();
  const FunctionError exited = ErrorOf(runs_.Call(*function, Do("exit")));
  EXPECT_EQ(exited.reason, "WORKER_FAILED");
  EXPECT_EQ(exited.message, "the worker ended in the middle of the call: it ended with exit code 3");
  EXPECT_EQ(exited.exit_code, 3);
  EXPECT_EQ(exited.error_output, "going\n");
  EXPECT_EQ(ErrorOf(runs_.Call(*function, Do("crash"))).signal, SIGSEGV);
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "1");
}

TEST_F(WorkerRunnableTest, AWorkerThatIsOutOfStepIsReplaced) {
  const auto function = MakeWorker();
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("rubbish"))),
            "WORKER_FAILED: it wrote a line that is no JSON object; it begins with: Hello");
  EXPECT_THAT(TextOf(runs_.Call(*function, Do("nothing"))), HasSubstr("without \"result\""));
  EXPECT_THAT(TextOf(runs_.Call(*function, Do("other"))), HasSubstr("with another request id"));
  EXPECT_EQ(ReasonOf(runs_.Call(*function, Do("large"))), "RESULT_TOO_LARGE");
  EXPECT_EQ(ReasonOf(runs_.Call(*function, Do("deep"))), "RESULT_TOO_DEEP");
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("no id"))),
            "WORKER_FAILED: it wrote an answer without a request id");
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "1");
}

TEST_F(WorkerRunnableTest, OneThatClosesItsOutputIsReplaced) {
  const auto function = MakeWorker();
  const FunctionError error = ErrorOf(runs_.Call(*function, Do("close")));
  EXPECT_EQ(error.reason, "WORKER_FAILED");
  EXPECT_EQ(error.message, "it closed its standard output in the middle of the call");
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "1");
  // The same while it has no call.
  EXPECT_NE(TextOf(runs_.Call(*function, Do("answer and close"))), "");
  EXPECT_TRUE(Eventually([&] { return Workers() == 0; }));
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "1");
}

TEST_F(WorkerRunnableTest, AnAnswerTooManyIsNotTheNextCalls) {
  WorkerOptions options;
  options.workers_max = 1;
  const auto function = MakeWorker(options);
  const RunId first = runs_.Start(*function, Do("twice"));
  const RunId second = runs_.Start(*function, Do("pid"));
  EXPECT_EQ(TextOf(runs_.Wait(first)), "1");
  EXPECT_NE(TextOf(runs_.Wait(second)), "2");
}

TEST_F(WorkerRunnableTest, ALateAnswerIsNotTheNextCalls) {
  WorkerOptions options;
  options.workers_max = 1;
  const auto function = MakeWorker(options);
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("late"))), "\"early\"");
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("pid"))),
            "WORKER_FAILED: it wrote an answer with another request id than that of its call");
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "1");
}

TEST_F(WorkerRunnableTest, ToEndARunItsWorkerIsKilled) {
  WorkerOptions options;
  options.workers_max = 1;
  const auto function = MakeWorker(options);
  const RunId running = runs_.Start(*function, {{"do", "sleep"}, {"s", 1000}});
  runs_.WaitForProgress(running);
  const RunId waiting = runs_.Start(*function, Do("served"));
  const RunId killed_waiting = runs_.Start(*function, Do("served"));
  function->runnable->Kill(killed_waiting);
  EXPECT_EQ(ReasonOf(runs_.Wait(killed_waiting)), kKilled);
  function->runnable->Kill(running);
  EXPECT_EQ(ReasonOf(runs_.Wait(running)), kKilled);
  EXPECT_EQ(TextOf(runs_.Wait(waiting)), "1");
}

TEST_F(WorkerRunnableTest, OneThatDiesAtOnceAgainAndAgainIsNotStartedAllTheTime) {
  WorkerOptions options;
  options.back_off_ms = 50;
  const auto function = MakeWorker(options, "#!/bin/sh\necho x >> starts\nexit 1\n");
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ReasonOf(runs_.Call(*function, {})), "WORKER_FAILED");
  // 50, 100, 200, 400 ms lie between them.
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(740));
  std::ifstream starts(directory_ + "/starts");
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(starts), {}, '\n'), 5);
  // Mended, it works at once again.
  WriteScript(directory_ + "/program", kWorker);
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "1");
}

TEST_F(WorkerRunnableTest, OneThatCannotBeStartedSaysWhy) {
  const auto function = MakeWorker();
  unlink((directory_ + "/program").c_str());
  EXPECT_THAT(TextOf(runs_.Call(*function, Do("pid"))), StartsWith("NOT_EXECUTABLE: cannot run "));
}

TEST_F(WorkerRunnableTest, IdleOnesEndAndAreStartedAgain) {
  WorkerOptions options;
  options.idle_ms = 50;
  const auto function = MakeWorker(options);
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "1");
  EXPECT_TRUE(Eventually([&] { return Workers() == 0; }));
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "1");
}

TEST_F(WorkerRunnableTest, OneThatDoesNotEndWhenItsInputDoesIsKilled) {
  WorkerOptions options;
  options.idle_ms = 10;
  options.end_grace_ms = 50;
  const auto function = MakeWorker(options,
                                   "#!/bin/sh\ntrap '' TERM\nread line\n"
                                   "echo \"$line\" | sed 's/\"params\"/\"result\"/'\n"
                                   "while :; do sleep 1000; done\n");
  EXPECT_EQ(TextOf(runs_.Call(*function, {{"n", 1}})), R"({"n":1})");
  EXPECT_TRUE(Eventually([&] { return Workers() == 0; }));
}

TEST_F(WorkerRunnableTest, WithoutTheFunctionTheWorkersEnd) {
  auto function = MakeWorker();
  EXPECT_EQ(TextOf(runs_.Call(*function, Do("served"))), "1");
  // It is let finish what it does.
  const RunId run = runs_.Start(*function, {{"do", "sleep"}, {"s", 0.2}});
  runs_.WaitForProgress(run);
  function.reset();
  EXPECT_EQ(TextOf(runs_.Wait(run)), "\"slept\"");
  EXPECT_TRUE(Eventually([&] { return Workers() == 0; }));
}

TEST_F(WorkerRunnableTest, StopKillsCallsThatRunAndThatWait) {
  WorkerOptions options;
  options.workers_max = 1;
  const auto function = MakeWorker(options);
  const auto broken = MakeWorker({}, "#!/bin/sh\nexit 1\n");
  WriteScript(directory_ + "/program", kWorker);
  const RunId running = runs_.Start(*function, {{"do", "sleep"}, {"s", 1000}});
  const RunId waiting = runs_.Start(*function, Do("served"));
  runs_.WaitForProgress(running);
  host_->Stop();
  EXPECT_EQ(ReasonOf(runs_.Wait(running)), kKilled);
  EXPECT_EQ(ReasonOf(runs_.Wait(waiting)), kKilled);
  EXPECT_EQ(ReasonOf(runs_.Call(*function, Do("served"))), kKilled);
}

TEST_F(WorkerRunnableTest, WithoutTheLauncherNoCallIsSaidToHaveEnded) {
  WorkerOptions options;
  options.workers_max = 1;
  auto function = MakeWorker(options);
  const RunId running = runs_.Start(*function, {{"do", "sleep"}, {"s", 1000}});
  const RunId waiting = runs_.Start(*function, Do("served"));
  runs_.WaitForProgress(running);
  launcher_is_killed_ = true;
  kill(launcher_.pid(), SIGKILL);
  ASSERT_TRUE(launcher_gone_.WaitForNotificationWithTimeout(RunCollector::kDeadline));
  const RunId later = runs_.Start(*function, Do("served"));
  function.reset();
  host_->Stop();
  for (const RunId run : {running, waiting, later}) EXPECT_FALSE(runs_.HasEnded(run)) << run;
}

TEST_F(WorkerRunnableTest, StopDoesNotWaitForTheBackOff) {
  WorkerOptions options;
  options.back_off_ms = 3'600'000;
  options.back_off_max_ms = 3'600'000;
  const auto function = MakeWorker(options, "#!/bin/sh\nexit 1\n");
  EXPECT_EQ(ReasonOf(runs_.Call(*function, {})), "WORKER_FAILED");
  const RunId waiting = runs_.Start(*function, {});
  host_->Stop();
  EXPECT_EQ(ReasonOf(runs_.Wait(waiting)), kKilled);
}

}  // namespace
}  // namespace lamppost::rpc
