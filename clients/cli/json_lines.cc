#include "clients/cli/json_lines.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/json_format.h"

namespace lamppost::cli {
namespace {

// The member as a string; null if there is none.
absl::StatusOr<const std::string*> StringMember(const nlohmann::json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end()) return nullptr;
  if (!it->is_string()) return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is not a string"));
  return it->get_ptr<const std::string*>();
}

}  // namespace

absl::StatusOr<kv::v1::PutOperation> ParseEntryLine(absl::string_view line) {
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
  for (const auto* member : {&key, &text, &data}) {
    if (!member->ok()) return member->status();
  }
  if (*key == nullptr) return absl::InvalidArgumentError("\"key\" is missing");
  if ((*text == nullptr) == (*data == nullptr)) {
    return absl::InvalidArgumentError("exactly one of \"value\" and \"data\" is needed");
  }
  kv::v1::PutOperation put;
  put.set_key(**key);
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
  Json object = {{"key", key}};
  AddValue(value, &object);
  return absl::StrCat(Line(object), "\n");
}

}  // namespace lamppost::cli
