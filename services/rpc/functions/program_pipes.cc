#include "services/rpc/functions/program_pipes.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace lamppost::rpc {
namespace {

constexpr size_t kReadBytesMax = 64 * 1024;

}  // namespace

ProgramPipes::~ProgramPipes() {
  for (const Stream stream : {kInput, kOutput, kErrorOutput, kProgress}) Close(stream);
}

bool ProgramPipes::Open(std::array<int, kProgramFds>* theirs) {
  theirs->fill(-1);
  for (const Stream stream : {kInput, kOutput, kErrorOutput, kProgress}) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      const int error = errno;
      for (const int fd : *theirs) {
        if (fd >= 0) close(fd);
      }
      for (const Stream opened : {kInput, kOutput, kErrorOutput, kProgress}) Close(opened);
      errno = error;
      return false;
    }
    ours_[stream] = ends[stream == kInput ? 1 : 0];
    (*theirs)[stream] = ends[stream == kInput ? 0 : 1];
    fcntl(ours_[stream], F_SETFL, O_NONBLOCK);
  }
  return true;
}

void ProgramPipes::Close(Stream stream) {
  if (ours_[stream] >= 0) close(ours_[stream]);
  ours_[stream] = -1;
}

ProgramPipes::After ProgramPipes::Read(Stream stream, const std::function<void(absl::string_view)>& take) {
  if (ours_[stream] < 0) return After::kClosed;
  char buffer[kReadBytesMax];
  const ssize_t bytes = read(ours_[stream], buffer, sizeof(buffer));
  if (bytes > 0) {
    take(absl::string_view(buffer, static_cast<size_t>(bytes)));
    return After::kMore;
  }
  if (bytes < 0 && errno == EINTR) return After::kMore;
  if (bytes < 0 && errno == EAGAIN) return After::kEmpty;
  Close(stream);
  return After::kClosed;
}

void ProgramPipes::AddInput(absl::string_view input) {
  if (ours_[kInput] >= 0 && !input_ends_) input_.append(input.data(), input.size());
}

ProgramPipes::After ProgramPipes::WriteInput() {
  if (ours_[kInput] < 0) return After::kClosed;
  while (written_ < input_.size()) {
    const ssize_t bytes = write(ours_[kInput], input_.data() + written_, input_.size() - written_);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 && errno == EAGAIN) return After::kMore;
    if (bytes < 0) {
      // The program does not want it.
      Close(kInput);
      break;
    }
    written_ += static_cast<size_t>(bytes);
  }
  input_ = std::string();
  written_ = 0;
  if (ours_[kInput] < 0 || !input_ends_) return ours_[kInput] < 0 ? After::kClosed : After::kEmpty;
  Close(kInput);
  return After::kClosed;
}

}  // namespace lamppost::rpc
