// What a request asks for, checked as far as it can be without knowing anything else.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/rpc/server/codec.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kMethodBytesMax = 64;
constexpr size_t kClientIdBytesMax = 64;

absl::Status Refuse(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::Status CheckMethod(absl::string_view method) {
  if (method.empty()) return Refuse("METHOD_MISSING", "the request names no method");
  if (method.size() <= kMethodBytesMax) return absl::OkStatus();
  return Refuse("METHOD_INVALID",
                absl::StrCat("a function's name has at most ", kMethodBytesMax, " characters"));
}

absl::Status CheckClientId(absl::string_view id) {
  if (id.size() <= kClientIdBytesMax && std::all_of(id.begin(), id.end(), absl::ascii_isprint)) {
    return absl::OkStatus();
  }
  return Refuse("CLIENT_ID_INVALID",
                absl::StrCat("a client id is at most ", kClientIdBytesMax, " printable ASCII characters"));
}

absl::StatusOr<std::optional<RequestId>> ReadWatermark(absl::string_view text, absl::string_view client_id) {
  if (text.empty()) return std::nullopt;
  if (client_id.empty()) return Refuse("WATERMARK_INVALID", "a watermark comes with a client_id");
  const absl::StatusOr<RequestId> id = ParseRequestId(text);
  if (!id.ok() || !id->minted_ms()) {
    return Refuse("WATERMARK_INVALID", "a watermark is a UUID of version 7");
  }
  return *id;
}

}  // namespace

template <typename Request>
absl::StatusOr<CallInput> ToCallInput(const Request& request) {
  CallInput input;
  const absl::StatusOr<RequestId> id = ParseRequestId(request.request_id());
  if (!id.ok()) return id.status();
  if (absl::Status status = CheckMethod(request.method()); !status.ok()) return status;
  if (absl::Status status = CheckClientId(request.client_id()); !status.ok()) return status;
  auto watermark = ReadWatermark(request.watermark(), request.client_id());
  if (!watermark.ok()) return watermark.status();
  absl::StatusOr<Json> params = ParamsFromProto(request.params());
  if (!params.ok()) return params.status();
  input.id = *id;
  input.method = request.method();
  input.client_id = request.client_id();
  input.watermark = *watermark;
  input.params = *std::move(params);
  return input;
}

template absl::StatusOr<CallInput> ToCallInput(const v1::CallRequest&);
template absl::StatusOr<CallInput> ToCallInput(const v1::CallStreamRequest&);

}  // namespace lamppost::rpc
