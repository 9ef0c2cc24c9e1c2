#include "tests/bench/run.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/catch_up.h"
#include "tests/bench/cluster.h"
#include "tests/bench/etcd.h"
#include "tests/bench/kv_lanes.h"
#include "tests/bench/pairs.h"
#include "tests/bench/process.h"
#include "tests/bench/redis.h"

namespace lamppost::bench {
namespace {

constexpr double kPutTarget = 0.5;
constexpr double kGetTarget = 0.7;
constexpr int64_t kConvergeMs = 60'000;
constexpr int64_t kStopMs = 10'000;

void Say(const std::string& what) {
  std::cerr << "bench: " << what << std::endl;
}

// How often a second a small write can be made durable: what the sync figures hang on.
absl::StatusOr<double> SyncsPerSecond(const std::string& directory) {
  const std::string path = directory + "/sync-probe";
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return absl::InternalError(absl::StrCat("cannot write to ", directory));
  const std::string block(4096, 'x');
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + std::chrono::milliseconds(300);
  int syncs = 0;
  bool failed = false;
  while (!failed && std::chrono::steady_clock::now() < end) {
    failed = pwrite(fd, block.data(), block.size(), 4096 * (syncs % 256)) < 0 || fdatasync(fd) != 0;
    ++syncs;
  }
  close(fd);
  unlink(path.c_str());
  if (failed) return absl::InternalError(absl::StrCat("cannot sync in ", directory));
  return syncs / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A run under way: the echo server and the directory are there for all of it.
class Runner {
 public:
  Runner(const Options& options, Report* report)
      : options_(options),
        report_(report),
        plan_{options.pairs, options.round_ms, options.warm_up_ms},
        space_{options.key_space, options.value_bytes} {}

  absl::Status Run(const std::string& own_program) {
    absl::StatusOr<std::unique_ptr<TemporaryDirectory>> directory =
        TemporaryDirectory::Make(options_.work_directory);
    if (!directory.ok()) return directory.status();
    directory_ = *std::move(directory);
    absl::StatusOr<double> syncs = SyncsPerSecond(directory_->path());
    if (!syncs.ok()) return syncs.status();
    report_->syncs_per_second = *syncs;
    absl::Status status = StartEcho(own_program);
    if (status.ok()) status = OnSyncNodes();
    if (status.ok()) status = OnIntervalNodes();
    if (status.ok()) status = OnOneNode();
    if (!status.ok()) return status;
    if (status = echo_->Stop(kStopMs); !status.ok()) return status;
    return CatchUp();
  }

 private:
  absl::Status StartEcho(const std::string& own_program) {
    const absl::StatusOr<std::vector<int>> port = FreePorts(1);
    if (!port.ok()) return port.status();
    auto process = Process::Start({own_program, "echo-server", "--port", absl::StrCat((*port)[0]),
                                   "--value-bytes", absl::StrCat(options_.value_bytes)},
                                  Path("echo.log"));
    if (!process.ok()) return process.status();
    echo_ = *std::move(process);
    echo_channels_ = Connect(absl::StrCat("127.0.0.1:", (*port)[0]), options_.channels);
    for (const auto& channel : echo_channels_) {
      if (channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10))) continue;
      absl::Status status = echo_->CheckRunning();
      return status.ok() ? absl::DeadlineExceededError("the echo server does not answer") : status;
    }
    return absl::OkStatus();
  }

  absl::Status OnSyncNodes() {
    const std::string etcd = options_.parts.etcd ? FindProgram("etcd") : "";
    if (options_.parts.etcd && etcd.empty()) report_->notes.push_back("etcd: skipped, it is not installed");
    if (!options_.parts.put_sync && !options_.parts.get && etcd.empty()) return absl::OkStatus();
    absl::Status status = StartNodes("sync");
    if (status.ok() && options_.parts.get) status = Gets();
    if (status.ok() && options_.parts.put_sync) status = SyncPuts();
    if (status.ok() && !etcd.empty()) status = AgainstEtcd(etcd);
    if (status.ok()) status = nodes_->Stop();
    nodes_.reset();
    return status;
  }

  absl::Status OnIntervalNodes() {
    const RedisPrograms redis = FindRedis();
    const bool with_redis = !redis.server.empty() && !redis.benchmark.empty();
    if (!options_.parts.put_interval && !with_redis) return absl::OkStatus();
    absl::Status status = StartNodes("interval");
    if (status.ok() && options_.parts.put_interval) {
      status = Against(EchoPuts(), NodePuts("Put, interval", RequestIds::kWithout), kPutTarget);
    }
    if (status.ok() && with_redis) status = AgainstRedis(redis);
    if (status.ok()) status = nodes_->Stop();
    nodes_.reset();
    return status;
  }

  // What replication adds to a Put can be told from what it costs without.
  absl::Status OnOneNode() {
    if (!options_.parts.put_alone) return absl::OkStatus();
    absl::Status status = StartNodes("sync", 1);
    if (status.ok()) {
      status = Against(EchoPuts(), NodePuts("Put, sync, one node without peers", RequestIds::kWithout),
                       std::nullopt);
    }
    if (status.ok()) status = nodes_->Stop();
    nodes_.reset();
    return status;
  }

  absl::Status StartNodes(const std::string& durability, int count = Cluster::kNodes) {
    Say(absl::StrCat("nodes: ", count, ", --durability ", durability));
    const std::string directory = Path(absl::StrCat("nodes-", count, "-", durability));
    auto nodes = Cluster::Start(options_.node_program, durability, directory, count);
    if (!nodes.ok()) return nodes.status();
    nodes_ = *std::move(nodes);
    std::vector<int> all(count);
    std::iota(all.begin(), all.end(), 0);
    const absl::StatusOr<double> filled = Fill(*nodes_, all, space_.keys, space_.value_bytes);
    if (!filled.ok()) return filled.status();
    return nodes_->WaitConverged(kConvergeMs);
  }

  absl::Status Gets() {
    const int node = 1;  // not the one that the writes go to
    const Channels channels = Connect(nodes_->Target(node), options_.channels);
    return Against(LoadOf("echo, Get", GetLanes(echo_channels_, options_.concurrency, space_), EchoCpu()),
                   LoadOf("Get", GetLanes(channels, options_.concurrency, space_), NodesCpu()), kGetTarget);
  }

  absl::Status SyncPuts() {
    absl::Status status = Against(EchoPuts(), NodePuts("Put, sync", RequestIds::kWithout), kPutTarget);
    if (!status.ok()) return status;
    Contender echo_with_ids =
        LoadOf("echo, Put with request ids",
               PutLanes(echo_channels_, options_.concurrency, space_, RequestIds::kWith), EchoCpu());
    status = Against(std::move(echo_with_ids), NodePuts("Put with request ids, sync", RequestIds::kWith),
                     kPutTarget);
    if (!status.ok()) return status;
    return Against(EchoPuts(), PutsOnAllNodes(), std::nullopt);
  }

  absl::Status AgainstEtcd(const std::string& program) {
    Say("three etcd members");
    auto etcd = EtcdCluster::Start(program, Path("etcd"));
    if (!etcd.ok()) return etcd.status();
    const Channels channels = Connect((*etcd)->leader_target(), options_.channels);
    absl::Status status = Against(LoadOf(absl::StrCat("etcd ", (*etcd)->version(), ", Put at the leader"),
                                         EtcdPutLanes(channels, options_.concurrency, space_),
                                         [&etcd] { return (*etcd)->CpuSeconds(); }),
                                  NodePuts("Put, sync", RequestIds::kWithout), std::nullopt);
    status.Update((*etcd)->Stop());
    return status;
  }

  RedisPrograms FindRedis() {
    RedisPrograms redis;
    if (!options_.parts.redis) return redis;
    redis = {FindProgram("redis-server"), FindProgram("redis-benchmark")};
    if (redis.server.empty() || redis.benchmark.empty())
      report_->notes.push_back("Redis: skipped, redis-server and redis-benchmark are not both installed");
    return redis;
  }

  absl::Status AgainstRedis(const RedisPrograms& programs) {
    Say("a Redis master with two replicas");
    auto redis = RedisTrio::Start(programs, Path("redis"));
    if (!redis.ok()) return redis.status();
    Contender set;
    set.name = "Redis SET, everysec, by redis-benchmark";
    set.run = [this, &redis](int64_t duration_ms) {
      return (*redis)->Set(options_.concurrency, space_, duration_ms);
    };
    set.server_cpu_seconds = [&redis] { return (*redis)->CpuSeconds(); };
    absl::Status status =
        Against(std::move(set), NodePuts("Put, interval", RequestIds::kWithout), std::nullopt);
    status.Update((*redis)->Stop());
    return status;
  }

  absl::Status CatchUp() {
    if (!options_.parts.catch_up) return absl::OkStatus();
    Say(absl::StrCat("catch-up: ", options_.catch_up_keys, " keys that a node missed"));
    absl::StatusOr<CatchUpResult> result = MeasureCatchUp(options_, Path("catch-up"));
    if (!result.ok()) return result.status();
    report_->catch_up = *std::move(result);
    return absl::OkStatus();
  }

  std::function<double()> EchoCpu() {
    return [this] { return echo_->CpuSeconds(); };
  }

  std::function<double()> NodesCpu() {
    return [this] { return nodes_->CpuSeconds(); };
  }

  Contender EchoPuts() {
    return LoadOf("echo, Put", PutLanes(echo_channels_, options_.concurrency, space_, RequestIds::kWithout),
                  EchoCpu());
  }

  Contender NodePuts(std::string name, RequestIds ids) {
    const Channels channels = Connect(nodes_->Target(0), options_.channels);
    Contender puts =
        LoadOf(std::move(name), PutLanes(channels, options_.concurrency, space_, ids), NodesCpu());
    // What is still to be replicated belongs to the round that wrote it.
    puts.settle = [this] { return nodes_->WaitConverged(kConvergeMs); };
    return puts;
  }

  Contender PutsOnAllNodes() {
    Channels channels;
    for (int i = 0; i < std::max(options_.channels, nodes_->size()); ++i) {
      channels.push_back(Connect(nodes_->Target(i % nodes_->size()), 1)[0]);
    }
    Contender puts =
        LoadOf("Put, sync, spread over the nodes",
               PutLanes(channels, options_.concurrency, space_, RequestIds::kWithout), NodesCpu());
    puts.settle = [this] { return nodes_->WaitConverged(kConvergeMs); };
    return puts;
  }

  absl::Status Against(Contender base, Contender subject, std::optional<double> target) {
    absl::StatusOr<Ratio> ratio = MeasurePairs(base, subject, plan_);
    if (!ratio.ok()) return ratio.status();
    ratio->target = target;
    Say(absl::StrFormat("%s / %s = %.2f (%.0f / %.0f per second)", ratio->subject.name, ratio->base.name,
                        ratio->median, ratio->subject.per_second, ratio->base.per_second));
    report_->ratios.push_back(*std::move(ratio));
    return absl::OkStatus();
  }

  std::string Path(const std::string& name) const { return absl::StrCat(directory_->path(), "/", name); }

  const Options& options_;
  Report* const report_;
  const PairPlan plan_;
  const KeySpace space_;
  std::unique_ptr<TemporaryDirectory> directory_;  // outlives the processes
  std::unique_ptr<Process> echo_;
  Channels echo_channels_;
  std::unique_ptr<Cluster> nodes_;
};

}  // namespace

absl::Status Run(const Options& options, const std::string& own_program, Report* report) {
  const auto start = std::chrono::steady_clock::now();
  report->options = options;
  report->processors = static_cast<int>(std::thread::hardware_concurrency());
  const absl::Status status = Runner(options, report).Run(own_program);
  report->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return status;
}

}  // namespace lamppost::bench
