// Child processes of the benchmark, and what the system says of them.
#ifndef LAMPPOST_TESTS_BENCH_PROCESS_H_
#define LAMPPOST_TESTS_BENCH_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lamppost::bench {

struct MemoryBytes {
  uint64_t resident = 0;
  uint64_t peak = 0;  // highest `resident` since the start or the last ResetPeak
};

// A program under way. It is killed when this object, or this whole process, ends. Not thread-safe.
class Process {
 public:
  // argv[0] is a path. What it prints goes to log_file. Call it in the main thread: the child is killed
  // when the thread that started it ends.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const std::vector<std::string>& argv,
                                                        const std::string& log_file);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Asks it to end (SIGTERM) and waits; kills it if that takes longer than deadline_ms, and says so.
  absl::Status Stop(int64_t deadline_ms);
  // Waits for it to end by itself; an exit code other than 0 is an error.
  absl::Status Wait();
  // OK while it runs; else an error with the last of what it printed.
  absl::Status CheckRunning();

  absl::StatusOr<MemoryBytes> Memory() const;
  // Processor time of all its threads so far; 0 if it has ended.
  double CpuSeconds() const;
  void ResetPeak() const;
  pid_t pid() const { return pid_; }

 private:
  Process(pid_t pid, std::string name, std::string log_file)
      : pid_(pid), name_(std::move(name)), log_file_(std::move(log_file)) {}
  absl::Status Ended(int wait_status) const;

  pid_t pid_;  // -1 once it has ended
  const std::string name_;
  const std::string log_file_;
};

// A new directory below `parent`, removed with all in it at the end.
class TemporaryDirectory {
 public:
  static absl::StatusOr<std::unique_ptr<TemporaryDirectory>> Make(const std::string& parent);
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

// The sizes of the files below. Not the blocks they take: a log is given far more of those ahead than it
// has content.
uint64_t FileBytes(const std::string& directory);

// The path of a program on the PATH; empty if it is not there.
std::string FindProgram(const std::string& name);

// Loopback ports that were free just now, all different.
absl::StatusOr<std::vector<int>> FreePorts(int count);

std::string ReadFile(const std::string& path);

}  // namespace lamppost::bench

#endif  // LAMPPOST_TESTS_BENCH_PROCESS_H_
