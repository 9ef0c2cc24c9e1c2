#include "clients/cpp/struct_json.h"

#include <cmath>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/utf8.h"

namespace lamppost::client {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using rpc::Json;

absl::Status Refuse(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::Status TooLong(absl::string_view number) {
  constexpr size_t kShownMax = 40;
  return Refuse(
      "PARAMS_INVALID",
      absl::StrCat("the whole number ", number.substr(0, kShownMax), number.size() > kShownMax ? "…" : "",
                   " is beyond 2^53 and would be rounded: numbers travel as doubles; send it as text"));
}

absl::Status NotUtf8() {
  return Refuse("NOT_JSON", "a text in the params is not valid UTF-8");
}

absl::Status TooDeep() {
  return Refuse("JSON_TOO_DEEP", absl::StrCat("JSON is nested more than ", rpc::kJsonDepthMax, " deep"));
}

bool IsBeyondExact(const Json& number) {
  if (number.is_number_unsigned()) return number.get<uint64_t>() > static_cast<uint64_t>(kExactIntegerMax);
  const int64_t value = number.get<int64_t>();
  return value > kExactIntegerMax || value < -kExactIntegerMax;
}

absl::Status FillNumber(const Json& json, Value* value) {
  if (json.is_number_integer() && IsBeyondExact(json)) return TooLong(json.dump());
  const double number = json.get<double>();
  if (!std::isfinite(number)) return Refuse("NOT_JSON", "a number in the params is not finite");
  value->set_number_value(number);
  return absl::OkStatus();
}

absl::Status FillStruct(const Json& json, Struct* value);

// The depth is known to be within bounds.
absl::Status FillValue(const Json& json, Value* value) {
  if (json.is_number()) return FillNumber(json, value);
  if (json.is_object()) return FillStruct(json, value->mutable_struct_value());
  if (json.is_boolean()) {
    value->set_bool_value(json.get<bool>());
  } else if (json.is_string()) {
    const std::string& text = json.get_ref<const std::string&>();
    if (!IsUtf8(text)) return NotUtf8();
    value->set_string_value(text);
  } else if (json.is_array()) {
    google::protobuf::ListValue* list = value->mutable_list_value();
    for (const Json& element : json) {
      if (absl::Status status = FillValue(element, list->add_values()); !status.ok()) return status;
    }
  } else {
    value->set_null_value(google::protobuf::NULL_VALUE);
  }
  return absl::OkStatus();
}

absl::Status FillStruct(const Json& json, Struct* value) {
  for (const auto& [name, member] : json.items()) {
    if (!IsUtf8(name)) return NotUtf8();
    if (absl::Status status = FillValue(member, &(*value->mutable_fields())[name]); !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status CheckStructAt(const Struct& value, size_t depth);

absl::Status CheckValueAt(const Value& value, size_t depth) {
  switch (value.kind_case()) {
    case Value::kStringValue:
      return IsUtf8(value.string_value()) ? absl::OkStatus() : NotUtf8();
    case Value::kNumberValue:
      if (std::isfinite(value.number_value())) return absl::OkStatus();
      return Refuse("NOT_JSON", "a number in the params is not finite");
    case Value::kStructValue:
      return CheckStructAt(value.struct_value(), depth + 1);
    case Value::kListValue:
      if (depth + 1 > rpc::kJsonDepthMax) return TooDeep();
      for (const Value& element : value.list_value().values()) {
        if (absl::Status status = CheckValueAt(element, depth + 1); !status.ok()) return status;
      }
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status CheckStructAt(const Struct& value, size_t depth) {
  if (depth > rpc::kJsonDepthMax) return TooDeep();
  for (const auto& [name, member] : value.fields()) {
    if (!IsUtf8(name)) return NotUtf8();
    if (absl::Status status = CheckValueAt(member, depth); !status.ok()) return status;
  }
  return absl::OkStatus();
}

Json StructAt(const Struct& value, size_t depth);

Json ValueAt(const Value& value, size_t depth) {
  if (depth > rpc::kJsonDepthMax) return nullptr;
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return rpc::Normalised(value.number_value());
    case Value::kStringValue:
      return value.string_value();
    case Value::kBoolValue:
      return value.bool_value();
    case Value::kStructValue:
      return StructAt(value.struct_value(), depth);
    case Value::kListValue: {
      Json list = Json::array();
      for (const Value& element : value.list_value().values()) list.push_back(ValueAt(element, depth + 1));
      return list;
    }
    default:
      return nullptr;
  }
}

Json StructAt(const Struct& value, size_t depth) {
  Json object = Json::object();
  for (const auto& [name, member] : value.fields()) object[name] = ValueAt(member, depth + 1);
  return object;
}

// Listens to a parser and looks at whole numbers only.
class IntegerCheck final : public nlohmann::json_sax<Json> {
 public:
  const absl::Status& status() const { return status_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t number) override {
    if (IsBeyondExact(Json(number))) status_ = TooLong(absl::StrCat(number));
    return status_.ok();
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (IsBeyondExact(Json(number))) status_ = TooLong(absl::StrCat(number));
    return status_.ok();
  }
  bool number_float(number_float_t, const string_t& text) override {
    // Digits alone: a whole number beyond 64 bits.
    if (text.find_first_of(".eE") == string_t::npos) status_ = TooLong(text);
    return status_.ok();
  }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t, const std::string&, const Json::exception&) override { return false; }

 private:
  absl::Status status_;
};

}  // namespace

absl::StatusOr<Struct> StructFromJson(const Json& json) {
  if (!json.is_object()) return Refuse("PARAMS_INVALID", "the params are not a JSON object");
  if (rpc::DepthOf(json) > rpc::kJsonDepthMax) return TooDeep();
  Struct value;
  if (absl::Status status = FillStruct(json, &value); !status.ok()) return status;
  return value;
}

absl::Status CheckStruct(const Struct& params) {
  return CheckStructAt(params, 1);
}

Json JsonFromValue(const Value& value) {
  return ValueAt(value, 0);
}

Json JsonFromStruct(const Struct& value) {
  return StructAt(value, 0);
}

absl::Status CheckIntegers(absl::string_view json_text) {
  IntegerCheck check;
  Json::sax_parse(json_text.begin(), json_text.end(), &check);
  return check.status();
}

}  // namespace lamppost::client
