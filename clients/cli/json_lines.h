// The lines of `load`, `dump` and `write`: {"key":"…","value":"…"} or {"key":"…","data":"base64"}, and for
// `write` also {"event":"delete","key":"…"}, as `watch` tells of deletions. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_JSON_LINES_H_
#define LAMPPOST_CLIENTS_CLI_JSON_LINES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lamppost/kv/v1/kv_service.pb.h"

namespace lamppost::cli {

// Members other than key, value, data, ttl and expires_at are passed over. INVALID_ARGUMENT says what is
// wrong. What has expired by `now` is put for a millisecond: it is to replace what is there, and to be seen
// by nobody.
absl::StatusOr<kv::v1::PutOperation> ParseEntryLine(absl::string_view line, absl::Time now = absl::Now());

// The same, but that a line with the event "delete" is a deletion; with any other event than "put" it is
// wrong.
absl::StatusOr<kv::v1::WriteOperation> ParseOperationLine(absl::string_view line,
                                                          absl::Time now = absl::Now());

// Why a line cannot be used, told in other words: with its own reason (a key's, say), or BAD_LINE if it has
// none.
absl::Status BadLine(const absl::Status& why, absl::string_view message);

// With its end. ParseEntryLine gives back the same key, value and expiry; the version is left out.
std::string EntryLine(const kv::v1::KeyValue& entry);
std::string EntryLine(const std::string& key, const kv::v1::Value& value);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_JSON_LINES_H_
