#include "clients/cli/json_lines.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/json_format.h"
#include "clients/cpp/client.h"

namespace lamppost::cli {
namespace {

// The member as a string; null if there is none.
absl::StatusOr<const std::string*> StringMember(const nlohmann::json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end()) return nullptr;
  if (!it->is_string()) return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is not a string"));
  return it->get_ptr<const std::string*>();
}

// As a ttl, counted from now.
absl::Status TakeExpiry(const std::string& expires_at, absl::Time now, kv::v1::PutOperation* put) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, expires_at, &time, &error)) {
    return absl::InvalidArgumentError("\"expires_at\" is not a time such as 2027-01-31T12:00:00Z");
  }
  client::SetTtl(std::max<int64_t>(1, absl::ToInt64Milliseconds(time - now)), put->mutable_ttl());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<kv::v1::PutOperation> ParseEntryLine(absl::string_view line, absl::Time now) {
  nlohmann::json object;
  try {
    object = nlohmann::json::parse(line.begin(), line.end());
  } catch (const nlohmann::json::parse_error& error) {
    return absl::InvalidArgumentError(absl::StrCat("not valid JSON at byte ", error.byte));
  } catch (const nlohmann::json::out_of_range&) {
    return absl::InvalidArgumentError("a number is out of range");
  }
  if (!object.is_object()) return absl::InvalidArgumentError("not a JSON object");
  const auto key = StringMember(object, "key");
  const auto text = StringMember(object, "value");
  const auto data = StringMember(object, "data");
  const auto expires_at = StringMember(object, "expires_at");
  for (const auto* member : {&key, &text, &data, &expires_at}) {
    if (!member->ok()) return member->status();
  }
  if (*key == nullptr) return absl::InvalidArgumentError("\"key\" is missing");
  if ((*text == nullptr) == (*data == nullptr)) {
    return absl::InvalidArgumentError("exactly one of \"value\" and \"data\" is needed");
  }
  kv::v1::PutOperation put;
  put.set_key(**key);
  if (*expires_at != nullptr) {
    const absl::Status status = TakeExpiry(**expires_at, now, &put);
    if (!status.ok()) return status;
  }
  if (*text != nullptr) {
    put.mutable_value()->set_text(**text);
    return put;
  }
  std::string bytes;
  if (!absl::Base64Unescape(**data, &bytes)) {
    return absl::InvalidArgumentError("\"data\" is not base64");
  }
  put.mutable_value()->set_data(std::move(bytes));
  return put;
}

std::string EntryLine(const std::string& key, const kv::v1::Value& value) {
  kv::v1::KeyValue entry;
  entry.set_key(key);
  *entry.mutable_value() = value;
  return EntryLine(entry);
}

std::string EntryLine(const kv::v1::KeyValue& entry) {
  Json object = {{"key", entry.key()}};
  AddValue(entry.value(), &object);
  if (entry.has_expires_at()) object["expires_at"] = TimeText(entry.expires_at());
  return absl::StrCat(Line(object), "\n");
}

}  // namespace lamppost::cli
