#include "services/rpc/functions/program_host.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/rpc/functions/orphans.h"
#include "services/rpc/functions/program_pipes.h"

namespace lamppost::rpc {
namespace {

using After = ProgramPipes::After;
using Stream = ProgramPipes::Stream;

constexpr uint64_t kWakeToken = ~uint64_t{0};
constexpr uint64_t kLauncherToken = kWakeToken - 1;
constexpr int kEventsMax = 64;
constexpr uint64_t kGiveUpMs = 10'000;
constexpr uint64_t kOrphansMs = 5000;
constexpr rlim_t kOpenFilesWanted = 65'536;
// What may still be in a pipe after a program's end, several times over: somebody might go on writing.
constexpr int kLastReadsMax = 64;

uint64_t TokenOf(ProgramId program, Stream stream) {
  return program << 2 | static_cast<uint64_t>(stream);
}

uint64_t NowMs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

absl::Status Failed(absl::string_view what) {
  return MakeError(absl::StatusCode::kInternal, "PROGRAM_HOST_FAILED",
                   absl::StrCat(what, ": ", std::strerror(errno)));
}

void RaiseOpenFilesLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min(limit.rlim_max, kOpenFilesWanted);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string WhyNotStarted(const LaunchReport& report, const ProgramSpec& spec) {
  const std::string error = std::strerror(report.error);
  switch (report.step) {
    case LaunchStep::kExec: {
      const char* hint = report.error == ENOENT    ? " (it, or what its #! line names)"
                         : report.error == ENOEXEC ? " (is the #! line missing?)"
                                                   : "";
      return absl::StrCat("cannot run ", spec.command[0], ": ", error, hint);
    }
    case LaunchStep::kDirectory:
      return absl::StrCat("cannot enter ", spec.directory, ": ", error);
    case LaunchStep::kLimits:
      return absl::StrCat("cannot set its limits: ", error);
    default:
      return absl::StrCat("cannot start a process: ", error);
  }
}

}  // namespace

struct ProgramHost::Program {
  ProgramSpec spec;
  std::shared_ptr<ProgramListener> listener;
  ProgramPipes pipes;
  bool input_watched = false;

  void Take(Stream stream, absl::string_view bytes) {
    if (stream == Stream::kOutput) listener->TakeOutput(bytes);
    if (stream == Stream::kErrorOutput) listener->TakeErrorOutput(bytes);
    if (stream == Stream::kProgress) listener->TakeProgress(bytes);
  }
};

absl::StatusOr<std::unique_ptr<ProgramHost>> ProgramHost::Start(int launcher_fd, Task on_launcher_gone) {
  std::unique_ptr<ProgramHost> host(new ProgramHost(launcher_fd, std::move(on_launcher_gone)));
  if (absl::Status status = host->SetUp(); !status.ok()) return status;
  host->thread_ = std::thread([raw = host.get()] { raw->Loop(); });
  return host;
}

ProgramHost::ProgramHost(int launcher_fd, Task on_launcher_gone)
    : launcher_fd_(launcher_fd), on_launcher_gone_(std::move(on_launcher_gone)) {}

absl::Status ProgramHost::SetUp() {
  RaiseOpenFilesLimit();
  epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_fd_ < 0 || wake_fd_ < 0) return Failed("epoll");
  if (!Watch(wake_fd_, kWakeToken, EPOLLIN) || !Watch(launcher_fd_, kLauncherToken, EPOLLIN))
    return Failed("epoll");
  return absl::OkStatus();
}

ProgramHost::~ProgramHost() {
  Stop();
  for (const Packet& packet : packets_) {
    for (const int fd : packet.fds) close(fd);
  }
  if (epoll_fd_ >= 0) close(epoll_fd_);
  if (wake_fd_ >= 0) close(wake_fd_);
}

bool ProgramHost::Post(Task task) {
  {
    absl::MutexLock lock(&mu_);
    if (closed_) return false;
    tasks_.push_back(std::move(task));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
  return true;
}

void ProgramHost::Stop() {
  if (!thread_.joinable()) return;
  Post([this] {
    stopping_ = true;
    give_up_ms_ = NowMs() + kGiveUpMs;
    for (const auto& [id, program] : programs_) Kill(id);
  });
  thread_.join();
}

void ProgramHost::Loop() {
  // A program that closes its input must not end the server.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  epoll_event events[kEventsMax];
  for (;;) {
    const int wait_ms = RunTimers();
    const bool ran = RunTasks();
    if (IsOver()) return;
    const int count = epoll_wait(epoll_fd_, events, kEventsMax, ran ? 0 : wait_ms);
    for (int i = 0; i < count; ++i) ServeEvent(events[i].data.u64, events[i].events);
    SendPackets();
  }
}

// True once it is stopping, all programs have ended, what was put off is done, and nothing more can be
// posted.
bool ProgramHost::IsOver() {
  if (!stopping_) return false;
  if (NowMs() >= give_up_ms_) {
    while (!programs_.empty()) {
      ProgramEnd end;
      end.wait_status = SIGKILL;
      End(programs_.begin()->first, end);
    }
  }
  if (!programs_.empty() || !timers_.empty()) return false;
  absl::MutexLock lock(&mu_);
  closed_ = tasks_.empty();
  return closed_;
}

// True if there were any: they may have made timers.
bool ProgramHost::RunTasks() {
  std::vector<Task> tasks;
  {
    absl::MutexLock lock(&mu_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) task();
  return !tasks.empty();
}

// How long until the next one, in milliseconds; -1 if there is none.
int ProgramHost::RunTimers() {
  while (!timers_.empty() && (stopping_ || timers_.begin()->first.first <= NowMs())) {
    const Task task = std::move(timers_.begin()->second);
    timer_times_.erase(timers_.begin()->first.second);
    timers_.erase(timers_.begin());
    task();
  }
  uint64_t next_ms = timers_.empty() ? ~uint64_t{0} : timers_.begin()->first.first;
  if (stopping_) next_ms = std::min(next_ms, give_up_ms_);
  if (next_ms == ~uint64_t{0}) return -1;
  return static_cast<int>(std::min<uint64_t>(next_ms - std::min(next_ms, NowMs()), 3'600'000));
}

ProgramHost::TimerId ProgramHost::RunAfter(uint64_t ms, Task task) {
  const TimerId timer = ++last_timer_;
  timer_times_[timer] = NowMs() + ms;
  timers_[{timer_times_[timer], timer}] = std::move(task);
  return timer;
}

void ProgramHost::Cancel(TimerId timer) {
  const auto found = timer_times_.find(timer);
  if (found == timer_times_.end()) return;
  timers_.erase({found->second, timer});
  timer_times_.erase(found);
}

ProgramId ProgramHost::Launch(ProgramSpec spec, std::shared_ptr<ProgramListener> listener) {
  const ProgramId id = ++last_program_;
  if (launcher_gone_) {
    RunAfter(0, [listener = std::move(listener)] { listener->Lost(); });
    return id;
  }
  auto owned = std::make_unique<Program>();
  Program* const program = owned.get();
  program->spec = std::move(spec);
  program->listener = std::move(listener);
  const bool full = programs_.size() >= kProgramsMax;
  programs_[id] = std::move(owned);
  if (stopping_) {
    FailLater(id, "the server is ending");
    return id;
  }
  LaunchRequest request;
  request.program = id;
  request.spec = program->spec;
  std::optional<std::string> packet = EncodeRequest(request);
  std::array<int, kProgramFds> theirs;
  if (!packet || full) {
    FailLater(id, full ? "too many programs run already" : "its command and environment are too long");
  } else if (!program->pipes.Open(&theirs)) {
    FailLater(id, absl::StrCat("cannot start a process: ", std::strerror(errno)));
  } else {
    for (const Stream stream : {Stream::kOutput, Stream::kErrorOutput, Stream::kProgress})
      Watch(program->pipes.fd(stream), TokenOf(id, stream), EPOLLIN);
    Send({id, *std::move(packet), {theirs.begin(), theirs.end()}});
  }
  return id;
}

void ProgramHost::Write(ProgramId id, absl::string_view input) {
  const auto found = programs_.find(id);
  if (found == programs_.end()) return;
  found->second->pipes.AddInput(input);
  WriteInput(id, found->second.get());
}

void ProgramHost::CloseInput(ProgramId id) {
  const auto found = programs_.find(id);
  if (found == programs_.end()) return;
  found->second->pipes.EndInput();
  WriteInput(id, found->second.get());
}

void ProgramHost::Kill(ProgramId id) {
  if (programs_.count(id) == 0) return;
  LaunchRequest request;
  request.kind = LaunchRequest::Kind::kKill;
  request.program = id;
  Send({id, *EncodeRequest(request), {}});
}

void ProgramHost::WriteInput(ProgramId id, Program* program) {
  const bool wait = program->pipes.WriteInput() == After::kMore;
  const int fd = program->pipes.fd(Stream::kInput);
  if (fd < 0 || wait == program->input_watched) return;
  // Without EPOLLOUT it still tells when the program has closed its end.
  program->input_watched = wait;
  Watch(fd, TokenOf(id, Stream::kInput), wait ? EPOLLOUT : 0);
}

void ProgramHost::ServeEvent(uint64_t token, uint32_t events) {
  if (token == kWakeToken) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t bytes = read(wake_fd_, &count, sizeof(count));
  } else if (token == kLauncherToken) {
    TakeReports();
  } else {
    ServeProgram(token, events);
  }
}

void ProgramHost::ServeProgram(uint64_t token, uint32_t events) {
  const ProgramId id = token >> 2;
  const auto stream = static_cast<Stream>(token & 3);
  const auto found = programs_.find(id);
  if (found == programs_.end()) return;  // it has ended since
  Program* const program = found->second.get();
  if (stream != Stream::kInput) {
    const After after =
        program->pipes.Read(stream, [&](absl::string_view bytes) { program->Take(stream, bytes); });
    if (stream == Stream::kOutput && after == After::kClosed) program->listener->OutputClosed();
  } else if (events & EPOLLERR) {
    program->pipes.Close(Stream::kInput);
  } else {
    WriteInput(id, program);
  }
}

bool ProgramHost::Watch(int fd, uint64_t token, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = token;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0) return true;
  return errno == ENOENT && epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void ProgramHost::Send(Packet packet) {
  packets_.push_back(std::move(packet));
  if (packets_.size() == 1) SendPackets();
}

void ProgramHost::SendPackets() {
  if (packets_.empty()) return;
  while (!packets_.empty()) {
    Packet& packet = packets_.front();
    iovec data = {packet.bytes.data(), packet.bytes.size()};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(kProgramFds * sizeof(int))];
    if (!packet.fds.empty()) {
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      cmsghdr* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(kProgramFds * sizeof(int));
      std::memcpy(CMSG_DATA(header), packet.fds.data(), kProgramFds * sizeof(int));
    }
    if (sendmsg(launcher_fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      // If the launcher is gone, so is the program's fate: TakeReports will find that out.
      const bool gone = errno == EPIPE || errno == ECONNRESET;
      if (!packet.fds.empty() && !gone)
        FailLater(packet.program, absl::StrCat("cannot start a process: ", std::strerror(errno)));
    }
    for (const int fd : packet.fds) close(fd);
    packets_.pop_front();
  }
  if (!launcher_gone_) Watch(launcher_fd_, kLauncherToken, packets_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void ProgramHost::TakeReports() {
  for (;;) {
    LaunchReport report;
    const ssize_t bytes = recv(launcher_fd_, &report, sizeof(report), MSG_DONTWAIT);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 && errno == EAGAIN) return;
    if (bytes != static_cast<ssize_t>(sizeof(report))) return LoseLauncher();
    const auto found = programs_.find(report.program);
    if (found == programs_.end()) continue;
    ProgramEnd end;
    if (report.error != 0) end.not_started = WhyNotStarted(report, found->second->spec);
    end.wait_status = report.wait_status;
    end.cpu_ms = report.cpu_ms;
    End(report.program, end);
  }
}

// Somebody has killed it. Its programs have died with it (PR_SET_PDEATHSIG), some after they have done all
// their work, and what they had started is ours now.
void ProgramHost::LoseLauncher() {
  Log(LogLevel::kError, "the process that starts programs is gone; the outcome of what ran is unknown");
  launcher_gone_ = true;
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, launcher_fd_, nullptr);
  for (const auto& [id, program] : std::exchange(programs_, {})) program->listener->Lost();
  const uint64_t left = KillAllChildren(kOrphansMs);
  if (left > 0) Log(LogLevel::kError, "some processes of programs do not die", {{"count", left}});
  if (on_launcher_gone_) on_launcher_gone_();
}

void ProgramHost::FailLater(ProgramId id, std::string why) {
  RunAfter(0, [this, id, why = std::move(why)] {
    ProgramEnd end;
    end.not_started = why;
    End(id, end);
  });
}

void ProgramHost::End(ProgramId id, const ProgramEnd& end) {
  const auto found = programs_.find(id);
  if (found == programs_.end()) return;
  const std::unique_ptr<Program> program = std::move(found->second);
  programs_.erase(found);
  program->listener->Ending();
  for (const Stream stream : {Stream::kProgress, Stream::kErrorOutput, Stream::kOutput}) {
    int reads = 0;
    while (program->pipes.Read(stream, [&](absl::string_view bytes) { program->Take(stream, bytes); }) ==
               After::kMore &&
           ++reads < kLastReadsMax) {
    }
  }
  for (const Stream stream : {Stream::kInput, Stream::kOutput, Stream::kErrorOutput, Stream::kProgress})
    program->pipes.Close(stream);
  program->listener->Ended(end);
}

}  // namespace lamppost::rpc
