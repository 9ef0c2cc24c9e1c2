#include "tests/bench/etcd.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "etcd.grpc.pb.h"
#include "tests/bench/keys.h"
#include "tests/bench/unary_lane.h"

namespace lamppost::bench {
namespace {

constexpr int kMembers = 3;
constexpr int64_t kLeaderDeadlineMs = 30'000;
constexpr int64_t kStopDeadlineMs = 20'000;

std::string Url(int port) {
  return absl::StrCat("http://127.0.0.1:", port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EtcdCluster>> EtcdCluster::Start(const std::string& program,
                                                                const std::string& directory) {
  std::filesystem::create_directories(directory);
  absl::StatusOr<std::vector<int>> ports = FreePorts(2 * kMembers);
  if (!ports.ok()) return ports.status();
  const std::vector<int> client_ports(ports->begin(), ports->begin() + kMembers);
  const std::vector<int> peer_ports(ports->begin() + kMembers, ports->end());
  std::string members;
  for (int i = 0; i < kMembers; ++i) {
    absl::StrAppend(&members, i == 0 ? "" : ",", "e", i, "=", Url(peer_ports[i]));
  }
  std::unique_ptr<EtcdCluster> cluster(new EtcdCluster);
  for (int i = 0; i < kMembers; ++i) {
    const std::string name = absl::StrCat("e", i);
    auto process = Process::Start({program,
                                   "--name",
                                   name,
                                   "--data-dir",
                                   absl::StrCat(directory, "/", name),
                                   "--initial-cluster",
                                   members,
                                   "--initial-cluster-state",
                                   "new",
                                   "--listen-client-urls",
                                   Url(client_ports[i]),
                                   "--advertise-client-urls",
                                   Url(client_ports[i]),
                                   "--listen-peer-urls",
                                   Url(peer_ports[i]),
                                   "--initial-advertise-peer-urls",
                                   Url(peer_ports[i]),
                                   "--logger",
                                   "zap",
                                   "--log-level",
                                   "error"},
                                  absl::StrCat(directory, "/", name, ".log"));
    if (!process.ok()) return process.status();
    cluster->processes_.push_back(*std::move(process));
  }
  if (absl::Status status = cluster->FindLeader(client_ports); !status.ok()) return status;
  return cluster;
}

absl::Status EtcdCluster::FindLeader(const std::vector<int>& client_ports) {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(kLeaderDeadlineMs);
  std::string last_error;
  while (absl::Now() < deadline) {
    for (int i = 0; i < kMembers; ++i) {
      if (absl::Status status = processes_[i]->CheckRunning(); !status.ok()) return status;
      const std::string target = absl::StrCat("127.0.0.1:", client_ports[i]);
      const auto stub = etcdserverpb::Maintenance::NewStub(Connect(target, 1)[0]);
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
      etcdserverpb::StatusResponse response;
      const grpc::Status status = stub->Status(&context, etcdserverpb::StatusRequest(), &response);
      last_error = status.error_message();
      if (!status.ok() || response.leader() == 0 || response.leader() != response.header().member_id())
        continue;
      leader_target_ = target;
      version_ = response.version();
      return absl::OkStatus();
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
  return absl::DeadlineExceededError(absl::StrCat("etcd has found no leader: ", last_error));
}

double EtcdCluster::CpuSeconds() const {
  double seconds = 0;
  for (const auto& process : processes_) seconds += process->CpuSeconds();
  return seconds;
}

absl::Status EtcdCluster::Stop() {
  absl::Status first;
  for (const auto& process : processes_) first.Update(process->Stop(kStopDeadlineMs));
  return first;
}

Lanes EtcdPutLanes(const Channels& channels, int lanes, const KeySpace& space) {
  using Stub = etcdserverpb::KV::Stub;
  using PutLane = UnaryLane<Stub, etcdserverpb::PutRequest, etcdserverpb::PutResponse>;
  Lanes made;
  for (int i = 0; i < lanes; ++i) {
    auto next = [space, random = Random(static_cast<uint64_t>(i))](
                    const etcdserverpb::PutResponse&, etcdserverpb::PutRequest* request) mutable {
      request->set_key(KeyAt(random.Below(space.keys)));
      std::string* value = request->mutable_value();
      if (value->size() != space.value_bytes) *value = RandomValue(space.value_bytes, &random);
      (*value)[0] = static_cast<char>((*value)[0] + 1);
    };
    made.emplace_back(
        new PutLane(etcdserverpb::KV::NewStub(channels[static_cast<size_t>(i) % channels.size()]),
                    &Stub::async::Put, std::move(next)));
  }
  return made;
}

}  // namespace lamppost::bench
