#include "services/rpc/server/fault_service.h"

#include <memory>
#include <utility>
#include <vector>

#include "services/common/error.h"
#include "services/common/raw_call.h"

namespace lamppost::rpc {
namespace {

absl::StatusOr<Fault> FromProto(const v1::Fault& message) {
  Fault fault;
  switch (message.kind()) {
    case v1::FAULT_KIND_DELAY:
      fault.kind = FaultKind::kDelay;
      break;
    case v1::FAULT_KIND_FAIL_BEFORE:
      fault.kind = FaultKind::kFailBefore;
      break;
    case v1::FAULT_KIND_LOSE_REPLY:
      fault.kind = FaultKind::kLoseReply;
      break;
    case v1::FAULT_KIND_CRASH:
      fault.kind = FaultKind::kCrash;
      break;
    default:
      return MakeError(absl::StatusCode::kInvalidArgument, "FAULT_INVALID", "there is no such kind of fault");
  }
  fault.method = message.method();
  fault.delay_ms = message.delay_ms();
  fault.times = message.times();
  if (message.probability() != 0) fault.probability = message.probability();
  return fault;
}

v1::FaultKind KindOf(FaultKind kind) {
  switch (kind) {
    case FaultKind::kDelay:
      return v1::FAULT_KIND_DELAY;
    case FaultKind::kFailBefore:
      return v1::FAULT_KIND_FAIL_BEFORE;
    case FaultKind::kLoseReply:
      return v1::FAULT_KIND_LOSE_REPLY;
    case FaultKind::kCrash:
      return v1::FAULT_KIND_CRASH;
  }
  return v1::FAULT_KIND_UNSPECIFIED;
}

void ToProto(const Fault& fault, v1::Fault* message) {
  message->set_kind(KindOf(fault.kind));
  message->set_method(fault.method);
  message->set_delay_ms(fault.delay_ms);
  message->set_times(fault.times);
  message->set_probability(fault.probability);
}

}  // namespace

grpc::ServerUnaryReactor* FaultServiceImpl::AddFault(Context* context, const Bytes* in, Bytes* out) {
  using Call = RawCall<v1::AddFaultRequest, v1::AddFaultResponse>;
  return BeginCall<v1::AddFaultRequest, v1::AddFaultResponse>(
      shell_, context, in, out, security::Right::kAdmin, [this](std::unique_ptr<Call> call) {
        absl::StatusOr<Fault> fault = FromProto(call->request().fault());
        // Whether faults are taken at all comes first.
        absl::Status status = faults_->List().status();
        if (status.ok()) status = fault.ok() ? faults_->Add(*std::move(fault)) : fault.status();
        if (!status.ok()) return Call::Fail(std::move(call), status);
        Call::Answer(std::move(call));
      });
}

grpc::ServerUnaryReactor* FaultServiceImpl::ClearFaults(Context* context, const Bytes* in, Bytes* out) {
  using Call = RawCall<v1::ClearFaultsRequest, v1::ClearFaultsResponse>;
  return BeginCall<v1::ClearFaultsRequest, v1::ClearFaultsResponse>(
      shell_, context, in, out, security::Right::kAdmin, [this](std::unique_ptr<Call> call) {
        const absl::StatusOr<size_t> cleared = faults_->Clear();
        if (!cleared.ok()) return Call::Fail(std::move(call), cleared.status());
        call->response()->set_cleared(static_cast<uint32_t>(*cleared));
        Call::Answer(std::move(call));
      });
}

grpc::ServerUnaryReactor* FaultServiceImpl::ListFaults(Context* context, const Bytes* in, Bytes* out) {
  using Call = RawCall<v1::ListFaultsRequest, v1::ListFaultsResponse>;
  return BeginCall<v1::ListFaultsRequest, v1::ListFaultsResponse>(
      shell_, context, in, out, security::Right::kAdmin, [this](std::unique_ptr<Call> call) {
        const absl::StatusOr<std::vector<Fault>> faults = faults_->List();
        if (!faults.ok()) return Call::Fail(std::move(call), faults.status());
        for (const Fault& fault : *faults) ToProto(fault, call->response()->add_faults());
        Call::Answer(std::move(call));
      });
}

}  // namespace lamppost::rpc
