// Messages as the JSON of docs/cli.md. Pure.
//
// Counters are numbers: no cluster counts beyond 2^53, for nodes refuse jumps of more than 2^44.
// Incarnations do go beyond, and are strings of decimal digits.
#ifndef LAMPPOST_CLIENTS_CLI_JSON_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_JSON_FORMAT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "lamppost/kv/v1/kv_service.pb.h"

namespace lamppost::cli {

// Members keep the order in which they are added.
using Json = nlohmann::ordered_json;

// One line, without its end. Bytes that are no UTF-8 become U+FFFD: for messages, not for data.
std::string Line(const Json& json);

// "2027-01-31T12:00:00.5Z"; the other way round it is absl::ParseTime's RFC3339.
std::string TimeText(const google::protobuf::Timestamp& time);
absl::Time TimeOf(const google::protobuf::Timestamp& time);
Json TimestampJson(const clock::v1::Timestamp& timestamp);
Json HeadsJson(const google::protobuf::RepeatedPtrField<clock::v1::Head>& heads);
// Adds "value": text, or "data": base64; nothing if the value is unset.
void AddValue(const kv::v1::Value& value, Json* object);

// {"key", "value" or "data", "version", and "expires_at" if it does}
Json EntryJson(const kv::v1::KeyValue& entry);
Json StatusJson(const kv::v1::StatusResponse& status, absl::string_view address);
// "live", "catching_up", …
std::string PeerStateName(kv::v1::PeerState state);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_JSON_FORMAT_H_
