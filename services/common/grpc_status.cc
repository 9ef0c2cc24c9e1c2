#include "services/common/grpc_status.h"

#include <google/protobuf/any.pb.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/common/error.h"
#include "services/common/utf8.h"

namespace lamppost {
namespace {

// At most bytes_max bytes of the text, whole characters only; protobuf's strings must be UTF-8.
std::string Clean(absl::string_view text, size_t bytes_max) {
  std::string clean;
  clean.reserve(std::min(text.size(), bytes_max));
  while (!text.empty()) {
    const size_t character_bytes = FirstUtf8Character(text).bytes;
    const absl::string_view piece = character_bytes == 0 ? "?" : text.substr(0, character_bytes);
    if (clean.size() + piece.size() > bytes_max) break;
    clean.append(piece.data(), piece.size());
    text.remove_prefix(character_bytes == 0 ? 1 : character_bytes);
  }
  return clean;
}

google::rpc::RetryInfo RetryInfoOf(int64_t delay_ms) {
  delay_ms = std::clamp<int64_t>(delay_ms, 0, kRetryDelayMsMax);
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(delay_ms / 1000);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(delay_ms % 1000 * 1'000'000));
  return info;
}

// Clamped before it is multiplied, so that a hostile duration cannot overflow. A part of a
// millisecond counts as a whole one: the caller must not come too early.
int64_t DelayMsOf(const google::rpc::RetryInfo& info) {
  const int64_t seconds = std::clamp<int64_t>(info.retry_delay().seconds(), 0, kRetryDelayMsMax / 1000);
  const int64_t nanos = std::clamp<int64_t>(info.retry_delay().nanos(), 0, 999'999'999);
  return std::min(seconds * 1000 + (nanos + 999'999) / 1'000'000, kRetryDelayMsMax);
}

struct Details {
  std::string reason;
  std::map<std::string, std::string> metadata;
  std::optional<int64_t> retry_delay_ms;
};

// Sorted, so that what is left out of too many does not hang on a hash.
std::map<std::string, std::string> MetadataOf(const google::rpc::ErrorInfo& info) {
  std::map<std::string, std::string> all;
  for (const auto& [key, value] : info.metadata()) {
    all.emplace(Clean(key, kErrorMetadataBytesMax), Clean(value, kErrorMetadataBytesMax));
  }
  while (all.size() > kErrorMetadataMax) all.erase(std::prev(all.end()));
  return all;
}

Details ReadDetails(const std::string& bytes) {
  Details details;
  google::rpc::Status message;
  if (bytes.empty() || !message.ParseFromString(bytes)) return details;
  for (const google::protobuf::Any& any : message.details()) {
    google::rpc::ErrorInfo error_info;
    google::rpc::RetryInfo retry_info;
    if (any.UnpackTo(&error_info)) {
      if (error_info.domain() != kErrorDomain) continue;
      details.reason = Clean(error_info.reason(), kErrorReasonBytesMax);
      details.metadata = MetadataOf(error_info);
    } else if (any.UnpackTo(&retry_info)) {
      details.retry_delay_ms = DelayMsOf(retry_info);
    }
  }
  return details;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message = Clean(status.message(), kErrorMessageBytesMax);

  google::rpc::ErrorInfo error_info;
  error_info.set_reason(Clean(ErrorReason(status), kErrorReasonBytesMax));
  if (error_info.reason().empty()) error_info.set_reason(absl::StatusCodeToString(status.code()));
  error_info.set_domain(kErrorDomain);
  for (const auto& [key, value] : ErrorMetadata(status)) {
    if (error_info.metadata_size() == kErrorMetadataMax) break;
    (*error_info.mutable_metadata())[Clean(key, kErrorMetadataBytesMax)] =
        Clean(value, kErrorMetadataBytesMax);
  }

  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  details.add_details()->PackFrom(error_info);
  if (const auto delay_ms = RetryDelayMs(status)) details.add_details()->PackFrom(RetryInfoOf(*delay_ms));

  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message, details.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const int raw_code = static_cast<int>(status.error_code());
  const bool known = raw_code > 0 && raw_code <= static_cast<int>(absl::StatusCode::kUnauthenticated);
  const auto code = known ? static_cast<absl::StatusCode>(raw_code) : absl::StatusCode::kUnknown;
  const Details details = ReadDetails(status.error_details());
  const bool is_bare = details.reason.empty() && details.metadata.empty() && !details.retry_delay_ms;
  if (is_bare) return absl::Status(code, status.error_message());
  absl::Status restored =
      details.retry_delay_ms
          ? MakeRetryableError(code, details.reason, status.error_message(), *details.retry_delay_ms)
          : MakeError(code, details.reason, status.error_message());
  for (const auto& [key, value] : details.metadata) restored = WithMetadata(std::move(restored), key, value);
  return restored;
}

}  // namespace lamppost
