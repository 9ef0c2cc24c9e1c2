#include "services/rpc/server/rpc_server.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/common/metrics/certificate_metrics.h"
#include "services/common/metrics/process_metrics.h"
#include "services/common/port_probe.h"
#include "services/common/version.h"
#include "services/rpc/server/request_stores.h"

namespace lamppost::rpc {
namespace {

// For what has been killed to be over, and its outcome recorded.
constexpr int64_t kKillMs = 3000;
// After a fatal error everybody has been answered; the answers are to reach them.
constexpr int64_t kFailedMs = 500;
constexpr HealthLimits kHealthLimits = {10'000, 2500};
// etcd takes requests of at most 1.5 MiB, and a result may double when it is written into its record.
constexpr size_t kEtcdResultBytesMax = size_t{512} << 10;

uint64_t RandomNumber() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

// Of one life of the server. Counters are never issued twice whatever it is, but with a store in memory; its
// high half is a positive number of 31 bits, as everywhere.
uint64_t MakeIncarnation() {
  const uint64_t number = RandomNumber() >> 1;
  return number == 0 ? 1 : number;
}

// A directory that goes away later is a problem in the list of functions; one that is wrong from the
// beginning is a mistake on the command line.
absl::Status CheckFunctionsDirectory(const std::string& directory) {
  if (directory.empty()) return absl::OkStatus();
  if (DIR* const opened = opendir(directory.c_str()); opened != nullptr) {
    closedir(opened);
    return absl::OkStatus();
  }
  return MakeError(
      absl::StatusCode::kNotFound, "FUNCTIONS_DIR_UNUSABLE",
      absl::StrCat("cannot read the functions directory ", directory, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const Settings& settings, Launcher launcher,
                                                            RpcEnvironment environment) {
  // Before anything is written: a mistake must not leave a new data directory behind.
  for (const Address& address : settings.listen) {
    if (absl::Status status = ProbePort(address); !status.ok()) return status;
  }
  if (settings.metrics) {
    if (absl::Status status = ProbePort(*settings.metrics); !status.ok()) return status;
  }
  if (absl::Status status = CheckFunctionsDirectory(settings.functions_directory); !status.ok())
    return status;
  std::unique_ptr<RpcServer> server(new RpcServer(settings, std::move(environment)));
  absl::Status status = server->OpenTls();
  if (status.ok()) status = server->Open(std::move(launcher));
  if (status.ok()) status = server->Serve();
  if (!status.ok()) return status;
  return server;
}

RpcServer::~RpcServer() {
  Drain();
}

absl::Status RpcServer::OpenTls() {
  if (settings_.tls.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<security::ServerTls>> tls =
      security::ServerTls::Open(settings_.tls, {security::Identity::Kind::kServer, ""});
  if (!tls.ok()) return tls.status();
  tls_ = *std::move(tls);
  return absl::OkStatus();
}

DriverOptions RpcServer::MakeDriverOptions() {
  DriverOptions options;
  options.engine.origin = {settings_.node_id, incarnation_};
  options.engine.requests_max = settings_.requests_max;
  options.engine.sweeper.retention_ms = settings_.retention_ms;
  options.engine.sweeper.records_max = settings_.records_max;
  if (settings_.store.kind == StoreChoice::Kind::kEtcd) options.engine.result_bytes_max = kEtcdResultBytesMax;
  options.on_run_started = [this](const RequestId& id) { faults_->RunStarted(id); };
  options.on_store_state = [this](StoreState state) { TakeStoreState(state); };
  options.on_fatal_error = [this](const absl::Status& status) {
    failed_ = true;
    environment_.on_fatal_error(status);
  };
  options.on_alive = environment_.on_alive;
  return options;
}

absl::Status RpcServer::Open(Launcher launcher) {
  incarnation_ = MakeIncarnation();
  faults_ = std::make_unique<Faults>(settings_.faults, RandomNumber(),
                                     [this](uint64_t delay_ms) { crash_timer_.CrashIn(delay_ms); });
  store_ = MakeRequestStore(settings_);

  FunctionHostOptions host_options;
  host_options.functions_directory = settings_.functions_directory;
  host_options.counter_directory = settings_.counter_directory;
  host_options.builtin_threads = settings_.builtin_threads;
  host_options.on_fatal_error = [this](const absl::Status& status) { TakeHostFailure(status); };
  absl::StatusOr<std::unique_ptr<FunctionHost>> host = FunctionHost::Start(
      host_options, std::move(launcher),
      [this](std::shared_ptr<const Registry> registry) { TakeRegistry(std::move(registry)); });
  if (!host.ok()) return host.status();
  host_ = *std::move(host);
  driver_ = std::make_unique<Driver>(MakeDriverOptions(), store_.get(), host_->registry());
  if (absl::Status status = driver_->Start(); !status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  registry_taker_ = driver_.get();
  driver_->SetRegistry(host_->registry());
  return host_failure_;
}

// The driver records nothing from here on: a run that was under way has no outcome that anybody knows.
void RpcServer::TakeHostFailure(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  host_failure_ = status;
  if (registry_taker_ != nullptr) registry_taker_->Abandon(status);
}

// Under the mutex, so that the newest comes last.
void RpcServer::TakeRegistry(std::shared_ptr<const Registry> registry) {
  absl::MutexLock lock(&mutex_);
  if (registry_taker_ != nullptr) registry_taker_->SetRegistry(std::move(registry));
}

absl::Status RpcServer::Serve() {
  shell_ = std::make_unique<CallShell>(settings_.node_id, driver_->clock(),
                                       [this](uint64_t counter, std::function<void(absl::Status)> next) {
                                         driver_->ReserveThen(counter, std::move(next));
                                       });
  shell_->set_incarnation(incarnation_);
  if (tls_ != nullptr) shell_->set_gate(tls_->gate());
  function_service_ = std::make_unique<FunctionServiceImpl>(
      shell_.get(), driver_.get(), faults_.get(),
      std::max(FunctionServiceImpl::kCallsMax, 2 * settings_.requests_max));
  fault_service_ = std::make_unique<FaultServiceImpl>(shell_.get(), faults_.get());
  ServerOptions options;
  options.listen = settings_.listen;
  if (tls_ != nullptr) {
    options.credentials = tls_->server_credentials();
    options.refuse_plain_text = [this](grpc::CallbackServerContext* context) {
      return shell_->Failure(context, tls_->gate()->RefusePlainText(*context));
    };
  }
  options.initial_state = ServingState::kNotServing;
  options.process_bytes_max = settings_.memory_bytes_max;
  // Every client that balances over several servers watches the health of each.
  options.health = kHealthLimits;
  options.services = {{function_service_.get(), v1::FunctionService::service_full_name()},
                      {fault_service_.get(), v1::FaultService::service_full_name()}};
  if (settings_.metrics) {
    request_metrics_ = std::make_shared<RequestMetrics>(ServiceNames(options));
    options.interceptors = {request_metrics_->interceptors()};
  }
  options.on_drain = [this] { driver_->Drain(settings_.drain_ms); };
  server_ = std::make_unique<Server>(std::move(options));
  if (absl::Status status = server_->Start(); !status.ok()) return status;
  if (absl::Status status = ServeMetrics(); !status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  serving_ = true;
  TellHealth();
  return absl::OkStatus();
}

absl::Status RpcServer::ServeMetrics() {
  if (!settings_.metrics) return absl::OkStatus();
  RpcMetricsParts parts;
  parts.driver = driver_.get();
  parts.services = [this](RpcServerFacts* facts) {
    facts->calls = function_service_->calls_under_way();
    facts->calls_max = function_service_->calls_max();
    absl::MutexLock lock(&mutex_);
    facts->store_is_up = store_state_ == StoreState::kAvailable;
  };
  rpc_metrics_ = std::make_shared<RpcMetrics>(std::move(parts));
  auto process = std::make_shared<ProcessMetrics>("lamppost-rpc", kVersion, settings_.memory_bytes_max);
  std::function<absl::Time()> not_after;
  if (tls_ != nullptr) not_after = [this] { return tls_->not_after(); };
  auto certificate = std::make_shared<CertificateMetrics>(std::move(not_after));
  absl::StatusOr<std::unique_ptr<MetricsServer>> server = MetricsServer::Start(
      *settings_.metrics, {std::move(process), std::move(certificate), request_metrics_, rpc_metrics_});
  if (!server.ok()) return server.status();
  metrics_server_ = *std::move(server);
  return absl::OkStatus();
}

void RpcServer::TakeStoreState(StoreState state) {
  absl::MutexLock lock(&mutex_);
  store_state_ = state;
  if (serving_) TellHealth();
}

// While nothing can be recorded, calls are better sent to another server.
void RpcServer::TellHealth() {
  const ServingState state =
      store_state_ == StoreState::kAvailable ? ServingState::kServing : ServingState::kNotServing;
  server_->health().Set("", state);
  server_->health().Set(v1::FunctionService::service_full_name(), state);
  server_->health().Set(v1::FaultService::service_full_name(), ServingState::kServing);
}

void RpcServer::Drain() {
  if (drained_) return;
  drained_ = true;
  metrics_server_.reset();
  // Calls under way end when their runs do, which is when the drain's time is over at the latest.
  const int64_t end_ms = failed_ ? kFailedMs : static_cast<int64_t>(settings_.drain_ms) + kKillMs;
  const absl::Time end = absl::Now() + absl::Milliseconds(end_ms);
  if (server_) server_->Drain(end_ms);
  if (driver_) driver_->Drain(settings_.drain_ms);  // in case that it has never served
  const bool idle = driver_ == nullptr || driver_->AwaitIdle(end - absl::Now());
  if (!idle) Log(LogLevel::kWarn, "some runs do not end; their outcome will be unknown");
  if (host_) host_->Stop();
  if (driver_) driver_->Stop();
}

}  // namespace lamppost::rpc
