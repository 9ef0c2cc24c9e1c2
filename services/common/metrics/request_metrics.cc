#include "services/common/metrics/request_metrics.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/support/interceptor.h>
#include <grpcpp/support/status.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/common/metrics/histogram.h"

namespace lamppost {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;
using prometheus::MetricType;

constexpr std::array<const char*, 17> kCodes = {
    "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED",
};

enum class Kind { kUnary, kStream };

struct Method {
  Method(std::string its_service, std::string its_name, Kind its_kind)
      : service(std::move(its_service)), name(std::move(its_name)), kind(its_kind) {}

  MetricLabels labels() const { return {{"service", service}, {"method", name}}; }

  const std::string service;
  const std::string name;
  const Kind kind;
  std::array<std::atomic<uint64_t>, kCodes.size()> ended = {};  // by code
  std::atomic<int64_t> under_way{0};
  Histogram seconds{LatencyBounds()};
};

// One call. gRPC drops it once it is done with the call.
class Call : public grpc::experimental::Interceptor {
 public:
  explicit Call(Method* method) : method_(method), began_(std::chrono::steady_clock::now()) {
    method_->under_way.fetch_add(1, std::memory_order_relaxed);
  }
  // A call that nobody has ended is one whose caller has gone.
  ~Call() override { End(grpc::StatusCode::CANCELLED); }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      End(methods->GetSendStatus().error_code());
    }
    methods->Proceed();
  }

 private:
  void End(grpc::StatusCode code) {
    if (std::exchange(ended_, true)) return;
    const auto number = static_cast<size_t>(code);
    const size_t index = number < kCodes.size() ? number : static_cast<size_t>(grpc::StatusCode::UNKNOWN);
    method_->ended[index].fetch_add(1, std::memory_order_relaxed);
    method_->under_way.fetch_sub(1, std::memory_order_relaxed);
    if (method_->kind == Kind::kStream) return;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began_;
    method_->seconds.Observe(took.count());
  }

  Method* const method_;
  const std::chrono::steady_clock::time_point began_;
  bool ended_ = false;
};

}  // namespace

class RequestMetrics::Methods : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Methods(const std::vector<std::string>& services) {
    for (const std::string& name : services) {
      const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
      if (service != nullptr) AddService(*service);
    }
  }

  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    const absl::string_view path = info->method() == nullptr ? "" : info->method();
    const auto it = methods_.find(path);
    return new Call(it == methods_.end() ? &other_ : it->second.get());
  }

  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const auto& [path, method] : methods_) visit(*method);
    visit(other_);
  }

 private:
  void AddService(const google::protobuf::ServiceDescriptor& service) {
    for (int i = 0; i < service.method_count(); ++i) {
      const google::protobuf::MethodDescriptor& method = *service.method(i);
      const bool streams = method.client_streaming() || method.server_streaming();
      methods_.emplace(absl::StrCat("/", service.full_name(), "/", method.name()),
                       std::make_unique<Method>(service.full_name(), method.name(),
                                                streams ? Kind::kStream : Kind::kUnary));
    }
  }

  // By path; not changed once it is made, so calls need no lock.
  absl::flat_hash_map<std::string, std::unique_ptr<Method>> methods_;
  Method other_{"other", "other", Kind::kStream};
};

RequestMetrics::RequestMetrics(const std::vector<std::string>& services)
    : methods_(std::make_shared<Methods>(services)) {}

RequestMetrics::~RequestMetrics() = default;

std::shared_ptr<grpc::experimental::ServerInterceptorFactoryInterface> RequestMetrics::interceptors() const {
  return methods_;
}

MetricFamilies RequestMetrics::Collect() const {
  FamilyOf total(MetricType::Counter, "lamppost_requests_total",
                 "gRPC calls that have ended, by the code that was answered.");
  FamilyOf seconds(MetricType::Histogram, "lamppost_request_seconds",
                   "How long unary gRPC calls took, from their arrival to the status.");
  FamilyOf under_way(MetricType::Gauge, "lamppost_requests_under_way", "Unary gRPC calls under way.");
  FamilyOf streams(MetricType::Gauge, "lamppost_open_streams", "gRPC streams that are open.");
  methods_->ForEach([&](const Method& method) {
    for (size_t code = 0; code < kCodes.size(); ++code) {
      const uint64_t ended = method.ended[code].load(std::memory_order_relaxed);
      if (ended == 0 && code != 0) continue;
      MetricLabels labels = method.labels();
      labels.push_back({"code", kCodes[code]});
      total.Add(static_cast<double>(ended), labels);
    }
    const auto open = static_cast<double>(method.under_way.load(std::memory_order_relaxed));
    if (method.kind == Kind::kStream) {
      streams.Add(open, method.labels());
    } else {
      under_way.Add(open, method.labels());
      seconds.Add(method.seconds.Read(), method.labels());
    }
  });
  MetricFamilies families;
  for (FamilyOf* family : {&total, &seconds, &under_way, &streams}) family->MoveTo(&families);
  return families;
}

}  // namespace lamppost
