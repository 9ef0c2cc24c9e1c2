#include "services/kv/server/kv_service.h"

#include <memory>
#include <utility>

#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/kv/core/record.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/scan.h"

namespace lamppost::kv {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

void SetFound(const WriteResult& result, v1::DeleteResponse* response) {
  response->set_found(result.found);
}
void SetFound(const WriteResult&, v1::PutResponse*) {}
void SetFound(const WriteResult&, v1::WriteResponse*) {}

// One write on its way through the driver; deletes itself when it is answered.
template <typename Response>
class WriteCall : public WriteWaiter {
 public:
  WriteCall(Shell* shell, CallbackServerContext* context, ServerUnaryReactor* reactor, Response* response)
      : shell_(shell), context_(context), reactor_(reactor), response_(response) {}

  void Done(const absl::StatusOr<WriteResult>& result) override {
    const std::unique_ptr<WriteCall> self(this);
    if (!result.ok()) return shell_->Fail(context_, reactor_, result.status());
    lamppost::ToProto(result->version, response_->mutable_version());
    response_->set_replayed(result->replayed);
    SetFound(*result, response_);
    shell_->Stamp(response_->mutable_clock());
    reactor_->Finish(grpc::Status::OK);
  }

 private:
  Shell* const shell_;
  CallbackServerContext* const context_;
  ServerUnaryReactor* const reactor_;
  Response* const response_;
};

}  // namespace

template <typename Request, typename Response>
ServerUnaryReactor* KvServiceImpl::HandleWrite(CallbackServerContext* context, const Request* request,
                                               Response* response) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto fail = [this, context, reactor](const absl::Status& status) {
    shell_->Fail(context, reactor, status);
  };
  const auto write = [this, context, reactor, request, response, fail] {
    absl::StatusOr<Proposal> proposal = ToProposal(*request);
    if (!proposal.ok()) return fail(proposal.status());
    if (absl::Status status = CheckProposal(*proposal, limits_); !status.ok()) return fail(status);
    shell_->driver()->Propose(*std::move(proposal), request->ByteSizeLong(),
                              new WriteCall<Response>(shell_, context, reactor, response));
  };
  shell_->Admit(request->clock().counter(), write, fail);
  return reactor;
}

template <typename Request, typename Response>
ServerUnaryReactor* KvServiceImpl::HandleRead(CallbackServerContext* context, const Request* request,
                                              Response* response,
                                              absl::Status (KvServiceImpl::*read)(const Request&, Response*)
                                                  const) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto fail = [this, context, reactor](const absl::Status& status) {
    shell_->Fail(context, reactor, status);
  };
  const auto answer = [this, reactor, request, response, read, fail] {
    if (absl::Status status = (this->*read)(*request, response); !status.ok()) return fail(status);
    shell_->Stamp(response->mutable_clock());
    reactor->Finish(grpc::Status::OK);
  };
  shell_->Admit(request->clock().counter(), answer, fail);
  return reactor;
}

ServerUnaryReactor* KvServiceImpl::Put(CallbackServerContext* context, const v1::PutRequest* request,
                                       v1::PutResponse* response) {
  return HandleWrite(context, request, response);
}

ServerUnaryReactor* KvServiceImpl::Delete(CallbackServerContext* context, const v1::DeleteRequest* request,
                                          v1::DeleteResponse* response) {
  return HandleWrite(context, request, response);
}

ServerUnaryReactor* KvServiceImpl::Write(CallbackServerContext* context, const v1::WriteRequest* request,
                                         v1::WriteResponse* response) {
  return HandleWrite(context, request, response);
}

ServerUnaryReactor* KvServiceImpl::Get(CallbackServerContext* context, const v1::GetRequest* request,
                                       v1::GetResponse* response) {
  return HandleRead(context, request, response, &KvServiceImpl::ReadKey);
}

ServerUnaryReactor* KvServiceImpl::Scan(CallbackServerContext* context, const v1::ScanRequest* request,
                                        v1::ScanResponse* response) {
  return HandleRead(context, request, response, &KvServiceImpl::ReadPage);
}

absl::Status KvServiceImpl::ReadKey(const v1::GetRequest& request, v1::GetResponse* response) const {
  if (absl::Status status = CheckKey(request.key()); !status.ok()) return status;
  absl::StatusOr<std::optional<std::string>> bytes = store_->Get(Space::kData, request.key());
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return absl::OkStatus();
  absl::StatusOr<Version> version = DecodeVersion(**bytes);
  if (!version.ok()) return version.status();
  lamppost::ToProto(version->timestamp, response->mutable_version());
  if (version->IsTombstone()) return absl::OkStatus();
  response->set_found(true);
  ToProto(*version->value, response->mutable_value());
  return absl::OkStatus();
}

absl::Status KvServiceImpl::ReadPage(const v1::ScanRequest& request, v1::ScanResponse* response) const {
  return ScanPage(*store_, request, response);
}

ServerUnaryReactor* KvServiceImpl::Status(CallbackServerContext* context, const v1::StatusRequest* request,
                                          v1::StatusResponse* response) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto fail = [this, context, reactor](const absl::Status& status) {
    shell_->Fail(context, reactor, status);
  };
  const auto ask = [this, reactor, response] {
    shell_->driver()->Post([this, reactor, response](Replica* replica) {
      status_(*replica, response);
      shell_->Stamp(response->mutable_clock());
      reactor->Finish(grpc::Status::OK);
    });
  };
  shell_->Admit(request->clock().counter(), ask, fail);
  return reactor;
}

}  // namespace lamppost::kv
