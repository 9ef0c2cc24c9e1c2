// The program as a process: what only that can show.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "clients/cpp/fake_function_service.h"
#include "clients/cpp/fake_kv_service.h"

namespace lamppost {
namespace {

struct Ended {
  int exit_code = -1;
  std::string output;
};

std::string Program() {
  return std::string(getenv("TEST_SRCDIR")) + "/" + getenv("TEST_WORKSPACE") + "/clients/cli/lamppost";
}

// By the shell; $LAMPPOST is the program.
Ended Shell(const std::string& script) {
  setenv("LAMPPOST", Program().c_str(), 1);
  Ended ended;
  FILE* pipe = popen(("set -e; { " + script + "; } 2>&1").c_str(), "r");
  char buffer[4096];
  size_t got;
  while ((got = fread(buffer, 1, sizeof buffer, pipe)) > 0) ended.output.append(buffer, got);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  return ended;
}

// LAMPPOST_NODE is the node.
Ended Shell(const client::FakeNode& node, const std::string& script) {
  setenv("LAMPPOST_NODE", ("http://127.0.0.1:" + std::to_string(node.port())).c_str(), 1);
  return Shell(script);
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

TEST(ProcessTest, CallsAndTheirExitCodes) {
  client::FakeFunctionServer server("A");
  setenv("LAMPPOST_SERVER", ("http://" + server.address()).c_str(), 1);
  EXPECT_EQ(Shell("$LAMPPOST call text -o raw").output, "two \"words\"");
  EXPECT_EQ(Shell("echo '{\"a\":1}' | $LAMPPOST call echo - -o raw").output, "{\"a\":1}\n");
  EXPECT_EQ(Shell("$LAMPPOST call echo nonsense").exit_code, 2);
  EXPECT_EQ(Shell("$LAMPPOST call ecko").exit_code, 3);
  EXPECT_EQ(Shell("$LAMPPOST call lost").exit_code, 4);
  EXPECT_EQ(Shell("$LAMPPOST call fail").exit_code, 5);
  EXPECT_EQ(Shell("$LAMPPOST functions -o raw").output, "add\n");
}

TEST(ProcessTest, TheCommandThatAsksAgainDoes) {
  const auto functions = std::make_shared<client::FakeFunctions>();
  client::FakeFunctionServer server("A", functions);
  setenv("LAMPPOST_SERVER", server.address().c_str(), 1);
  server.service().LoseReplies(1);
  const Ended lost = Shell("$LAMPPOST call echo \"a=it's \\$HOME\" --retries 0");
  EXPECT_EQ(lost.exit_code, 4);
  const std::string mark = "to ask again:\n  ";
  const size_t at = lost.output.find(mark);
  ASSERT_NE(at, std::string::npos) << lost.output;
  unsetenv("LAMPPOST_SERVER");
  std::string command = lost.output.substr(at + mark.size());
  command.erase(command.find('\n'));
  const Ended again = Shell("lamppost() { \"$LAMPPOST\" \"$@\"; }; " + command);
  EXPECT_EQ(again.exit_code, 0) << again.output;
  EXPECT_NE(again.output.find("\"a\": \"it's $HOME\""), std::string::npos) << again.output;
  EXPECT_EQ(functions->runs(), 1);
}

// Started without a shell, since a shell's background ignores SIGINT; standard error is kept.
class Started {
 public:
  explicit Started(std::vector<std::string> words) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    err_ = ends[0];
    std::vector<char*> argv;
    words.insert(words.begin(), Program());
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDERR_FILENO);
      signal(SIGINT, SIG_DFL);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(ends[1]);
  }
  ~Started() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
    close(err_);
  }

  // After the signal: what it said, and its wait status.
  int End(int signal, std::string* said) {
    kill(pid_, signal);
    char buffer[4096];
    ssize_t got;
    while ((got = read(err_, buffer, sizeof buffer)) > 0) said->append(buffer, static_cast<size_t>(got));
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int err_ = -1;
};

void WaitUntil(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_TRUE(condition());
}

TEST(ProcessTest, ASignalDuringACallTellsHowToAskAgain) {
  for (const int signal : {SIGINT, SIGTERM}) {
    client::FakeFunctionServer server("A");
    Started started({"--server", server.address(), "call", "wait", "a=1", "--attempt-timeout", "50s"});
    WaitUntil([&server] { return !server.service().seen().empty(); });
    const std::string id = server.service().seen()[0].request_id;
    std::string said;
    const int status = started.End(signal, &said);
    ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 4);
    EXPECT_EQ(said.find("lamppost: outcome unknown: CANCELLED/INTERRUPTED: "), 0u) << said;
    EXPECT_NE(said.find("to ask again:\n  lamppost --server " + server.address() +
                        " call wait '{\"a\":1}' --request-id " + id + "\n"),
              std::string::npos)
        << said;
  }
}

// The call may not have left yet, but the id is minted and the command cannot tell.
TEST(ProcessTest, ASignalWhileNobodyAnswersIsTold) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  socklen_t bytes = sizeof address;
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &bytes), 0);
  const std::string server = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  Started started({"--server", server, "--timeout", "50s", "call", "echo", "-o", "json"});
  const int accepted = accept(listener, nullptr, nullptr);
  std::string said;
  const int status = started.End(SIGINT, &said);
  close(accepted);
  close(listener);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 4);
  EXPECT_EQ(said.find("{\"error\":{"), 0u) << said;
  EXPECT_NE(said.find("\"outcome\":\"unknown\""), std::string::npos) << said;
  EXPECT_NE(said.find("--request-id"), std::string::npos) << said;
}

TEST(ProcessTest, ASignalElsewhereEndsTheCommandAsEver) {
  Started started({"call", "echo", "-"});  // reads standard input
  std::string said;
  const int status = started.End(SIGTERM, &said);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(said, "");
}

TEST(ProcessTest, AFullDeviceIsAnError) {
  client::FakeNode node("A");
  EXPECT_EQ(Shell(node, "$LAMPPOST put x 10").exit_code, 0);
  EXPECT_EQ(Shell(node, "$LAMPPOST get x >/dev/full").exit_code, 3);
}

}  // namespace
}  // namespace lamppost
