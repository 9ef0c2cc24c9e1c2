#include "services/common/memory_guard.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/logging.h"

// gperftools' malloc, if the program is linked with it, keeps what was freed; glibc's gives it back by
// malloc_trim.
extern "C" __attribute__((weak)) void MallocExtension_ReleaseFreeMemory();

namespace lamppost {
namespace {

constexpr absl::Duration kBetweenTellings = absl::Seconds(1);

void ReleaseFreeMemory() {
  if (MallocExtension_ReleaseFreeMemory != nullptr) {
    MallocExtension_ReleaseFreeMemory();
  } else {
    malloc_trim(0);
  }
}

int IntOption(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// 0 if it is no TCP connection's.
int LocalPort(int fd) {
  if (IntOption(fd, SO_PROTOCOL) != IPPROTO_TCP || IntOption(fd, SO_ACCEPTCONN) != 0) return 0;
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  // The port is at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

std::string PeerOf(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  char host[INET6_ADDRSTRLEN] = {};
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
  const bool is_v6 = address.ss_family == AF_INET6;
  const void* bytes =
      is_v6 ? static_cast<const void*>(&v6->sin6_addr) : static_cast<const void*>(&v4->sin_addr);
  inet_ntop(address.ss_family, bytes, host, sizeof(host));
  return absl::StrCat(is_v6 ? "[" : "", host, is_v6 ? "]:" : ":", ntohs(v4->sin_port));
}

uint64_t ReceivedBytes(int fd) {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received : 0;
}

uint64_t CgroupBytesMax() {
  std::ifstream own("/proc/self/cgroup");
  std::string line;
  while (std::getline(own, line)) {
    if (line.rfind("0::", 0) != 0) continue;
    std::ifstream file(absl::StrCat("/sys/fs/cgroup", line.substr(3), "/memory.max"));
    std::string text;
    uint64_t bytes = 0;
    if (file >> text && absl::SimpleAtoi(text, &bytes)) return bytes;
  }
  return UINT64_MAX;
}

}  // namespace

uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t all_pages = 0, resident_pages = 0;
  file >> all_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t AllowedBytes() {
  struct sysinfo info = {};
  const uint64_t machine = sysinfo(&info) == 0 ? uint64_t{info.totalram} * info.mem_unit : UINT64_MAX;
  return std::min(machine, CgroupBytesMax());
}

MemoryGuard::MemoryGuard(MemoryGuardOptions options)
    : options_(std::move(options)), thread_([this] { Run(); }) {}

MemoryGuard::~MemoryGuard() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void MemoryGuard::Run() {
  const absl::Duration interval = absl::Milliseconds(options_.interval_ms);
  Remember(absl::Now());
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), interval)) return;
    }
    Look(absl::Now());
  }
}

void MemoryGuard::Look(absl::Time now) {
  if (ResidentBytes() > options_.bytes_max) ReleaseFreeMemory();  // that may be all that is too much
  if (ResidentBytes() <= options_.bytes_max) {
    if (now >= remembered_ + absl::Milliseconds(options_.memory_of_ms)) Remember(now);
    return;
  }
  int left = options_.shed_max;
  for (const auto& [sent_bytes, connection] : Senders()) {
    if (left-- == 0 || sent_bytes < options_.sent_bytes_min) break;
    Shut(connection, sent_bytes, now);
  }
}

std::vector<MemoryGuard::Connection> MemoryGuard::Connections() const {
  std::vector<Connection> connections;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc/self/fd"), closedir);
  if (directory == nullptr) return connections;
  while (const dirent* entry = readdir(directory.get())) {
    int fd = -1;
    if (!absl::SimpleAtoi(entry->d_name, &fd)) continue;
    const int port = LocalPort(fd);
    if (std::find(options_.ports.begin(), options_.ports.end(), port) == options_.ports.end()) continue;
    connections.push_back({fd, PeerOf(fd), ReceivedBytes(fd)});
  }
  return connections;
}

void MemoryGuard::Remember(absl::Time now) {
  remembered_ = now;
  received_.clear();
  for (const Connection& connection : Connections())
    received_[{connection.fd, connection.peer}] = connection.received_bytes;
}

std::vector<std::pair<uint64_t, MemoryGuard::Connection>> MemoryGuard::Senders() const {
  std::vector<std::pair<uint64_t, Connection>> senders;
  for (Connection& connection : Connections()) {
    const auto before = received_.find({connection.fd, connection.peer});
    const uint64_t sent_bytes = connection.received_bytes - (before == received_.end() ? 0 : before->second);
    senders.emplace_back(sent_bytes, std::move(connection));
  }
  std::sort(senders.begin(), senders.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  return senders;
}

// gRPC finds it ended. Should the descriptor have become another connection's in between, that one is opened
// again by whoever wants it.
void MemoryGuard::Shut(const Connection& connection, uint64_t sent_bytes, absl::Time now) {
  sockaddr nowhere = {};
  nowhere.sa_family = AF_UNSPEC;
  // Resets it, and drops what has come and was not read yet, as shutdown() would not; see connect(2).
  connect(connection.fd, &nowhere, sizeof(nowhere));
  ++shut_;
  if (now < told_ + kBetweenTellings) return;
  told_ = now;
  Log(LogLevel::kError, "memory is short: connections that send much are shut",
      {{"resident_bytes", ResidentBytes()},
       {"bytes_max", options_.bytes_max},
       {"peer", connection.peer},
       {"sent_bytes", sent_bytes},
       {"shut", shut_}});
  shut_ = 0;
}

}  // namespace lamppost
