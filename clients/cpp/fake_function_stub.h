// For unit tests of FunctionClient: servers that follow a script.
#ifndef LAMPPOST_CLIENTS_CPP_FAKE_FUNCTION_STUB_H_
#define LAMPPOST_CLIENTS_CPP_FAKE_FUNCTION_STUB_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clients/cpp/fake_stub.h"
#include "clients/cpp/function_client.h"

namespace lamppost::client {

struct ScriptedCall {
  AttemptEnd end;
  int64_t takes_ms = 0;
  rpc::v1::Outcome outcome;
  std::optional<std::string> request_id;  // of the answer; unset: as asked
};

struct SeenFunctionCall {
  rpc::v1::CallRequest request;
  CallPlan plan;
};

// When the script is used up, every attempt succeeds with the result true. Not thread-safe.
struct FakeFunctionNetwork {
  std::deque<ScriptedCall> script;
  std::vector<SeenFunctionCall> seen;
  std::vector<rpc::v1::CallStreamRequest> seen_streams;
  std::vector<StreamPlan> stream_plans;
  int asked = 0;  // whatever is no call
  std::shared_ptr<FakeTime> time = std::make_shared<FakeTime>();

  void Add(absl::Status status, Reach reach = Reach::kSent, int64_t takes_ms = 0) {
    script.push_back({{std::move(status), reach}, takes_ms, {}, {}});
  }
  ScriptedCall Next() {
    ScriptedCall next;
    next.outcome.mutable_result()->set_bool_value(true);
    if (!script.empty()) {
      next = std::move(script.front());
      script.pop_front();
    }
    time->now_us += next.takes_ms * 1000;
    return next;
  }
  // Jitter is always the whole back-off.
  FunctionEnvironment Environment();
};

class FakeFunctionStub final : public FunctionStub {
 public:
  explicit FakeFunctionStub(FakeFunctionNetwork* network) : network_(network) {}

  AttemptEnd Call(const rpc::v1::CallRequest& request, const CallPlan& plan,
                  rpc::v1::CallResponse* response) override {
    network_->seen.push_back({request, plan});
    return Answer(request, response);
  }
  AttemptEnd CallStream(const rpc::v1::CallStreamRequest& request, const StreamPlan& plan,
                        const ProgressFn& on_progress, rpc::v1::CallStreamResponse* response) override {
    network_->seen_streams.push_back(request);
    network_->stream_plans.push_back(plan);
    rpc::v1::Progress progress;
    progress.set_message("one");
    on_progress(progress);
    return Answer(request, response);
  }
  AttemptEnd GetCall(const rpc::v1::GetCallRequest&, int64_t, rpc::v1::GetCallResponse* response) override {
    response->set_state(rpc::v1::CALL_STATE_DONE);
    return Ask();
  }
  AttemptEnd ListFunctions(const rpc::v1::ListFunctionsRequest&, int64_t,
                           rpc::v1::ListFunctionsResponse*) override {
    return Ask();
  }
  AttemptEnd AddFault(const rpc::v1::AddFaultRequest&, int64_t, rpc::v1::AddFaultResponse*) override {
    return Ask();
  }
  AttemptEnd ClearFaults(const rpc::v1::ClearFaultsRequest&, int64_t,
                         rpc::v1::ClearFaultsResponse*) override {
    return Ask();
  }
  AttemptEnd ListFaults(const rpc::v1::ListFaultsRequest&, int64_t, rpc::v1::ListFaultsResponse*) override {
    return Ask();
  }

 private:
  template <typename Request, typename Response>
  AttemptEnd Answer(const Request& request, Response* response) {
    ScriptedCall next = network_->Next();
    *response->mutable_outcome() = next.outcome;
    response->set_request_id(next.request_id.value_or(request.request_id()));
    return next.end;
  }
  AttemptEnd Ask() {
    ++network_->asked;
    return network_->Next().end;
  }

  FakeFunctionNetwork* const network_;
};

inline FunctionEnvironment FakeFunctionNetwork::Environment() {
  FunctionEnvironment environment;
  environment.time = time;
  environment.random = [] { return 1.0; };
  environment.stub_factory = [this](const std::vector<Address>&) {
    return std::make_unique<FakeFunctionStub>(this);
  };
  return environment;
}

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_FAKE_FUNCTION_STUB_H_
