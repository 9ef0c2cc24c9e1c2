#include "services/rpc/core/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kNameBytesMax = 64;
constexpr size_t kDescriptionBytesMax = 1024;
constexpr uint64_t kTimeLimitMsMax = uint64_t{24} * 3600 * 1000;
constexpr uint64_t kAbandonGraceMsMax = 3600 * 1000;
constexpr size_t kConcurrencyMax = 1000;
constexpr size_t kQueueMax = 100'000;
constexpr size_t kResultBytesMax = size_t{3} << 20;  // a gRPC message is at most 4 MiB
constexpr size_t kNearestMax = 3;

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "FUNCTION_INVALID", what);
}

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

template <typename T>
absl::Status CheckRange(absl::string_view what, T value, T min, T max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return Invalid(absl::StrCat(what, " must be ", min, " to ", max, ", not ", value));
}

absl::Status CheckSpec(const FunctionSpec& spec) {
  if (!IsName(spec.name)) return Invalid("a function's name is 1 to 64 of A-Z a-z 0-9 . _ -");
  if (spec.description.size() > kDescriptionBytesMax)
    return Invalid(absl::StrCat("description must be at most ", kDescriptionBytesMax, " bytes"));
  for (const absl::Status& status :
       {CheckRange<uint64_t>("time_limit_ms", spec.time_limit_ms, 1, kTimeLimitMsMax),
        CheckRange<uint64_t>("abandon_grace_ms", spec.abandon_grace_ms, 0, kAbandonGraceMsMax),
        CheckRange<size_t>("concurrency_max", spec.concurrency_max, 1, kConcurrencyMax),
        CheckRange<size_t>("queue_max", spec.queue_max, 0, kQueueMax),
        CheckRange<size_t>("result_bytes_max", spec.result_bytes_max, 1, kResultBytesMax)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Near enough to be what was meant: a third of the characters may be wrong.
bool IsNear(size_t distance, absl::string_view name) {
  return distance <= std::max<size_t>(1, name.size() / 3);
}

}  // namespace

absl::Status Registry::Add(FunctionPtr function) {
  if (function == nullptr || function->params == nullptr || function->runnable == nullptr)
    return Invalid("a function needs a description of its params and something that runs it");
  const FunctionSpec& spec = function->spec;
  if (absl::Status status = CheckSpec(spec); !status.ok()) return status;
  const auto [place, added] = functions_.emplace(spec.name, function);
  if (added) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kAlreadyExists, "FUNCTION_EXISTS",
      absl::StrCat("there is a function ", spec.name, " already (", place->second->spec.source, ")"));
}

Registry::FunctionPtr Registry::Find(absl::string_view name) const {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : found->second;
}

absl::Status Registry::UnknownError(absl::string_view name) const {
  const std::string shown = absl::Utf8SafeCHexEscape(name.substr(0, kNameBytesMax));
  const std::string lower = absl::AsciiStrToLower(name.substr(0, 2 * kNameBytesMax));
  std::vector<std::pair<size_t, std::string>> near;
  for (const auto& [each, function] : functions_) {
    const size_t distance = EditDistance(lower, absl::AsciiStrToLower(each));
    if (IsNear(distance, lower)) near.emplace_back(distance, each);
  }
  std::sort(near.begin(), near.end());
  if (near.size() > kNearestMax) near.resize(kNearestMax);
  std::vector<std::string> names;
  for (const auto& [distance, each] : near) names.push_back(absl::StrCat("\"", each, "\""));
  const std::string hint = names.empty() ? "ListFunctions tells what can be called"
                                         : absl::StrCat("did you mean ", absl::StrJoin(names, " or "), "?");
  return MakeError(absl::StatusCode::kNotFound, "FUNCTION_UNKNOWN",
                   absl::StrCat("there is no function \"", shown, "\"; ", hint));
}

size_t EditDistance(absl::string_view a, absl::string_view b) {
  // Three rows of the table of distances between beginnings of a (rows) and of b (columns).
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) now[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(now);
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
  }
  return now[b.size()];
}

}  // namespace lamppost::rpc
