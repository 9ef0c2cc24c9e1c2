// The server's ends of the four pipes of a program: its input, output, error output and progress.
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_PIPES_H_
#define LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_PIPES_H_

#include <array>
#include <cstddef>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "services/rpc/functions/launch_protocol.h"

namespace lamppost::rpc {

class ProgramPipes {
 public:
  // The program's numbers of them.
  enum Stream { kInput = 0, kOutput = 1, kErrorOutput = 2, kProgress = 3 };
  enum class After { kMore, kEmpty, kClosed };

  ProgramPipes() { ours_.fill(-1); }
  ~ProgramPipes();
  ProgramPipes(const ProgramPipes&) = delete;
  ProgramPipes& operator=(const ProgramPipes&) = delete;

  // Opens all; `theirs` are the program's ends, the caller's to close. False, with none of them open, if
  // there are no descriptors left (errno).
  bool Open(std::array<int, kProgramFds>* theirs);

  // -1 if it is closed.
  int fd(Stream stream) const { return ours_[stream]; }
  void Close(Stream stream);

  // Reads once; what was there goes to `take`.
  After Read(Stream stream, const std::function<void(absl::string_view)>& take);

  // Adds to what is to be written.
  void AddInput(absl::string_view input);
  // The input is closed once it has been written.
  void EndInput() { input_ends_ = true; }
  // Writes what the pipe takes, or closes it. kMore if some is left. SIGPIPE must be blocked.
  After WriteInput();

 private:
  std::array<int, kProgramFds> ours_;
  std::string input_;
  size_t written_ = 0;  // of input_
  bool input_ends_ = false;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_FUNCTIONS_PROGRAM_PIPES_H_
