#include "tests/fuzz/fake_launcher.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "services/rpc/functions/launch_protocol.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

// All of it, or as much as the host takes before it turns away.
void WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// One packet; the descriptors that came with it, if any.
std::optional<rpc::LaunchRequest> Receive(int socket, int (&fds)[rpc::kProgramFds]) {
  static std::string* const packet = new std::string(rpc::kLaunchPacketBytesMax, '\0');
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(fds))];
  iovec data = {packet->data(), packet->size()};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t bytes = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  FUZZ_CHECK(bytes > 0, "the host says nothing");
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) std::memcpy(fds, CMSG_DATA(header), sizeof(fds));
  return rpc::DecodeRequest(absl::string_view(packet->data(), static_cast<size_t>(bytes)));
}

}  // namespace

FakeLauncher::FakeLauncher() {
  signal(SIGPIPE, SIG_IGN);  // the host may turn away from a program that writes too much
  int ends[2];
  FUZZ_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "there is no socket");
  socket_ = ends[0];
  auto host = rpc::ProgramHost::Start(ends[1]);
  FUZZ_CHECK(host.ok(), "there is no host");
  host_ = *std::move(host);
}

FakeLauncher::~FakeLauncher() {
  host_->Stop();
  close(socket_);
}

void FakeLauncher::Play(const ProgramPlay& play) {
  int fds[rpc::kProgramFds] = {-1, -1, -1, -1};
  std::optional<rpc::LaunchRequest> request;
  // What is to be killed has ended by itself before.
  do {
    request = Receive(socket_, fds);
    FUZZ_CHECK(request.has_value(), "the host's words cannot be read");
  } while (request->kind != rpc::LaunchRequest::Kind::kStart);
  FUZZ_CHECK(fds[3] >= 0, "a program without descriptors");
  if (play.error == 0) {
    WriteAll(fds[2], play.error_output);
    WriteAll(fds[3], play.progress);
    for (const std::string& bytes : play.output) WriteAll(fds[1], bytes);
  }
  for (const int fd : fds) close(fd);
  rpc::LaunchReport report;
  report.program = request->program;
  report.error = play.error;
  report.wait_status = play.wait_status;
  FUZZ_CHECK(send(socket_, &report, sizeof(report), MSG_NOSIGNAL) == sizeof(report), "the host is gone");
}

}  // namespace lamppost::fuzz
