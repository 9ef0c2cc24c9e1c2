#include "services/kv/server/kv_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "services/common/clock_proto.h"
#include "services/common/raw_call.h"
#include "services/kv/core/record.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/pending_call.h"
#include "services/kv/server/read_call.h"
#include "services/kv/server/read_session.h"
#include "services/kv/server/scan.h"
#include "services/kv/server/wall_clock.h"
#include "services/kv/server/write_call.h"

namespace lamppost::kv {
namespace {

using grpc::ByteBuffer;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using security::Right;

}  // namespace

ServerUnaryReactor* KvServiceImpl::Put(Context* context, const Bytes* in, Bytes* out) {
  return HandleWrite<v1::PutRequest, v1::PutResponse>(limits_, shell_, context, in, out, Right::kWrite);
}

ServerUnaryReactor* KvServiceImpl::Delete(Context* context, const Bytes* in, Bytes* out) {
  return HandleWrite<v1::DeleteRequest, v1::DeleteResponse>(limits_, shell_, context, in, out, Right::kWrite);
}

ServerUnaryReactor* KvServiceImpl::Write(Context* context, const Bytes* in, Bytes* out) {
  return HandleWrite<v1::WriteRequest, v1::WriteResponse>(limits_, shell_, context, in, out, Right::kWrite);
}

ServerUnaryReactor* KvServiceImpl::Get(Context* context, const Bytes* in, Bytes* out) {
  const auto read = [this](const v1::GetRequest& request, v1::GetResponse* response) {
    return ReadKey(request, response);
  };
  return HandleRead<v1::GetRequest, v1::GetResponse>(shell_, context, in, out, Right::kRead, read);
}

ServerUnaryReactor* KvServiceImpl::Scan(Context* context, const Bytes* in, Bytes* out) {
  const auto read = [this](const v1::ScanRequest& request, v1::ScanResponse* response) {
    return ReadPage(request, response);
  };
  return HandleRead<v1::ScanRequest, v1::ScanResponse>(shell_, context, in, out, Right::kRead, read);
}

// Whoever goes on with a watch from the page's session relies on having seen all that it covers.
absl::Status KvServiceImpl::ReadPage(const v1::ScanRequest& request, v1::ScanResponse* response) const {
  constexpr int kTriesMax = 5;
  for (int tries = 1;; ++tries) {
    ReadSession session(shell_->driver()->published());
    const absl::Status status = ScanPage(*store_, request, &session, response);
    if (!status.ok() || !session.HasRaced() || tries == kTriesMax) return status;
    response->Clear();
    session.AwaitCommit();
  }
}

absl::Status KvServiceImpl::ReadKey(const v1::GetRequest& request, v1::GetResponse* response) const {
  if (absl::Status status = CheckKey(request.key()); !status.ok()) return status;
  ReadSession session(shell_->driver()->published());
  absl::StatusOr<std::optional<std::string>> bytes = store_->Get(Space::kData, request.key());
  if (!bytes.ok()) return bytes.status();
  session.HasRead();
  if (!*bytes) {
    session.Fill(response->mutable_session());
    return absl::OkStatus();
  }
  absl::StatusOr<Version> version = DecodeVersion(**bytes);
  if (!version.ok()) return version.status();
  session.Saw(version->timestamp);
  session.Fill(response->mutable_session());
  lamppost::ToProto(version->timestamp, response->mutable_version());
  if (!version->IsVisible(UnixMs())) return absl::OkStatus();
  response->set_found(true);
  ToProto(*version->value, response->mutable_value());
  if (version->expires_unix_ms != 0) ToProto(version->expires_unix_ms, response->mutable_expires_at());
  return absl::OkStatus();
}

ServerUnaryReactor* KvServiceImpl::Status(Context* context, const Bytes* in, Bytes* out) {
  using Call = RawCall<v1::StatusRequest, v1::StatusResponse>;
  const auto ask = [this](std::unique_ptr<Call> call) {
    auto pending = std::make_shared<PendingCall<Call>>(std::move(call));
    shell_->driver()->Post([this, pending](Replica* replica) {
      status_(*replica, pending->call->response());
      Call::Answer(std::move(pending->call));
    });
  };
  return BeginCall<v1::StatusRequest, v1::StatusResponse>(shell_, context, in, out, Right::kRead, ask);
}

}  // namespace lamppost::kv
