#include "services/common/health_service.h"

#include <cassert>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/security/refusal_log.h"

namespace lamppost {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr int64_t kRetryDelayMs = 1000;

grpc::Status CheckName(const std::string& service) {
  if (service.size() <= HealthService::kServiceNameBytesMax) return grpc::Status::OK;
  return ToGrpcStatus(MakeError(
      absl::StatusCode::kInvalidArgument, "SERVICE_NAME_TOO_LONG",
      absl::StrCat("a service's name has at most ", HealthService::kServiceNameBytesMax, " bytes")));
}

grpc::Status ShuttingDown() {
  return ToGrpcStatus(MakeRetryableError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                                         "the server is shutting down", kRetryDelayMs));
}

grpc::Status TooMany(absl::string_view message) {
  return ToGrpcStatus(
      MakeRetryableError(absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHERS", message, kRetryDelayMs));
}

// A call that is over before it began.
class RefusedWatch final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  explicit RefusedWatch(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

// One Watch call. Whatever happens to it, Continue decides the next step from what is wanted. gRPC runs
// no reaction inside StartWrite or Finish, so both may be called with the service's mutex held.
class HealthService::Watcher final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  Watcher(HealthService* service, std::string name, std::string host)
      : service_(service), name_(std::move(name)), host_(std::move(host)) {}

  const std::string& name() const { return name_; }

  void Show(State state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mu_) {
    wanted_ = state;
    Continue();
  }

  // Ends the call once the wanted state has been sent.
  void EndWith(grpc::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mu_) {
    if (!end_) end_ = std::move(status);
    Continue();
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&service_->mu_);
    writing_ = false;
    broken_ = broken_ || !ok;
    Continue();
  }

  void OnCancel() override {
    absl::MutexLock lock(&service_->mu_);
    broken_ = true;
    Continue();
  }

  void OnDone() override {
    {
      absl::MutexLock lock(&service_->mu_);
      service_->watchers_.erase(this);
      const auto of_host = service_->watchers_of_host_.find(host_);
      if (--of_host->second == 0) service_->watchers_of_host_.erase(of_host);
    }
    delete this;
  }

 private:
  void Continue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mu_) {
    if (writing_ || finished_) return;
    if (broken_) {
      finished_ = true;
      Finish(grpc::Status::CANCELLED);
    } else if (wanted_ != sent_) {
      writing_ = true;
      sent_ = wanted_;
      response_.set_status(*sent_);
      StartWrite(&response_);
    } else if (end_) {
      finished_ = true;
      Finish(*end_);
    }
  }

  HealthService* const service_;
  const std::string name_;
  const std::string host_;
  HealthCheckResponse response_;  // stays as it is while writing_
  std::optional<State> wanted_;
  std::optional<State> sent_;
  std::optional<grpc::Status> end_;
  bool writing_ = false;
  bool broken_ = false;  // the client has gone
  bool finished_ = false;
};

HealthService::~HealthService() {
  absl::MutexLock lock(&mu_);
  assert(watchers_.empty() && "the server must have ended first");
}

HealthService::State HealthService::StateOf(absl::string_view service) const {
  const auto it = services_.find(service);
  if (it == services_.end()) return HealthCheckResponse::SERVICE_UNKNOWN;
  return it->second == ServingState::kServing ? HealthCheckResponse::SERVING
                                              : HealthCheckResponse::NOT_SERVING;
}

void HealthService::Set(absl::string_view service, ServingState state) {
  absl::MutexLock lock(&mu_);
  if (shut_down_) return;
  services_[std::string(service)] = state;
  for (Watcher* watcher : watchers_) {
    if (watcher->name() == service) watcher->Show(StateOf(service));
  }
}

void HealthService::Shutdown() {
  absl::MutexLock lock(&mu_);
  shut_down_ = true;
  for (auto& [name, state] : services_) state = ServingState::kNotServing;
  for (Watcher* watcher : watchers_) {
    watcher->Show(StateOf(watcher->name()));
    watcher->EndWith(ShuttingDown());
  }
}

size_t HealthService::watchers() const {
  absl::MutexLock lock(&mu_);
  return watchers_.size();
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  grpc::Status status = CheckName(request->service());
  if (status.ok()) {
    absl::MutexLock lock(&mu_);
    response->set_status(StateOf(request->service()));
  }
  if (response->status() == HealthCheckResponse::SERVICE_UNKNOWN) {
    status = ToGrpcStatus(MakeError(absl::StatusCode::kNotFound, "SERVICE_UNKNOWN",
                                    absl::StrCat("there is no service \"", request->service(), "\"")));
  }
  auto* reactor = context->DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(grpc::CallbackServerContext* context,
                                                                    const HealthCheckRequest* request) {
  const grpc::Status name_status = CheckName(request->service());
  if (!name_status.ok()) return new RefusedWatch(name_status);
  std::string host = security::HostOfPeer(context->peer());
  absl::MutexLock lock(&mu_);
  if (watchers_.size() >= limits_.watchers_max)
    return new RefusedWatch(TooMany(absl::StrCat("there are ", limits_.watchers_max, " watchers already")));
  size_t& of_host = watchers_of_host_[host];
  if (of_host >= limits_.watchers_of_host_max) {
    return new RefusedWatch(
        TooMany(absl::StrCat("there are ", limits_.watchers_of_host_max, " watchers of your host already")));
  }
  ++of_host;
  auto* watcher = new Watcher(this, request->service(), std::move(host));
  watchers_.insert(watcher);
  watcher->Show(StateOf(watcher->name()));
  if (shut_down_) watcher->EndWith(ShuttingDown());
  return watcher;
}

}  // namespace lamppost
