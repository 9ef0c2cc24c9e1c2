#include "services/security/tls_listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/port_probe.h"

namespace lamppost::security {
namespace {

constexpr int kBacklog = 1024;
constexpr int kAcceptsMax = 64;           // in one go
constexpr int64_t kPauseMs = 100;         // when there are no descriptors left
constexpr unsigned char kHandshake = 22;  // the first byte of a TLS connection (RFC 8446, section 5.1)

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int PortOf(int fd) {
  sockaddr_storage at = {};
  socklen_t bytes = sizeof(at);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&at), &bytes) != 0) return 0;
  // Both kinds have the port at the same place.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&at)->sin_port);
}

absl::Status Failed(const char* what) {
  return MakeError(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                   absl::StrCat("cannot listen: ", what, ": ", std::strerror(errno)));
}

bool Watch(int epoll_fd, int fd, uint32_t events, int operation) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  return epoll_ctl(epoll_fd, operation, fd, &event) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsListener>> TlsListener::Open(const std::vector<Address>& addresses) {
  std::unique_ptr<TlsListener> listener(new TlsListener);
  listener->epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  listener->stop_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (listener->epoll_fd_ < 0 || listener->stop_fd_ < 0) return Failed("epoll");
  if (!Watch(listener->epoll_fd_, listener->stop_fd_, EPOLLIN, EPOLL_CTL_ADD)) return Failed("epoll");
  for (const Address& address : addresses) {
    if (absl::Status status = listener->Listen(address); !status.ok()) return status;
  }
  return listener;
}

absl::Status TlsListener::Listen(const Address& address) {
  Address at = address;
  const bool is_everywhere = at.host == "0.0.0.0" || at.host == "::";
  if (is_everywhere) at.host = "::";
  absl::StatusOr<int> fd = BindPort(at);
  if (!fd.ok() && is_everywhere) {
    at.host = "0.0.0.0";  // of a machine without IPv6
    fd = BindPort(at);
  }
  if (!fd.ok()) return fd.status();
  listeners_.push_back(*fd);
  if (listen(*fd, kBacklog) != 0) return Failed("listen");
  if (!Watch(epoll_fd_, *fd, EPOLLIN, EPOLL_CTL_ADD)) return Failed("epoll");
  ports_.push_back(PortOf(*fd));
  return absl::OkStatus();
}

TlsListener::~TlsListener() {
  Stop();
  for (const Silent& silent : silent_) close(silent.fd);
  for (const int fd : listeners_) close(fd);
  if (stop_fd_ >= 0) close(stop_fd_);
  if (epoll_fd_ >= 0) close(epoll_fd_);
}

void TlsListener::Start(Acceptors acceptors) {
  acceptors_ = std::move(acceptors);
  thread_ = std::thread([this] { Loop(); });
}

void TlsListener::Stop() {
  if (!thread_.joinable()) return;
  const uint64_t one = 1;
  while (write(stop_fd_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  thread_.join();
  // Nobody is kept waiting for an answer.
  for (const int fd : listeners_) shutdown(fd, SHUT_RDWR);
}

void TlsListener::Loop() {
  std::array<epoll_event, 256> events = {};
  while (true) {
    const int count = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(WaitMs(NowMs())));
    const int64_t now_ms = NowMs();
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == stop_fd_) return;
      if (IsListener(fd)) {
        Accept(fd, now_ms);
      } else {
        Sort(fd);
      }
    }
    CloseSilent(now_ms);
    if (paused_until_ms_ != 0 && now_ms >= paused_until_ms_) SetAccepting(EPOLLIN);
  }
}

int64_t TlsListener::WaitMs(int64_t now_ms) const {
  int64_t until_ms = silent_.empty() ? now_ms + kSilenceMaxMs : silent_.front().until_ms;
  if (paused_until_ms_ != 0) until_ms = std::min(until_ms, paused_until_ms_);
  return std::clamp<int64_t>(until_ms - now_ms, 1, kSilenceMaxMs);
}

bool TlsListener::IsListener(int fd) const {
  return std::count(listeners_.begin(), listeners_.end(), fd) > 0;
}

void TlsListener::SetAccepting(uint32_t events) {
  paused_until_ms_ = events != 0 ? 0 : NowMs() + kPauseMs;
  for (const int fd : listeners_) Watch(epoll_fd_, fd, events, EPOLL_CTL_MOD);
}

void TlsListener::Accept(int listener_fd, int64_t now_ms) {
  for (int i = 0; i < kAcceptsMax; ++i) {
    const int fd = accept4(listener_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
      return SetAccepting(0);
    }
    if (fd < 0) {
      if (errno == EAGAIN) return;
      continue;  // it has gone again
    }
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (silent_.size() >= kSilentMax) {
      const int oldest = silent_.front().fd;
      Forget(silent_.begin());
      close(oldest);
    }
    if (!Watch(epoll_fd_, fd, EPOLLIN, EPOLL_CTL_ADD)) {
      close(fd);
      continue;
    }
    silent_by_fd_[fd] = silent_.insert(silent_.end(), {fd, listener_fd, now_ms + kSilenceMaxMs});
  }
}

void TlsListener::Sort(int fd) {
  const auto it = silent_by_fd_.find(fd);
  if (it == silent_by_fd_.end()) return;  // closed in the same round
  unsigned char first = 0;
  const ssize_t got = recv(fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.listener_fd = it->second->listener_fd;
  connection.fd = fd;
  Forget(it->second);
  if (got != 1) {
    close(fd);
    return;
  }
  const Acceptor& acceptor = first == kHandshake ? acceptors_.tls : acceptors_.plain_text;
  acceptor->HandleNewConnection(&connection);
}

void TlsListener::Forget(std::list<Silent>::iterator silent) {
  Watch(epoll_fd_, silent->fd, 0, EPOLL_CTL_DEL);
  silent_by_fd_.erase(silent->fd);
  silent_.erase(silent);
}

void TlsListener::CloseSilent(int64_t now_ms) {
  while (!silent_.empty() && now_ms >= silent_.front().until_ms) {
    const int fd = silent_.front().fd;
    Forget(silent_.begin());
    close(fd);
  }
}

}  // namespace lamppost::security
