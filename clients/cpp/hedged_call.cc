#include "clients/cpp/hedged_call.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_unary_call.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "clients/cpp/server_target.h"
#include "services/common/clock_metadata.h"
#include "services/common/grpc_status.h"

namespace lamppost::client {
namespace {

using Clock = std::chrono::steady_clock;
using Deadline = std::chrono::system_clock::time_point;

int64_t MicrosecondsSince(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
}

struct Rpc {
  grpc::ClientContext context;
  rpc::v1::CallResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<rpc::v1::CallResponse>> reader;
  RpcReport report;
  bool ended = false;
};

class HedgedCall {
 public:
  HedgedCall(rpc::v1::FunctionService::Stub* stub, const rpc::v1::CallRequest& request, Deadline deadline)
      : stub_(stub), request_(request), deadline_(deadline) {}

  ~HedgedCall() {
    for (const std::unique_ptr<Rpc>& rpc : rpcs_) {
      if (!rpc->ended) rpc->context.TryCancel();
    }
    while (!AllEnded()) Wait(std::nullopt);
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  void Start(uint64_t clock) {
    rpcs_.push_back(std::make_unique<Rpc>());
    Rpc* rpc = rpcs_.back().get();
    request_.mutable_clock()->set_counter(clock);
    rpc->report.clock_sent = clock;
    rpc->report.started_us = MicrosecondsSince(start_);
    rpc->context.set_deadline(deadline_);
    rpc->reader = stub_->AsyncCall(&rpc->context, request_, &queue_);
    rpc->reader->Finish(&rpc->response, &rpc->status, rpc);
  }

  // Until an RPC ends, or the moment comes; gives the one that ended.
  Rpc* Wait(std::optional<Deadline> until) {
    void* tag = nullptr;
    bool ok = false;
    if (until) {
      if (queue_.AsyncNext(&tag, &ok, *until) != grpc::CompletionQueue::GOT_EVENT) return nullptr;
    } else {
      queue_.Next(&tag, &ok);
    }
    Rpc* rpc = static_cast<Rpc*>(tag);
    End(rpc);
    return rpc;
  }

  bool AllEnded() const {
    return std::all_of(rpcs_.begin(), rpcs_.end(), [](const auto& rpc) { return rpc->ended; });
  }
  const std::vector<std::unique_ptr<Rpc>>& rpcs() const { return rpcs_; }

  // Of those that have not ended.
  RpcReport ReportUnfinished(const Rpc& rpc) const {
    RpcReport report = rpc.report;
    report.status = absl::CancelledError("called off: another one has answered");
    report.elapsed_us = MicrosecondsSince(start_) - report.started_us;
    return report;
  }

 private:
  void End(Rpc* rpc) {
    rpc->ended = true;
    rpc->report.elapsed_us = MicrosecondsSince(start_) - rpc->report.started_us;
    rpc->report.status = FromGrpcStatus(rpc->status);
    rpc->report.server = ServerOfPeer(rpc->context.peer());
    if (rpc->status.ok()) {
      if (rpc->response.has_clock()) rpc->report.clock_received = rpc->response.clock().counter();
    } else if (const auto clock = ClockFromTrailers(rpc->context)) {
      rpc->report.clock_received = clock->counter;
    }
  }

  rpc::v1::FunctionService::Stub* const stub_;
  rpc::v1::CallRequest request_;
  const Deadline deadline_;
  const Clock::time_point start_ = Clock::now();
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Rpc>> rpcs_;
};

// Of several failures the one that may have done the most; of equals the first.
const RpcReport& WorstOf(const HedgedCall& call) {
  const RpcReport* worst = &call.rpcs()[0]->report;
  for (const std::unique_ptr<Rpc>& rpc : call.rpcs()) {
    const auto effect = [](const RpcReport& report) {
      return EffectOf(CallKind::kRepeatableWrite, report.reach, report.status);
    };
    if (effect(rpc->report) > effect(*worst)) worst = &rpc->report;
  }
  return *worst;
}

}  // namespace

AttemptEnd RunHedgedCall(rpc::v1::FunctionService::Stub* stub, const rpc::v1::CallRequest& request,
                         const CallPlan& plan, Deadline deadline, rpc::v1::CallResponse* response) {
  HedgedCall call(stub, request, deadline);
  call.Start(request.clock().counter());
  int hedges_left = plan.hedge_delay_ms ? plan.hedges_max : 0;
  const auto next_hedge = [&plan]() {
    return std::chrono::system_clock::now() + std::chrono::milliseconds(*plan.hedge_delay_ms);
  };
  Deadline hedge_at = hedges_left > 0 ? next_hedge() : deadline;
  Rpc* winner = nullptr;
  while (winner == nullptr && !call.AllEnded()) {
    Rpc* ended = call.Wait(hedges_left > 0 ? std::optional<Deadline>(hedge_at) : std::nullopt);
    if (ended == nullptr) {
      call.Start(plan.tick());
      if (--hedges_left > 0) hedge_at = next_hedge();
    } else if (ended->report.status.ok()) {
      winner = ended;
    }
  }
  const RpcReport& report = winner != nullptr ? winner->report : WorstOf(call);
  AttemptEnd end{report.status, report.reach, {}, report.server, {}};
  for (const std::unique_ptr<Rpc>& rpc : call.rpcs()) {
    end.server_clock = std::max(end.server_clock, rpc->report.clock_received);
    if (call.rpcs().size() > 1) {
      end.rpcs.push_back(rpc->ended ? rpc->report : call.ReportUnfinished(*rpc));
    }
  }
  if (winner != nullptr) response->Swap(&winner->response);
  return end;
}

}  // namespace lamppost::client
