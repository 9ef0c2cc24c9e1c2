#include "clients/cpp/request_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/utf8.h"

namespace lamppost::client {
namespace {

constexpr size_t kRequestIdBytesMax = 64;

}  // namespace

absl::Status CheckText(absl::string_view what, absl::string_view text, absl::string_view reason) {
  if (IsUtf8(text)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, reason, absl::StrCat(what, " is not valid UTF-8"));
}

absl::Status CheckKey(const std::string& key) {
  return CheckText("the key", key, "KEY_NOT_UTF8");
}

absl::Status CheckValue(const kv::v1::Value& value) {
  return value.has_text() ? CheckText("the text value", value.text(), "VALUE_NOT_UTF8") : absl::OkStatus();
}

absl::Status CheckRequestId(absl::string_view id) {
  const bool printable = std::all_of(id.begin(), id.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (printable && !id.empty() && id.size() <= kRequestIdBytesMax) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_INVALID",
                   absl::StrCat("a request id is 1 to ", kRequestIdBytesMax, " printable ASCII characters"));
}

}  // namespace lamppost::client
