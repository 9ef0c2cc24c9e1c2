#include "services/rpc/core/json.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53

absl::Status Refuse(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

// How deep brackets lie in each other, outside of strings. Of text that is no JSON it is some number.
size_t DepthOfText(absl::string_view text) {
  size_t depth = 0;
  size_t deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

absl::StatusOr<Json> ParseJson(absl::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return Refuse("JSON_TOO_LARGE", absl::StrCat("more than ", bytes_max, " bytes of JSON"));
  }
  if (DepthOfText(text) > kJsonDepthMax) {
    return Refuse("JSON_TOO_DEEP", absl::StrCat("JSON is nested more than ", kJsonDepthMax, " deep"));
  }
  // The parser would take a NUL between values for the end of the text.
  if (absl::StrContains(text, '\0')) return Refuse("NOT_JSON", "not JSON text: it holds a NUL byte");
  Json value = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return Refuse("NOT_JSON", "not JSON text");
  return value;
}

std::string CanonicalText(const Json& value) {
  return Normalised(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Normalised(Json value) {
  if (value.is_structured()) {
    for (Json& element : value) element = Normalised(std::move(element));
  } else if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::trunc(number) == number && std::abs(number) <= kExactIntegerMax)
      return static_cast<int64_t>(number);
  } else if (value.is_number()) {
    const double number = value.get<double>();
    if (std::abs(number) > kExactIntegerMax) return number;
    return static_cast<int64_t>(number);
  }
  return value;
}

bool IsExact(const Json& value) {
  if (value.is_structured()) {
    return std::all_of(value.begin(), value.end(), [](const Json& element) { return IsExact(element); });
  }
  constexpr int64_t kMax = int64_t{1} << 53;
  if (value.is_number_unsigned()) return value.get<uint64_t>() <= static_cast<uint64_t>(kMax);
  return !value.is_number_integer() || (value.get<int64_t>() <= kMax && value.get<int64_t>() >= -kMax);
}

size_t DepthOf(const Json& value) {
  // Level by level, so that a value of any depth is safe.
  std::vector<const Json*> level = {&value};
  for (size_t depth = 0; depth <= kJsonDepthMax; ++depth) {
    std::vector<const Json*> below;
    bool structured = false;
    for (const Json* each : level) {
      if (!each->is_structured()) continue;
      structured = true;
      for (const Json& element : *each) below.push_back(&element);
    }
    if (!structured) return depth;
    level = std::move(below);
  }
  return kJsonDepthMax + 1;
}

}  // namespace lamppost::rpc
