#include "clients/cli/json_lines.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/duration.h"
#include "clients/cli/json_format.h"
#include "clients/cpp/client.h"
#include "services/common/error.h"
#include "services/kv/core/limits.h"

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
absl::StatusOr<int64_t> TtlMsUntil(const std::string& expires_at, absl::Time now) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, expires_at, &time, &error)) {
    return absl::InvalidArgumentError("\"expires_at\" is not a time such as 2027-01-31T12:00:00Z");
  }
  return std::max<int64_t>(1, absl::ToInt64Milliseconds(time - now));
}

absl::Status TakeTtl(const nlohmann::json& object, absl::Time now, kv::v1::PutOperation* put) {
  const auto ttl = StringMember(object, "ttl");
  if (!ttl.ok()) return ttl.status();
  const auto expires_at = StringMember(object, "expires_at");
  if (!expires_at.ok()) return expires_at.status();
  if (*ttl == nullptr && *expires_at == nullptr) return absl::OkStatus();
  if (*ttl != nullptr && *expires_at != nullptr) {
    return absl::InvalidArgumentError("at most one of \"ttl\" and \"expires_at\" may be given");
  }
  const auto ttl_ms = *ttl != nullptr ? ParseTtlMs(**ttl) : TtlMsUntil(**expires_at, now);
  if (!ttl_ms.ok()) {
    return *ttl == nullptr ? ttl_ms.status()
                           : absl::InvalidArgumentError(absl::StrCat("\"ttl\": ", ttl_ms.status().message()));
  }
  client::SetTtl(*ttl_ms, put->mutable_ttl());
  return absl::OkStatus();
}

absl::StatusOr<nlohmann::json> ParseObject(absl::string_view line) {
  nlohmann::json object;
  try {
    object = nlohmann::json::parse(line.begin(), line.end());
  } catch (const nlohmann::json::parse_error& error) {
    return absl::InvalidArgumentError(absl::StrCat("not valid JSON at byte ", error.byte));
  } catch (const nlohmann::json::out_of_range&) {
    return absl::InvalidArgumentError("a number is out of range");
  }
  if (!object.is_object()) return absl::InvalidArgumentError("not a JSON object");
  return object;
}

absl::StatusOr<std::string> KeyOf(const nlohmann::json& object) {
  const auto key = StringMember(object, "key");
  if (!key.ok()) return key.status();
  if (*key == nullptr) return absl::InvalidArgumentError("\"key\" is missing");
  // The node would say so of the whole batch; here it is one line's.
  if (const absl::Status status = kv::CheckKey(**key); !status.ok()) return status;
  return **key;
}

absl::StatusOr<kv::v1::PutOperation> PutOf(const nlohmann::json& object, absl::Time now) {
  kv::v1::PutOperation put;
  auto key = KeyOf(object);
  if (!key.ok()) return key.status();
  put.set_key(*std::move(key));
  const auto text = StringMember(object, "value");
  const auto data = StringMember(object, "data");
  for (const auto* member : {&text, &data}) {
    if (!member->ok()) return member->status();
  }
  if ((*text == nullptr) == (*data == nullptr)) {
    return absl::InvalidArgumentError("exactly one of \"value\" and \"data\" is needed");
  }
  if (const absl::Status status = TakeTtl(object, now, &put); !status.ok()) return status;
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

absl::StatusOr<kv::v1::DeleteOperation> DeleteOf(const nlohmann::json& object) {
  for (const char* name : {"value", "data", "ttl", "expires_at"}) {
    if (object.contains(name)) {
      return absl::InvalidArgumentError(absl::StrCat("a deletion has no \"", name, "\""));
    }
  }
  auto key = KeyOf(object);
  if (!key.ok()) return key.status();
  kv::v1::DeleteOperation erase;
  erase.set_key(*std::move(key));
  return erase;
}

}  // namespace

absl::StatusOr<kv::v1::PutOperation> ParseEntryLine(absl::string_view line, absl::Time now) {
  const auto object = ParseObject(line);
  if (!object.ok()) return object.status();
  return PutOf(*object, now);
}

absl::StatusOr<kv::v1::WriteOperation> ParseOperationLine(absl::string_view line, absl::Time now) {
  const auto object = ParseObject(line);
  if (!object.ok()) return object.status();
  const auto event = StringMember(*object, "event");
  if (!event.ok()) return event.status();
  kv::v1::WriteOperation operation;
  if (*event != nullptr && **event == "delete") {
    auto erase = DeleteOf(*object);
    if (!erase.ok()) return erase.status();
    *operation.mutable_delete_() = *std::move(erase);
    return operation;
  }
  if (*event != nullptr && **event != "put") {
    return absl::InvalidArgumentError("\"event\" is neither \"put\" nor \"delete\"");
  }
  auto put = PutOf(*object, now);
  if (!put.ok()) return put.status();
  *operation.mutable_put() = *std::move(put);
  return operation;
}

absl::Status BadLine(const absl::Status& why, absl::string_view message) {
  if (!ErrorReason(why).empty()) return WithMessage(why, message);
  return MakeError(why.code(), "BAD_LINE", message);
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
