#include "services/common/reflection_service.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/common/reflection_answers.h"

namespace lamppost {
namespace {

using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;
using Reactor = grpc::ServerBidiReactor<ServerReflectionRequest, ServerReflectionResponse>;

constexpr int64_t kRetryDelayMs = 1000;

grpc::Status ShuttingDown() {
  return ToGrpcStatus(MakeRetryableError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                                         "the server is shutting down", kRetryDelayMs));
}

std::vector<std::string> Sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

// A call that is over before it began.
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

// One stream: a question is read, answered, and only then the next one read. gRPC runs no reaction
// inside StartRead, StartWrite or Finish, so they may be called with the service's mutex held.
class ReflectionService::Stream final : public Reactor {
 public:
  explicit Stream(ReflectionService* service)
      : service_(service),
        answers_(google::protobuf::DescriptorPool::generated_pool(), &service->services_) {}

  void Begin() { StartRead(&request_); }

  // A pending read does not hinder Finish; a pending write does, and then OnWriteDone finishes.
  void End() ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mu_) {
    if (!writing_) FinishOnce(ShuttingDown());
  }

  void OnReadDone(bool ok) override {
    absl::MutexLock lock(&service_->mu_);
    if (finished_) return;
    if (!ok) return FinishOnce(grpc::Status::OK);
    response_ = answers_.Answer(request_);
    writing_ = true;
    StartWrite(&response_);
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&service_->mu_);
    writing_ = false;
    if (!ok) return FinishOnce(grpc::Status::CANCELLED);
    if (service_->shut_down_) return FinishOnce(ShuttingDown());
    request_.Clear();
    StartRead(&request_);
  }

  void OnDone() override {
    {
      absl::MutexLock lock(&service_->mu_);
      service_->streams_.erase(this);
    }
    delete this;
  }

 private:
  void FinishOnce(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(service_->mu_) {
    if (finished_) return;
    finished_ = true;
    Finish(status);
  }

  ReflectionService* const service_;
  ReflectionAnswers answers_;
  ServerReflectionRequest request_;
  ServerReflectionResponse response_;  // stays as it is while writing_
  bool writing_ = false;
  bool finished_ = false;
};

ReflectionService::ReflectionService(std::vector<std::string> services)
    : services_(Sorted(std::move(services))) {}

ReflectionService::~ReflectionService() {
  absl::MutexLock lock(&mu_);
  assert(streams_.empty() && "the server must have ended first");
}

void ReflectionService::Shutdown() {
  absl::MutexLock lock(&mu_);
  shut_down_ = true;
  for (Stream* stream : streams_) stream->End();
}

Reactor* ReflectionService::ServerReflectionInfo(grpc::CallbackServerContext* context) {
  absl::MutexLock lock(&mu_);
  if (shut_down_) return new RefusedStream(ShuttingDown());
  if (streams_.size() >= kStreamsMax) {
    return new RefusedStream(ToGrpcStatus(MakeRetryableError(
        absl::StatusCode::kResourceExhausted, "TOO_MANY_STREAMS",
        absl::StrCat("there are ", kStreamsMax, " reflection streams already"), kRetryDelayMs)));
  }
  auto* stream = new Stream(this);
  streams_.insert(stream);
  stream->Begin();
  return stream;
}

}  // namespace lamppost
