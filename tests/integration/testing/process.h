// Child processes of a test: started with their output in a file, signalled and ended by their id.
//
// Not thread-safe. A child dies with the thread that started it, so start children from the test's main
// thread alone.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_PROCESS_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace lamppost::testing {

struct ProcessOptions {
  std::vector<std::string> command;                // the program and its arguments
  std::map<std::string, std::string> environment;  // beside the test's own; GRPC_… are not passed on
  std::string input_path;                          // standard input; empty: none
  std::string output_path;                         // standard output is appended here
  std::string error_path;                          // standard error; empty: to output_path as well
  std::string directory;                           // to start in; empty: the test's own
};

class Process {
 public:
  static absl::StatusOr<std::unique_ptr<Process>> Start(const ProcessOptions& options);
  // Kills the child if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal);
  bool IsRunning();
  // The exit code, or 128 + the signal that ended it. DEADLINE_EXCEEDED if it still runs then.
  absl::StatusOr<int> Wait(absl::Duration limit);
  void Kill();
  // What it keeps in memory now (VmRSS); 0 if it does not run.
  uint64_t MemoryBytes() const;
  // Whether it has put the signal off, as a program does that takes signals in its own time.
  bool Blocks(int signal) const;

 private:
  // The words behind "NAME:" in what the kernel says of it; empty if it does not run.
  std::vector<std::string> StatusWords(const std::string& name) const;

  explicit Process(pid_t pid) : pid_(pid) {}

  const pid_t pid_;
  bool reaped_ = false;
  int exit_code_ = 0;
};

// A program that is run to its end.
struct Finished {
  int exit_code = -1;  // -1: it did not start or did not end in time
  std::string out;
  std::string err;
};
// Options' output paths are chosen here. A program that takes longer than `limit` is killed.
Finished RunToEnd(ProcessOptions options, absl::Duration limit);

// A new path in the test's own directory; its name begins with `stem`.
std::string NewTestPath(const std::string& stem);
// The file's content; empty if there is none.
std::string ReadFile(const std::string& path);

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_PROCESS_H_
