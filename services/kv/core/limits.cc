#include "services/kv/core/limits.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/utf8.h"

namespace lamppost::kv {
namespace {

absl::Status Invalid(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

bool IsNameCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
}

absl::Status CheckName(absl::string_view name, size_t bytes_max, absl::string_view what,
                       absl::string_view reason) {
  if (!name.empty() && name.size() <= bytes_max && std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return absl::OkStatus();
  }
  return Invalid(reason,
                 absl::StrCat("a ", what, " is 1 to ", bytes_max, " characters of A-Z a-z 0-9 . _ -"));
}

absl::Status CheckRequestId(absl::string_view id) {
  if (id.size() <= kRequestIdBytesMax && std::all_of(id.begin(), id.end(), absl::ascii_isgraph)) {
    return absl::OkStatus();
  }
  return Invalid("REQUEST_ID_INVALID", absl::StrCat("a request id is at most ", kRequestIdBytesMax,
                                                    " printable ASCII characters without spaces"));
}

absl::Status CheckValue(const Value& value, size_t bytes_max) {
  if (value.bytes.size() > bytes_max) {
    return Invalid("VALUE_TOO_LARGE", absl::StrCat("the value has ", value.bytes.size(),
                                                   " bytes, more than the allowed ", bytes_max));
  }
  if (value.kind == Value::Kind::kText && !IsUtf8(value.bytes)) {
    return Invalid("VALUE_NOT_UTF8", "a text value is not UTF-8; send it as data");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckKey(absl::string_view key) {
  if (key.empty()) return Invalid("KEY_EMPTY", "the key is empty");
  if (key.size() > kKeyBytesMax) {
    return Invalid("KEY_TOO_LONG",
                   absl::StrCat("the key has ", key.size(), " bytes, more than the allowed ", kKeyBytesMax));
  }
  if (key.find('\0') != absl::string_view::npos) return Invalid("KEY_HAS_NUL", "the key has a NUL byte");
  if (!IsUtf8(key)) return Invalid("KEY_NOT_UTF8", "the key is not UTF-8");
  return absl::OkStatus();
}

bool IsSystemKey(absl::string_view key) {
  return !key.empty() && key[0] == '\0';
}

absl::Status CheckStoredKey(absl::string_view key) {
  if (!IsSystemKey(key)) return CheckKey(key);
  const absl::string_view name = key.substr(1);
  if (!name.empty() && key.size() <= kKeyBytesMax &&
      std::all_of(name.begin(), name.end(), absl::ascii_isprint))
    return absl::OkStatus();
  return Invalid("KEY_INVALID", "this is no key of the store's own");
}

absl::Status CheckProposal(const Proposal& proposal, const Limits& limits) {
  if (proposal.settlement) {
    if (absl::Status status = CheckKey(proposal.settlement->key); !status.ok()) return status;
    const std::optional<Value>& value = proposal.settlement->value;
    if (absl::Status status = value ? CheckValue(*value, limits.value_bytes_max) : absl::OkStatus();
        !status.ok())
      return status;
    return CheckRequestId(proposal.request_id);
  }
  const size_t count = proposal.operations.size();
  if (count == 0) return Invalid("BATCH_EMPTY", "there is nothing to write");
  if (count > kOperationsMax) {
    return Invalid("BATCH_TOO_LARGE", absl::StrCat("the batch has ", count,
                                                   " operations, more than the allowed ", kOperationsMax));
  }
  size_t bytes = 0;
  absl::flat_hash_set<absl::string_view> keys;
  for (const Operation& operation : proposal.operations) {
    if (absl::Status status = CheckKey(operation.key); !status.ok()) return status;
    if (!keys.insert(operation.key).second) {
      return Invalid("KEY_REPEATED", "a batch may write a key only once");
    }
    bytes += operation.key.size();
    if (!operation.value) continue;
    if (absl::Status status = CheckValue(*operation.value, limits.value_bytes_max); !status.ok())
      return status;
    bytes += operation.value->bytes.size();
  }
  if (count > 1 && bytes > limits.batch_bytes_max) {
    return Invalid("BATCH_TOO_LARGE", absl::StrCat("the batch has ", bytes, " bytes, more than the allowed ",
                                                   limits.batch_bytes_max));
  }
  return CheckRequestId(proposal.request_id);
}

absl::Status CheckNodeId(absl::string_view node_id) {
  return CheckName(node_id, kNodeIdBytesMax, "node id", "NODE_ID_INVALID");
}

absl::Status CheckCluster(absl::string_view cluster) {
  return CheckName(cluster, kClusterBytesMax, "cluster name", "CLUSTER_INVALID");
}

}  // namespace lamppost::kv
