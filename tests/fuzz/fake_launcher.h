// The other end of a ProgramHost, in the same process: a launcher whose programs are bytes that an input has.
#ifndef LAMPPOST_TESTS_FUZZ_FAKE_LAUNCHER_H_
#define LAMPPOST_TESTS_FUZZ_FAKE_LAUNCHER_H_

#include <memory>
#include <string>
#include <vector>

#include "services/rpc/functions/program_host.h"

namespace lamppost::fuzz {

// What a program writes and how it ends.
struct ProgramPlay {
  std::vector<std::string> output;  // a write each
  std::string error_output;
  std::string progress;
  int wait_status = 0;
  int error = 0;  // errno, if it cannot be started
};

// Not thread-safe.
class FakeLauncher {
 public:
  FakeLauncher();
  ~FakeLauncher();
  FakeLauncher(const FakeLauncher&) = delete;
  FakeLauncher& operator=(const FakeLauncher&) = delete;

  const std::shared_ptr<rpc::ProgramHost>& host() const { return host_; }
  // Waits for the host to start a program, and is that program until it ends.
  void Play(const ProgramPlay& play);

 private:
  int socket_ = -1;
  std::shared_ptr<rpc::ProgramHost> host_;
};

}  // namespace lamppost::fuzz

#endif  // LAMPPOST_TESTS_FUZZ_FAKE_LAUNCHER_H_
