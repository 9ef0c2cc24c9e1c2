#include "services/kv/server/node.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/logging.h"
#include "services/common/metrics/certificate_metrics.h"
#include "services/common/metrics/process_metrics.h"
#include "services/common/port_probe.h"
#include "services/common/version.h"
#include "services/kv/server/salvage_run.h"
#include "services/kv/server/wall_clock.h"
#include "services/kv/storage/rocksdb_storage.h"
#include "services/kv/storage/salvage_files.h"

namespace lamppost::kv {
namespace {

// A Sync carries whole events: a group of live writes or a chunk of a catch-up, with its largest batch.
constexpr int kMessageBytesMax = 16 << 20;

uint64_t RandomNumber() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

ReplicaOptions MakeReplicaOptions(const Settings& settings, uint64_t boot_id) {
  ReplicaOptions options;
  options.node_id = settings.node_id;
  options.cluster = settings.cluster;
  for (const Address& peer : settings.peers)
    options.peer_addresses.push_back(
        peer.Url(settings.tls.empty() ? Transport::kPlainText : Transport::kTls));
  options.boot_id = boot_id;
  options.life_seed = RandomNumber();
  options.stability =
      settings.durability == Durability::kSync ? Stability::kAtEachCommit : Stability::kAtFlushes;
  return options;
}

DriverOptions MakeDriverOptions(const Settings& settings) {
  DriverOptions options;
  options.durability = settings.durability;
  options.data_directory = settings.data_directory;
  options.disk_reserve_bytes = settings.disk_reserve_bytes;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Node>> Node::Start(const Settings& settings, NodeEnvironment environment) {
  // Before anything is written: a port that is taken must not leave a new data directory behind.
  for (const Address& address : settings.listen) {
    if (absl::Status status = ProbePort(address); !status.ok()) return status;
  }
  if (settings.metrics) {
    if (absl::Status status = ProbePort(*settings.metrics); !status.ok()) return status;
  }
  std::unique_ptr<Node> node(new Node(settings, std::move(environment)));
  if (absl::Status status = node->OpenTls(); !status.ok()) return status;
  if (absl::Status status = node->Open(); !status.ok()) return status;
  if (absl::Status status = node->Serve(); !status.ok()) return status;
  return node;
}

Node::~Node() {
  Drain();
}

absl::Status Node::OpenTls() {
  if (settings_.tls.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<security::ServerTls>> tls =
      security::ServerTls::Open(settings_.tls, {security::Identity::Kind::kNode, settings_.node_id});
  if (!tls.ok()) return tls.status();
  tls_ = *std::move(tls);
  return absl::OkStatus();
}

absl::Status Node::OpenStorage() {
  RocksDbOptions storage_options;
  storage_options.block_cache_bytes = settings_.block_cache_bytes;
  storage_options.memtable_bytes = settings_.memtable_bytes;
  storage_options.on_damage = environment_.on_damage;
  absl::StatusOr<std::unique_ptr<RocksDbStorage>> storage =
      RocksDbStorage::Open(settings_.data_directory, storage_options);
  if (!storage.ok()) return storage.status();
  storage_ = *std::move(storage);
  if (!IsSalvageMarked(storage_->directory())) return absl::OkStatus();
  return RunSalvage(storage_.get(), environment_.owner);
}

absl::Status Node::Open() {
  if (absl::Status status = OpenStorage(); !status.ok()) return status;
  boot_id_ = RandomNumber();
  absl::StatusOr<std::unique_ptr<Replica>> replica =
      Replica::Open(MakeReplicaOptions(settings_, boot_id_), storage_.get());
  if (!replica.ok()) return replica.status();
  replica_ = *std::move(replica);

  facts_.version = kVersion;
  facts_.cluster = settings_.cluster;
  facts_.durability = settings_.durability == Durability::kSync ? "sync" : "interval";
  facts_.started_ms = MonotonicMs();
  DriverOptions driver_options = MakeDriverOptions(settings_);
  driver_options.on_fatal_error = environment_.on_fatal_error;
  driver_options.on_damage = environment_.on_damage;
  driver_options.on_trace = [this](const Tracer::Points& points) { traces_->Publish(points); };
  Outbox* outbox = this;
  if (settings_.faults == FaultMode::kEnabled) {
    faults_ = std::make_unique<FaultyOutbox>(RandomNumber(), replica_.get(), outbox, [this](TracePoint mark) {
      traces_->Publish({{std::move(mark)}, 0});
    });
    outbox = faults_.get();
  }
  driver_ = std::make_unique<Driver>(driver_options, replica_.get(), storage_.get(), outbox);
  shell_ = std::make_unique<Shell>(settings_.node_id, replica_->clock(), driver_.get());
  shell_->set_refilling(replica_->state().refilling);
  shell_->set_ingress(faults_.get());
  if (tls_ != nullptr) shell_->set_gate(tls_->gate());
  has_peers_ = replica_->member_count() > 1;
  return absl::OkStatus();
}

absl::Status Node::Serve() {
  Limits limits;
  limits.value_bytes_max = settings_.value_bytes_max;
  kv_service_ = std::make_unique<KvServiceImpl>(
      limits, shell_.get(), storage_.get(),
      [this](const Replica& replica, v1::StatusResponse* response) { FillStatus(replica, response); });
  driver_->SetHeadsListener([this] { kv_service_->HeadsChanged(); });
  replication_service_ = std::make_unique<ReplicationServiceImpl>(shell_.get());
  SnapshotCallsOptions snapshots;
  snapshots.cluster = settings_.cluster;
  snapshots.estimate_bytes = [this] { return storage_->EstimatedDataBytes(); };
  snapshot_calls_ = std::make_unique<SnapshotCalls>(std::move(snapshots), shell_.get(), storage_.get());
  TraceCallsOptions traces;
  traces.node_id = settings_.node_id;
  traces.boot_id = boot_id_;
  traces.started_unix_ms = UnixMs();
  traces_ = std::make_unique<TraceCalls>(std::move(traces), shell_.get());
  const auto peer_credentials = tls_ == nullptr ? nullptr : tls_->NewPeerCredentials();
  admin_service_ = std::make_unique<AdminServiceImpl>(MemberAdminOptions{settings_.cluster, peer_credentials},
                                                      limits, shell_.get(), storage_.get(),
                                                      snapshot_calls_.get(), faults_.get(), traces_.get());
  links_ = std::make_unique<PeerLinks>(shell_.get(), peer_credentials);
  ServerOptions options;
  if (tls_ != nullptr) {
    options.credentials = tls_->server_credentials();
    options.refuse_plain_text = [this](grpc::CallbackServerContext* context) {
      return shell_->Failure(context, tls_->gate()->RefusePlainText(*context));
    };
  }
  options.listen = settings_.listen;
  options.message_bytes_max = kMessageBytesMax;
  options.process_bytes_max = settings_.memory_bytes_max;
  options.client_ping_interval_min_ms = PeerLink::kKeepaliveTimeMs / 2;
  options.initial_state = ServingState::kNotServing;
  options.services = {{kv_service_.get(), v1::KvService::service_full_name()},
                      {admin_service_.get(), v1::AdminService::service_full_name()},
                      {replication_service_.get(), v1::ReplicationService::service_full_name()}};
  if (settings_.metrics) {
    request_metrics_ = std::make_shared<RequestMetrics>(ServiceNames(options));
    options.interceptors = {request_metrics_->interceptors()};
  }
  options.on_drain = [this] {
    shell_->sessions()->Drain();
    driver_->Post([](Replica* replica) { replica->EndReplicaWaits(); });
    kv_service_->Drain();
    replication_service_->Drain();
    snapshot_calls_->Drain();
    traces_->Drain();
    links_->Shutdown();
  };
  server_ = std::make_unique<Server>(std::move(options));
  // The driver first: the server's first call may need it.
  if (absl::Status status = driver_->Start(); !status.ok()) return status;
  if (absl::Status status = server_->Start(); !status.ok()) return status;
  if (absl::Status status = ServeMetrics(); !status.ok()) return status;
  if (settings_.scrub_interval_ms == 0) return absl::OkStatus();
  ScrubberOptions scrub;
  scrub.interval_ms = settings_.scrub_interval_ms;
  scrub.on_damage = environment_.on_damage;
  scrubber_ = std::make_unique<Scrubber>(std::move(scrub), storage_.get(), driver_.get());
  return absl::OkStatus();
}

absl::Status Node::ServeMetrics() {
  if (!settings_.metrics) return absl::OkStatus();
  NodeMetricsParts parts;
  parts.driver = driver_.get();
  parts.store = storage_.get();
  parts.lag = &lag_watch_;
  parts.status = [this](const Replica& replica, v1::StatusResponse* response) {
    FillStatus(replica, response);
  };
  parts.rocksdb = [this] { return storage_->Facts(); };
  parts.services = [this](ServerFacts* facts) {
    const BulkBudget& bulks = kv_service_->bulk_budget();
    facts->watches = kv_service_->watches();
    facts->watches_max = WatchService::kWatchesMax;
    facts->bulk_streams = bulks.streams();
    facts->bulk_streams_max = bulks.limits().streams_max;
    facts->bulk_bytes = bulks.bytes();
    facts->bulk_bytes_max = bulks.limits().all_bytes_max;
  };
  node_metrics_ = std::make_shared<NodeMetrics>(std::move(parts));
  auto process = std::make_shared<ProcessMetrics>("lamppost-kv", kVersion, settings_.memory_bytes_max);
  std::function<absl::Time()> not_after;
  if (tls_ != nullptr) not_after = [this] { return tls_->not_after(); };
  auto certificate = std::make_shared<CertificateMetrics>(std::move(not_after));
  absl::StatusOr<std::unique_ptr<MetricsServer>> server = MetricsServer::Start(
      *settings_.metrics, {std::move(process), std::move(certificate), request_metrics_, node_metrics_});
  if (!server.ok()) return server.status();
  metrics_server_ = *std::move(server);
  return absl::OkStatus();
}

void Node::Drain() {
  if (drained_) return;
  drained_ = true;
  metrics_server_.reset();
  scrubber_.reset();
  // The driver goes last: calls under way need it to end.
  if (server_) server_->Drain(static_cast<int64_t>(settings_.drain_ms));
  // Links may be open although the server never started.
  if (links_) {
    links_->Shutdown();
    links_->AwaitEnd();
  }
  if (snapshot_calls_) snapshot_calls_->AwaitEnd();
  if (shell_) {
    shell_->sessions()->Drain();
    shell_->sessions()->AwaitEnd();
  }
  if (driver_) driver_->Stop();
}

void Node::Send(PeerIndex peer, SyncMessage message) {
  links_->Send(peer, std::move(message));
}

void Node::SendAnswer(const OutgoingAnswer& outgoing) {
  replication_service_->SendAnswer(outgoing.link, outgoing.answer);
}

void Node::Poll(uint64_t now_ms) {
  shell_->set_incarnation(replica_->me().incarnation);
  has_peers_.store(replica_->member_count() > 1, std::memory_order_relaxed);
  UpdateRefilling();
  if (settings_.metrics) lag_watch_.Look(*replica_, now_ms);
  const NodeState state = State();
  UpdateHealth(state);
  if (environment_.on_alive) environment_.on_alive(state, now_ms);
  snapshot_calls_->Poll(now_ms);
  traces_->Poll(now_ms);
  links_->Poll(replica_->peers(), now_ms);
}

// This is within a group: what ends the refilling may be in it and not yet committed. At the next time it is.
void Node::UpdateRefilling() {
  polls_refilled_ = replica_->state().refilling ? 0 : polls_refilled_ + 1;
  if (polls_refilled_ != 2 || !shell_->refilling()) return;
  shell_->set_refilling(false);
  Log(LogLevel::kInfo, "a peer has given this node everything: reads are served again");
}

void Node::FillStatus(const Replica& replica, v1::StatusResponse* response) const {
  kv::FillStatus(facts_, MonotonicMs(), replica, response);
  if (faults_) response->set_link_faults(faults_->count());
}

NodeState Node::State() const {
  if (replica_->state().removed) return NodeState::kRemoved;
  if (!replica_->IsLifeDecided()) return NodeState::kDecidingLife;
  return shell_->refilling() ? NodeState::kRefilling : NodeState::kServing;
}

// The node takes calls from the moment its life is decided, until it is removed, and clients' while its data
// is whole. With a full disk it still answers reads; so does a removed one, but nobody should go there any
// more.
void Node::UpdateHealth(NodeState state) {
  const bool serves = state == NodeState::kServing;
  const bool serves_peers = serves || state == NodeState::kRefilling;
  SetHealth(v1::ReplicationService::service_full_name(), serves_peers);
  for (const absl::string_view service :
       {absl::string_view(), absl::string_view(v1::KvService::service_full_name()),
        absl::string_view(v1::AdminService::service_full_name())}) {
    SetHealth(service, serves);
  }
}

void Node::SetHealth(absl::string_view service, bool serves) {
  const auto [it, is_first] = serving_.try_emplace(std::string(service), false);
  if (it->second == serves) return;
  it->second = serves;
  server_->health().Set(service, serves ? ServingState::kServing : ServingState::kNotServing);
}

}  // namespace lamppost::kv
