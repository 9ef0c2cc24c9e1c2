#include "tests/bench/cluster.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/kv_lanes.h"

namespace lamppost::bench {
namespace {

constexpr int64_t kStartDeadlineMs = 30'000;
constexpr int64_t kStopDeadlineMs = 30'000;
constexpr int64_t kFillDeadlineMs = 300'000;
constexpr int kKeysPerBatch = 250;
constexpr int kFlights = 8;

char NodeName(int node) {
  return static_cast<char>('A' + node);
}

std::string HostPort(int port) {
  return absl::StrCat("127.0.0.1:", port);
}

}  // namespace

Cluster::Cluster(std::string program, std::string durability, std::string directory, std::vector<int> ports)
    : program_(std::move(program)),
      durability_(std::move(durability)),
      directory_(std::move(directory)),
      ports_(std::move(ports)),
      processes_(ports_.size()) {
  for (int node = 0; node < size(); ++node) {
    stubs_.push_back(kv::v1::KvService::NewStub(Connect(Target(node), 1)[0]));
  }
}

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Start(const std::string& program,
                                                        const std::string& durability,
                                                        const std::string& directory, int nodes) {
  std::filesystem::create_directories(directory);
  absl::StatusOr<std::vector<int>> ports = FreePorts(nodes);
  if (!ports.ok()) return ports.status();
  std::unique_ptr<Cluster> cluster(new Cluster(program, durability, directory, *std::move(ports)));
  for (int node = 0; node < nodes; ++node) {
    if (absl::Status status = cluster->StartNode(node); !status.ok()) return status;
  }
  if (absl::Status status = cluster->WaitConverged(kStartDeadlineMs); !status.ok()) return status;
  return cluster;
}

absl::Status Cluster::StartNode(int node) {
  std::string peers;
  for (int other = 0; other < size(); ++other) {
    if (other != node) absl::StrAppend(&peers, peers.empty() ? "" : ",", "http://", Target(other));
  }
  std::vector<std::string> command = {program_,
                                      "--id",
                                      std::string(1, NodeName(node)),
                                      "--port",
                                      absl::StrCat(ports_[node]),
                                      "--data-dir",
                                      DataDirectory(node),
                                      "--durability",
                                      durability_,
                                      "--log-level",
                                      "warn"};
  if (!peers.empty()) command.insert(command.end(), {"--peers", peers});
  auto process = Process::Start(command, absl::StrCat(DataDirectory(node), ".log"));
  if (!process.ok()) return process.status();
  processes_[node] = *std::move(process);
  return absl::OkStatus();
}

absl::Status Cluster::StopNode(int node) {
  absl::Status status = processes_[node]->Stop(kStopDeadlineMs);
  processes_[node].reset();
  return status;
}

absl::Status Cluster::Stop() {
  absl::Status first;
  for (int node = 0; node < size(); ++node) {
    if (processes_[node]) first.Update(StopNode(node));
  }
  return first;
}

double Cluster::CpuSeconds() const {
  double seconds = 0;
  for (const auto& process : processes_) seconds += process ? process->CpuSeconds() : 0;
  return seconds;
}

std::string Cluster::Target(int node) const {
  return HostPort(ports_[node]);
}

std::string Cluster::DataDirectory(int node) const {
  return absl::StrCat(directory_, "/", std::string(1, NodeName(node)));
}

absl::StatusOr<kv::v1::StatusResponse> Cluster::Status(int node) {
  if (absl::Status status = processes_[node]->CheckRunning(); !status.ok()) return status;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  context.set_wait_for_ready(true);
  kv::v1::StatusResponse response;
  const grpc::Status status = stubs_[node]->Status(&context, kv::v1::StatusRequest(), &response);
  if (!status.ok()) return absl::UnavailableError(status.error_message());
  return response;
}

absl::Status Cluster::WaitFor(int node, const std::string& what,
                              const std::function<bool(const kv::v1::StatusResponse&)>& wanted,
                              int64_t deadline_ms) {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(deadline_ms);
  std::string last = "it has not answered";
  while (absl::Now() < deadline) {
    if (absl::Status status = processes_[node]->CheckRunning(); !status.ok()) return status;
    const absl::StatusOr<kv::v1::StatusResponse> status = Status(node);
    if (status.ok() && wanted(*status)) return absl::OkStatus();
    last = status.ok() ? status->ShortDebugString() : std::string(status.status().message());
    absl::SleepFor(absl::Milliseconds(10));
  }
  return absl::DeadlineExceededError(absl::StrCat("node ", std::string(1, NodeName(node)), ": not ", what,
                                                  " after ", deadline_ms, " ms; last: ", last));
}

absl::Status Cluster::WaitConverged(int64_t deadline_ms) {
  std::string hash;
  for (int node = 0; node < size(); ++node) {
    const auto converged = [node, &hash](const kv::v1::StatusResponse& status) {
      if (node == 0) hash = status.content_hash();
      return status.converged() && status.content_hash() == hash;
    };
    if (absl::Status status = WaitFor(node, "converged", converged, deadline_ms); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<double> Fill(const Cluster& cluster, const std::vector<int>& nodes, uint64_t keys,
                            size_t value_bytes) {
  Channels channels;
  for (const int node : nodes) channels.push_back(Connect(cluster.Target(node), 1)[0]);
  BatchWriter writer({keys, value_bytes}, kKeysPerBatch);
  const Lanes lanes = writer.MakeLanes(channels, kFlights);
  LoadLimits limits;
  limits.duration_ms = kFillDeadlineMs;
  limits.enough = [&writer] { return writer.Ended(); };
  const LoadResult result = RunLoad(lanes, limits);
  if (result.errors > 0) {
    return absl::InternalError(absl::StrCat(result.errors, " batches failed: ", result.first_error));
  }
  if (!writer.Ended()) return absl::DeadlineExceededError("the keys were not written in time");
  return static_cast<double>(keys) / result.seconds;
}

}  // namespace lamppost::bench
