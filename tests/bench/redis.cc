#include "tests/bench/redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace lamppost::bench {
namespace {

constexpr int kServers = 3;
constexpr char kOnline[] = "state=online";
constexpr int64_t kStartDeadlineMs = 30'000;
constexpr int64_t kStopDeadlineMs = 20'000;

// The answer to one inline command, as far as one read gives it; empty if the server is not there.
std::string Ask(int port, const std::string& command) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return "";
  const timeval patience{2, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string line = command + "\r\n";
    char buffer[8192];
    if (write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size())) {
      const ssize_t size = read(fd, buffer, sizeof(buffer));
      if (size > 0) answer.assign(buffer, static_cast<size_t>(size));
    }
  }
  close(fd);
  return answer;
}

struct CsvFigures {
  double per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

// redis-benchmark --csv: a header line with "test","rps",…,"p50_latency_ms",… and one line a test.
absl::StatusOr<CsvFigures> ParseCsv(const std::string& text) {
  std::vector<std::string> names;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    std::vector<std::string> cells = absl::StrSplit(absl::StrReplaceAll(line, {{"\"", ""}, {"\r", ""}}), ',');
    if (cells[0] == "test") names = cells;
    if (cells[0] != "SET" || names.size() != cells.size()) continue;
    CsvFigures figures;
    for (size_t i = 0; i < cells.size(); ++i) {
      double* const into = names[i] == "rps"              ? &figures.per_second
                           : names[i] == "p50_latency_ms" ? &figures.p50_ms
                           : names[i] == "p99_latency_ms" ? &figures.p99_ms
                                                          : nullptr;
      if (into != nullptr && !absl::SimpleAtod(cells[i], into)) break;
    }
    if (figures.per_second > 0) return figures;
  }
  return absl::InternalError(absl::StrCat("redis-benchmark printed no figures:\n", text));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisTrio>> RedisTrio::Start(const RedisPrograms& programs,
                                                            const std::string& directory) {
  std::unique_ptr<RedisTrio> trio(new RedisTrio(programs, directory));
  if (absl::Status status = trio->StartServers(); !status.ok()) return status;
  if (absl::Status status = trio->WaitReplicas(); !status.ok()) return status;
  return trio;
}

absl::Status RedisTrio::StartServers() {
  absl::StatusOr<std::vector<int>> ports = FreePorts(kServers);
  if (!ports.ok()) return ports.status();
  ports_ = *std::move(ports);
  for (int i = 0; i < kServers; ++i) {
    const std::string own = absl::StrCat(directory_, "/r", i);
    std::filesystem::create_directories(own);
    std::vector<std::string> argv = {
        programs_.server, "--port", absl::StrCat(ports_[i]), "--bind",   "127.0.0.1", "--dir", own,
        "--appendonly",   "yes",    "--appendfsync",         "everysec", "--save",    ""};
    if (i > 0) argv.insert(argv.end(), {"--replicaof", absl::StrCat("127.0.0.1 ", ports_[0])});
    auto process = Process::Start(argv, absl::StrCat(own, ".log"));
    if (!process.ok()) return process.status();
    processes_.push_back(*std::move(process));
  }
  return absl::OkStatus();
}

absl::Status RedisTrio::WaitReplicas() {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(kStartDeadlineMs);
  while (absl::Now() < deadline) {
    for (const auto& process : processes_) {
      if (absl::Status status = process->CheckRunning(); !status.ok()) return status;
    }
    const std::string answer = Ask(ports_[0], "INFO replication");
    // A line for each replica says so: more than one means both.
    if (answer.find(kOnline) != answer.rfind(kOnline)) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(50));
  }
  return absl::DeadlineExceededError("the Redis replicas did not connect");
}

absl::StatusOr<LoadResult> RedisTrio::Set(int concurrency, const KeySpace& space, int64_t duration_ms) {
  const auto calls =
      static_cast<uint64_t>(std::max(1000.0, expected_per_second_ * static_cast<double>(duration_ms) / 1000));
  const std::string output = absl::StrCat(directory_, "/set", rounds_++, ".csv");
  const auto start = std::chrono::steady_clock::now();
  auto process =
      Process::Start({programs_.benchmark, "-p", absl::StrCat(ports_[0]), "-t", "set", "-n",
                      absl::StrCat(calls), "-c", absl::StrCat(concurrency), "-d",
                      absl::StrCat(space.value_bytes), "-r", absl::StrCat(space.keys), "-q", "--csv"},
                     output);
  if (!process.ok()) return process.status();
  if (absl::Status status = (*process)->Wait(); !status.ok()) return status;
  const absl::StatusOr<CsvFigures> figures = ParseCsv(ReadFile(output));
  if (!figures.ok()) return figures.status();
  expected_per_second_ = figures->per_second;
  LoadResult result;
  result.calls = calls;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.calls_per_second = figures->per_second;
  result.p50_us = figures->p50_ms * 1000;
  result.p99_us = figures->p99_ms * 1000;
  return result;
}

double RedisTrio::CpuSeconds() const {
  double seconds = 0;
  for (const auto& process : processes_) seconds += process->CpuSeconds();
  return seconds;
}

absl::Status RedisTrio::Stop() {
  absl::Status first;
  for (const auto& process : processes_) first.Update(process->Stop(kStopDeadlineMs));
  return first;
}

}  // namespace lamppost::bench
