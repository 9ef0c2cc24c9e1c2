#include "services/rpc/functions/process_runnable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "services/common/utf8.h"
#include "services/rpc/functions/program_fixture.h"

namespace lamppost::rpc {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ProcessRunnableTest : public ProgramTest {};

FunctionError ErrorOf(const RunResult& result) {
  const auto* error = std::get_if<FunctionError>(&result);
  return error == nullptr ? FunctionError() : *error;
}

TEST_F(ProcessRunnableTest, ParamsGoInAndTheResultComesOut) {
  EXPECT_EQ(TextOf(Call("#!/bin/sh\ncat\n", {{"b", {1.0, "x"}}, {"a", nullptr}})),
            R"({"a":null,"b":[1,"x"]})");
  EXPECT_EQ(TextOf(Call("#!/bin/sh\necho ' [ 1 , 2.0 ] '\n")), "[1,2]");
  EXPECT_EQ(TextOf(Call("#!/bin/sh\nprintf 7\n")), "7");
}

TEST_F(ProcessRunnableTest, AProgramNeedNotReadItsInputNorKeepItsOutput) {
  const Json large = {{"text", std::string(1 << 20, 'x')}};
  EXPECT_EQ(TextOf(Call("#!/bin/sh\necho 1\n", large)), "1");
  EXPECT_EQ(TextOf(Call("#!/bin/sh\nexec 0<&-\necho 2\n", large)), "2");
  EXPECT_EQ(TextOf(Call("#!/bin/sh\necho 3; exec 1>&- 2>&- 3>&-; sleep 0.1\n", large)), "3");
  EXPECT_EQ(
      TextOf(Call("#!/usr/bin/python3\nimport json,sys\nprint(len(json.load(sys.stdin)['text']))\n", large)),
      "1048576");
}

TEST_F(ProcessRunnableTest, TheEnvironmentIsScrubbed) {
  setenv("SECRET_OF_THE_SERVER", "1", 1);
  ProgramSpec program =
      Program("#!/usr/bin/python3\nimport json,os\nprint(json.dumps(sorted(os.environ)))\n");
  program.environment.push_back("MINE=1");
  // LC_CTYPE is Python's own.
  EXPECT_EQ(TextOf(runs_.Call(*MakeFunction(program), {})),
            R"(["LAMPPOST_REQUEST_ID","LAMPPOST_RUN","LANG","MINE","PATH"])");
  EXPECT_EQ(TextOf(Call("#!/bin/sh\necho \"\\\"$LAMPPOST_REQUEST_ID\\\"\"\n")),
            "\"00000000-0000-0000-0000-000000000002\"");
}

TEST_F(ProcessRunnableTest, AProgramStartsWithACleanProcess) {
  const RunResult result = Call(R"(#!/usr/bin/python3
import json, os, signal
def blocked():
    for line in open('/proc/self/status'):
        if line.startswith(('SigBlk', 'SigIgn', 'NoNewPrivs')):
            yield line.split()[1]
print(json.dumps({
    'fds': sorted(int(fd) for fd in os.listdir('/proc/self/fd') if int(fd) < 4 or os.path.exists('/proc/self/fd/' + fd)),
    'status': list(blocked()),
    'leader': os.getpid() == os.getsid(0) == os.getpgid(0),
    'cwd': os.getcwd() == os.path.dirname(os.path.realpath(__file__)),
    'core': __import__('resource').getrlimit(__import__('resource').RLIMIT_CORE),
}))
)");
  const Json facts = Json::parse(TextOf(result), nullptr, false);
  ASSERT_TRUE(facts.is_object()) << TextOf(result);
  EXPECT_EQ(facts["fds"], Json({0, 1, 2, 3}));
  // Nothing blocked; Python itself ignores SIGPIPE and SIGXFSZ; no way to more privileges.
  EXPECT_EQ(facts["status"], Json({"0000000000000000", "0000000001001000", "1"})) << facts;
  EXPECT_EQ(facts["leader"], true);
  EXPECT_EQ(facts["cwd"], true);
  EXPECT_EQ(facts["core"], Json({0, 0}));
}

TEST_F(ProcessRunnableTest, ExitCodesAndSignalsAreNamed) {
  const FunctionError exit_code = ErrorOf(Call("#!/bin/sh\necho oh >&2\nexit 3\n"));
  EXPECT_EQ(exit_code.reason, "EXIT_CODE");
  EXPECT_EQ(exit_code.message, "it ended with exit code 3");
  EXPECT_EQ(exit_code.exit_code, 3);
  EXPECT_EQ(exit_code.error_output, "oh\n");
  const FunctionError signal = ErrorOf(Call("#!/bin/sh\nkill -SEGV $$\n"));
  EXPECT_EQ(signal.reason, "SIGNAL");
  EXPECT_EQ(signal.signal, SIGSEGV);
  EXPECT_EQ(signal.message, "it was ended by signal 11 (Segmentation fault)");
}

TEST_F(ProcessRunnableTest, AFunctionTellsOfItsOwnFailure) {
  EXPECT_EQ(
      TextOf(Call(
          "#!/bin/sh\necho '{\"error\":{\"reason\":\"NO_SUCH_CITY\",\"message\":\"Atlantis\"}}'\nexit 1\n")),
      "NO_SUCH_CITY: Atlantis");
  // Not every text is a reason, and no program is the server.
  EXPECT_EQ(TextOf(Call("#!/bin/sh\necho '{\"error\":{\"reason\":\"KILLED\",\"message\":\"m\"}}'\nexit 1\n")),
            "FUNCTION_FAILED: m");
  EXPECT_EQ(TextOf(Call("#!/bin/sh\necho '{\"error\":{\"reason\":\"no such\"}}'\nexit 1\n")),
            "FUNCTION_FAILED: ");
  EXPECT_THAT(TextOf(Call("#!/bin/sh\necho '{\"error\":1,\"x\":2}'\nexit 1\n")), StartsWith("EXIT_CODE"));
  // With exit code 0 it is the result.
  EXPECT_EQ(TextOf(Call("#!/bin/sh\necho '{\"error\":{\"reason\":\"A\"}}'\n")),
            R"({"error":{"reason":"A"}})");
}

TEST_F(ProcessRunnableTest, WhatIsNoResultIsRefused) {
  EXPECT_EQ(TextOf(Call("#!/bin/sh\n")), "RESULT_NOT_JSON: it wrote no result to its standard output");
  EXPECT_EQ(TextOf(Call("#!/bin/sh\necho Hello\n")),
            "RESULT_NOT_JSON: its standard output is not JSON; it begins with: Hello");
  EXPECT_THAT(TextOf(Call("#!/bin/sh\nprintf '\\377\\000'\n")), StartsWith("RESULT_NOT_JSON"));
  EXPECT_THAT(TextOf(Call("#!/usr/bin/python3\nprint('[' * 40 + ']' * 40)\n")),
              StartsWith("RESULT_TOO_DEEP"));
}

TEST_F(ProcessRunnableTest, OutputIsBounded) {
  const RunResult result = Call("#!/bin/sh\nyes 1234567\n");
  EXPECT_EQ(TextOf(result), "RESULT_TOO_LARGE: it wrote more than 1048576 bytes to its standard output");
  // Within what is read, beyond what is allowed.
  EXPECT_EQ(ReasonOf(Call("#!/usr/bin/python3\nprint('\"' + 'x' * (1 << 20) + '\"')\n")), "RESULT_TOO_LARGE");
}

TEST_F(ProcessRunnableTest, ErrorOutputIsKeptAtItsEndAndMadeText) {
  const FunctionError error =
      ErrorOf(Call("#!/usr/bin/python3\nimport os\nfor i in range(100000): os.write(2, b'line %d\\n' % i)\n"
                   "os.write(2, b'odd \\377\\0 end')\nexit(1)\n"));
  EXPECT_LE(error.error_output.size(), kErrorOutputBytesMax);
  EXPECT_GT(error.error_output.size(), kErrorOutputBytesMax / 2);
  EXPECT_TRUE(IsUtf8(error.error_output));
  EXPECT_THAT(error.error_output, HasSubstr("line 99999\nodd \xef\xbf\xbd"));
}

TEST_F(ProcessRunnableTest, ProgressComesOnEitherWay) {
  const auto function = MakeFunction(
      "#!/bin/sh\necho 'progress 10 reading' >&2\nsleep 0.2\necho '50% half' >&3\nsleep 0.2\n"
      "echo 'progress - no idea' >&2\necho 'progress report is due' >&2\necho plain >&2\nexit 1\n");
  const RunId run = runs_.Start(*function, {});
  const FunctionError error = ErrorOf(runs_.Wait(run));
  const std::vector<Progress> progress = runs_.ProgressOf(run);
  ASSERT_EQ(progress.size(), 3u);
  EXPECT_EQ(progress[0].fraction, 0.1);
  EXPECT_EQ(progress[0].message, "reading");
  EXPECT_EQ(progress[1].fraction, 0.5);
  EXPECT_EQ(progress[1].message, "half");
  EXPECT_EQ(progress[2].fraction, std::nullopt);
  EXPECT_EQ(progress[2].message, "no idea");
  EXPECT_EQ(error.error_output, "progress report is due\nplain\n");
}

TEST_F(ProcessRunnableTest, AFloodOfProgressIsThinnedAndTheLastComes) {
  const auto function = MakeFunction(
      "#!/usr/bin/python3\nimport os\nfor i in range(200001): os.write(3, b'%f\\n' % (i / "
      "2000))\nprint(1)\n");
  const RunId run = runs_.Start(*function, {});
  EXPECT_EQ(TextOf(runs_.Wait(run)), "1");
  const std::vector<Progress> progress = runs_.ProgressOf(run);
  EXPECT_LT(progress.size(), 5000u);
  EXPECT_EQ(progress.back().fraction, 1);
}

TEST_F(ProcessRunnableTest, WhatCannotBeRunSaysWhy) {
  ProgramSpec program = Program("#!/bin/sh\n");
  program.command = {directory_ + "/nothing"};
  EXPECT_THAT(TextOf(runs_.Call(*MakeFunction(program), {})),
              AllOf(StartsWith("NOT_EXECUTABLE: cannot run "), HasSubstr("No such file or directory")));
  program = Program("#!/no/such/interpreter\n");
  EXPECT_THAT(TextOf(runs_.Call(*MakeFunction(program), {})), HasSubstr("what its #! line names"));
  program = Program("echo 1\n");
  EXPECT_THAT(TextOf(runs_.Call(*MakeFunction(program), {})), HasSubstr("is the #! line missing?"));
  program = Program("#!/bin/sh\n");
  chmod(program.command[0].c_str(), 0644);
  EXPECT_THAT(TextOf(runs_.Call(*MakeFunction(program), {})), HasSubstr("Permission denied"));
  program.directory = directory_ + "/gone";
  EXPECT_THAT(TextOf(runs_.Call(*MakeFunction(program), {})), HasSubstr("cannot enter"));
  program = Program("#!/bin/sh\n");
  program.environment.push_back("LONG=" + std::string(100'000, 'x'));
  EXPECT_THAT(TextOf(runs_.Call(*MakeFunction(program), {})), HasSubstr("too long"));
}

TEST_F(ProcessRunnableTest, ProcessorTimeIsLimited) {
  ProgramSpec program = Program("#!/bin/sh\nwhile :; do :; done\n");
  program.limits.cpu_s = 1;
  EXPECT_EQ(TextOf(runs_.Call(*MakeFunction(program), {})), "SIGNAL: it used up its processor time, 1 s");
  program = Program(
      "#!/usr/bin/python3\nimport signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass\n");
  program.limits.cpu_s = 1;
  EXPECT_EQ(TextOf(runs_.Call(*MakeFunction(program), {})), "SIGNAL: it used up its processor time, 1 s");
}

TEST_F(ProcessRunnableTest, MemoryAndFilesAreLimited) {
  ProgramSpec program = Program(R"(#!/usr/bin/python3
try:
    x = 'x' * (1 << 28)
    print('"had it"')
except MemoryError:
    print('"refused"')
)");
  program.limits.memory_bytes = uint64_t{128} << 20;
  EXPECT_EQ(TextOf(runs_.Call(*MakeFunction(program), {})), "\"refused\"");
  program.limits.memory_bytes = uint64_t{1} << 30;
  EXPECT_EQ(TextOf(runs_.Call(*MakeFunction(program), {})), "\"had it\"");
  program = Program("#!/bin/sh\nhead -c 2000000 /dev/zero > big || exit 1\necho 1\n");
  program.limits.file_bytes = 1'000'000;
  EXPECT_EQ(ReasonOf(runs_.Call(*MakeFunction(program), {})), "EXIT_CODE");
}

TEST_F(ProcessRunnableTest, AKilledRunEndsWithEverythingItHasStarted) {
  const auto function = MakeFunction(
      "#!/usr/bin/python3\nimport signal,subprocess,time,os\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
      "subprocess.Popen(['sleep', '1000'])\nos.write(3, b'1\\n')\ntime.sleep(1000)\n");
  const RunId run = runs_.Start(*function, {});
  runs_.WaitForProgress(run);
  EXPECT_TRUE(Eventually([&] { return MarkedProcesses(launcher_.pid()).size() == 2u; }));
  function->runnable->Kill(run);
  EXPECT_EQ(ReasonOf(runs_.Wait(run)), kKilled);
  EXPECT_TRUE(Eventually([&] { return MarkedProcesses(launcher_.pid()).empty(); }));
  function->runnable->Kill(run);
  function->runnable->Kill(999);
}

TEST_F(ProcessRunnableTest, AGrandchildThatHoldsTheOutputHoldsNothingUp) {
  EXPECT_EQ(TextOf(Call("#!/bin/sh\nsleep 1000 &\necho 1\n")), "1");
  EXPECT_TRUE(Eventually([&] { return MarkedProcesses(launcher_.pid()).empty(); }));
}

TEST_F(ProcessRunnableTest, ResultsAreWhatWasWrittenBeforeTheKill) {
  // It ends by itself while the kill is under way: one or the other, and never both.
  const auto function = MakeFunction("#!/bin/sh\necho '50' >&3\necho 1\n");
  for (int i = 0; i < 20; ++i) {
    const RunId run = runs_.Start(*function, {});
    runs_.WaitForProgress(run);
    function->runnable->Kill(run);
    EXPECT_THAT(TextOf(runs_.Wait(run)), testing::AnyOf("1", StartsWith(kKilled)));
  }
}

TEST_F(ProcessRunnableTest, StopKillsWhatRuns) {
  const auto function = MakeFunction("#!/bin/sh\necho 1 >&3\nsleep 1000\n");
  std::vector<RunId> started;
  for (int i = 0; i < 5; ++i) started.push_back(runs_.Start(*function, {}));
  runs_.WaitForProgress(started.back());
  host_->Stop();
  started.push_back(runs_.Start(*function, {}));
  for (const RunId run : started) EXPECT_EQ(ReasonOf(runs_.Wait(run)), kKilled);
}

}  // namespace
}  // namespace lamppost::rpc
