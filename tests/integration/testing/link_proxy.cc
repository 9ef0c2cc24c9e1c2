#include "tests/integration/testing/link_proxy.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "tests/integration/testing/ports.h"

namespace lamppost::testing {
namespace {

constexpr size_t kChunkBytes = 64 << 10;
// What one direction may hold back; beyond it the sender is left waiting, as by a full network.
constexpr size_t kQueuedBytesMax = 1 << 20;
constexpr int kIdleMs = 1000;

void PrepareSocket(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

LinkProxy::LinkProxy(int target_port) : target_port_(target_port) {
  listener_ = ListenOnLoopback(&port_);
  fcntl(listener_, F_SETFL, O_NONBLOCK);
  if (pipe2(wake_, O_NONBLOCK | O_CLOEXEC) != 0) wake_[0] = wake_[1] = -1;
  thread_ = std::thread([this] { Run(); });
}

LinkProxy::~LinkProxy() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  Wake();
  thread_.join();
  for (int fd : {listener_, wake_[0], wake_[1]}) close(fd);
}

void LinkProxy::SetMode(Mode mode) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const bool was_mute = mode_ == Mode::kMute;
    mode_ = mode;
    for (Connection& connection : connections_) {
      if (mode == Mode::kCut || (was_mute && mode != Mode::kMute && connection.swallows))
        connection.broken = true;
    }
  }
  Wake();
}

void LinkProxy::SetDelay(absl::Duration delay) {
  std::lock_guard<std::mutex> lock(mutex_);
  delay_ = delay;
}

void LinkProxy::SwallowAnswersAfter(std::string marker) {
  std::lock_guard<std::mutex> lock(mutex_);
  marker_ = std::move(marker);
}

int LinkProxy::swallowed() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return swallowed_;
}

void LinkProxy::BreakConnections() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (Connection& connection : connections_) connection.broken = true;
  }
  Wake();
}

void LinkProxy::Wake() {
  const char byte = 0;
  // A full pipe wakes as well.
  if (write(wake_[1], &byte, 1) < 0) return;
}

int LinkProxy::NextDelayMs() const {
  int64_t wait_ms = kIdleMs;
  if (mode_ == Mode::kStalled) return kIdleMs;
  const absl::Time now = absl::Now();
  for (const Connection& connection : connections_) {
    for (const Pipe* pipe : {&connection.up, &connection.down}) {
      if (pipe->queue.empty() || pipe->queue.front().due <= now) continue;
      wait_ms = std::min(wait_ms, absl::ToInt64Milliseconds(pipe->queue.front().due - now) + 1);
    }
  }
  return static_cast<int>(wait_ms);
}

void LinkProxy::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopped_) {
    std::vector<pollfd> watched = {{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    const absl::Time now = absl::Now();
    for (const Connection& connection : connections_) {
      for (const Pipe* pipe : {&connection.up, &connection.down}) {
        const bool stalled = mode_ == Mode::kStalled;
        const bool wants_more = !stalled && !pipe->ended && pipe->queued_bytes < kQueuedBytesMax;
        const bool has_due = !stalled && !pipe->queue.empty() && pipe->queue.front().due <= now;
        if (wants_more) watched.push_back({pipe->from, POLLIN, 0});
        if (has_due) watched.push_back({pipe->to, POLLOUT, 0});
      }
    }
    const int wait_ms = NextDelayMs();
    lock.unlock();
    poll(watched.data(), watched.size(), wait_ms);
    lock.lock();
    char drained[64];
    while (read(wake_[0], drained, sizeof(drained)) > 0) continue;
    Accept();
    for (Connection& connection : connections_) {
      if (mode_ == Mode::kStalled) break;
      for (Pipe* pipe : {&connection.up, &connection.down}) {
        Read(&connection, pipe);
        WriteDue(&connection, pipe);
      }
    }
    DropEnded();
  }
  for (Connection& connection : connections_) connection.broken = true;
  DropEnded();
}

void LinkProxy::Accept() {
  while (true) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int target = mode_ == Mode::kCut ? -1 : ConnectToLoopback(target_port_);
    if (target < 0) {
      close(client);
      continue;
    }
    PrepareSocket(client);
    PrepareSocket(target);
    Connection connection;
    connection.up = {client, target};
    connection.down = {target, client};
    connections_.push_back(std::move(connection));
  }
}

void LinkProxy::Read(Connection* connection, Pipe* pipe) {
  while (!pipe->ended && !connection->broken && pipe->queued_bytes < kQueuedBytesMax) {
    std::string bytes(kChunkBytes, '\0');
    const ssize_t count = read(pipe->from, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count <= 0) {
      pipe->ended = true;
      return;
    }
    bytes.resize(static_cast<size_t>(count));
    const bool upwards = pipe == &connection->up;
    if (upwards && !marker_.empty() && !connection->swallows && absl::StrContains(bytes, marker_)) {
      connection->swallows = true;
      ++swallowed_;
    }
    if (!upwards && mode_ == Mode::kMute) connection->swallows = true;
    if (!upwards && connection->swallows) continue;
    pipe->queued_bytes += bytes.size();
    pipe->queue.push_back({absl::Now() + delay_, std::move(bytes)});
  }
}

void LinkProxy::WriteDue(Connection* connection, Pipe* pipe) {
  const absl::Time now = absl::Now();
  while (!connection->broken && !pipe->queue.empty() && pipe->queue.front().due <= now) {
    std::string& bytes = pipe->queue.front().bytes;
    const ssize_t count = send(pipe->to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) {
      connection->broken = true;
      return;
    }
    pipe->queued_bytes -= static_cast<size_t>(count);
    bytes.erase(0, static_cast<size_t>(count));
    if (bytes.empty()) pipe->queue.pop_front();
  }
}

// An end of either side ends the whole connection once what came before it has been passed on.
void LinkProxy::DropEnded() {
  for (auto it = connections_.begin(); it != connections_.end();) {
    const bool up_done = it->up.ended && it->up.queue.empty();
    const bool down_done = it->down.ended && it->down.queue.empty();
    if (it->broken || up_done || down_done) {
      close(it->up.from);
      close(it->up.to);
      it = connections_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace lamppost::testing
