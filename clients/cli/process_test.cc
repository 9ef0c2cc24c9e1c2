// The program as a process: what only that can show.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "clients/cpp/fake_kv_service.h"

namespace lamppost {
namespace {

struct Ended {
  int exit_code = -1;
  std::string output;
};

// By the shell; $LAMPPOST is the program, and LAMPPOST_NODE the node.
Ended Shell(const client::FakeNode& node, const std::string& script) {
  const std::string program =
      std::string(getenv("TEST_SRCDIR")) + "/" + getenv("TEST_WORKSPACE") + "/clients/cli/lamppost";
  setenv("LAMPPOST", program.c_str(), 1);
  setenv("LAMPPOST_NODE", ("http://127.0.0.1:" + std::to_string(node.port())).c_str(), 1);
  Ended ended;
  FILE* pipe = popen(("set -e; { " + script + "; } 2>&1").c_str(), "r");
  char buffer[4096];
  size_t got;
  while ((got = fread(buffer, 1, sizeof buffer, pipe)) > 0) ended.output.append(buffer, got);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  return ended;
}

TEST(ProcessTest, ExitCodesAndEnvironment) {
  client::FakeNode node("A");
  EXPECT_EQ(Shell(node, "$LAMPPOST put x 10").exit_code, 0);
  const Ended get = Shell(node, "$LAMPPOST get x");
  EXPECT_EQ(get.exit_code, 0);
  EXPECT_EQ(get.output, "10\n");
  EXPECT_EQ(Shell(node, "$LAMPPOST get y").exit_code, 1);
  EXPECT_EQ(Shell(node, "$LAMPPOST nonsense").exit_code, 2);
  const Ended status = Shell(node, "$LAMPPOST status");
  EXPECT_EQ(status.exit_code, 0);
  EXPECT_EQ(status.output.find('\x1b'), std::string::npos) << "no colour into a pipe";
}

TEST(ProcessTest, AReaderThatHasGoneIsNoError) {
  client::FakeNode node("A");
  const Ended load = Shell(
      node,
      "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); "
      "echo \"{\\\"key\\\":\\\"k$i\\\",\\\"value\\\":\\\"0123456789012345678901234567890123456789\\\"}\"; "
      "done | $LAMPPOST load -");
  EXPECT_EQ(load.exit_code, 0) << load.output;
  for (const char* command : {"scan -o raw", "scan", "scan -o json", "dump -"}) {
    const Ended ended =
        Shell(node, "{ $LAMPPOST " + std::string(command) + "; echo code $? >&2; } | head -n 1 >/dev/null");
    EXPECT_EQ(ended.output, "code 0\n") << command;
  }
}

TEST(ProcessTest, AFullDeviceIsAnError) {
  client::FakeNode node("A");
  EXPECT_EQ(Shell(node, "$LAMPPOST put x 10").exit_code, 0);
  EXPECT_EQ(Shell(node, "$LAMPPOST get x >/dev/full").exit_code, 3);
}

}  // namespace
}  // namespace lamppost
