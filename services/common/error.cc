#include "services/common/error.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace lamppost {
namespace {

constexpr absl::string_view kReasonUrl = "lamppost/reason";
constexpr absl::string_view kRetryDelayUrl = "lamppost/retry-delay-ms";
constexpr absl::string_view kMetadataUrl = "lamppost/metadata/";  // and the key

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kReasonUrl, absl::Cord(reason));
  return status;
}

absl::Status MakeRetryableError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                                int64_t retry_delay_ms) {
  absl::Status status = MakeError(code, reason, message);
  status.SetPayload(kRetryDelayUrl, absl::Cord(absl::StrCat(retry_delay_ms)));
  return status;
}

absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value) {
  status.SetPayload(absl::StrCat(kMetadataUrl, key), absl::Cord(value));
  return status;
}

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status changed(status.code(), message);
  status.ForEachPayload(
      [&changed](absl::string_view url, const absl::Cord& payload) { changed.SetPayload(url, payload); });
  return changed;
}

std::map<std::string, std::string> ErrorMetadata(const absl::Status& status) {
  std::map<std::string, std::string> metadata;
  status.ForEachPayload([&metadata](absl::string_view url, const absl::Cord& value) {
    if (absl::ConsumePrefix(&url, kMetadataUrl)) metadata[std::string(url)] = std::string(value);
  });
  return metadata;
}

std::string ErrorReason(const absl::Status& status) {
  const auto payload = status.GetPayload(kReasonUrl);
  return payload ? std::string(*payload) : std::string();
}

std::optional<int64_t> RetryDelayMs(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryDelayUrl);
  int64_t delay_ms = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &delay_ms)) return std::nullopt;
  return delay_ms;
}

}  // namespace lamppost
