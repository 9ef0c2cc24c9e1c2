// The lines of `load` and `dump`: {"key":"…","value":"…"} or {"key":"…","data":"base64"}. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_JSON_LINES_H_
#define LAMPPOST_CLIENTS_CLI_JSON_LINES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "lamppost/kv/v1/kv_service.pb.h"

namespace lamppost::cli {

// Members other than key, value and data are passed over. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<kv::v1::PutOperation> ParseEntryLine(absl::string_view line);

// With its end. ParseEntryLine gives back the same key and value.
std::string EntryLine(const std::string& key, const kv::v1::Value& value);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_JSON_LINES_H_
