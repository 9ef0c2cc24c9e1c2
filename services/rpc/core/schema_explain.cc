#include "services/rpc/core/schema_explain.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lamppost::rpc {
namespace {

constexpr size_t kShownBytesMax = 100;

std::string WithArticle(absl::string_view type) {
  if (type == "null") return "null";
  const bool vowel = type == "array" || type == "integer" || type == "object";
  return absl::StrCat(vowel ? "an " : "a ", type);
}

std::string TypeOf(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return "a boolean";
  if (value.is_string()) return "a string";
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  return "a number";
}

bool HasType(const Json& value, const Json& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  if (type == "number") return value.is_number();
  return value.is_number_integer();
}

std::string Shown(const Json& value) {
  std::string text = CanonicalText(value);
  return text.size() <= kShownBytesMax ? text : std::string("one certain long value");
}

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.size() <= kShownBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

std::string Member(const std::string& path, const std::string& name) {
  if (IsPlainName(name)) return absl::StrCat(path, ".", name);
  return absl::StrCat(path, "[", name.size() <= kShownBytesMax ? CanonicalText(name) : "\"…\"", "]");
}

std::string ExplainType(const Json& type, const Json& value) {
  std::vector<std::string> wanted;
  const Json types = type.is_array() ? type : Json::array({type});
  for (const Json& each : types) {
    if (HasType(value, each)) return "";
    wanted.push_back(WithArticle(each.get<std::string>()));
  }
  if (wanted == std::vector<std::string>{"an integer"} && value.is_number()) return "must be a whole number";
  return absl::StrCat("must be ", absl::StrJoin(wanted, " or "), ", not ", TypeOf(value));
}

std::string ExplainNumber(const Json& schema, double number) {
  const auto bound = [&](const char* name) {
    return schema.contains(name) ? schema[name].get<double>() : std::nan("");
  };
  // Comparing with what is no number is false.
  if (number < bound("minimum")) return absl::StrCat("must be at least ", Shown(schema["minimum"]));
  if (number > bound("maximum")) return absl::StrCat("must be at most ", Shown(schema["maximum"]));
  if (number <= bound("exclusiveMinimum"))
    return absl::StrCat("must be above ", Shown(schema["exclusiveMinimum"]));
  if (number >= bound("exclusiveMaximum"))
    return absl::StrCat("must be below ", Shown(schema["exclusiveMaximum"]));
  if (schema.contains("multipleOf") && std::abs(std::remainder(number, bound("multipleOf"))) > 1e-15)
    return absl::StrCat("must be a multiple of ", Shown(schema["multipleOf"]));
  return "";
}

// `kind` is Items, Length or Properties.
std::string ExplainCount(const Json& schema, absl::string_view kind, absl::string_view unit, size_t count) {
  const std::string min = absl::StrCat("min", kind);
  const std::string max = absl::StrCat("max", kind);
  if (schema.contains(min) && count < schema[min].get<size_t>())
    return absl::StrCat("must have at least ", Shown(schema[min]), " ", unit);
  if (schema.contains(max) && count > schema[max].get<size_t>())
    return absl::StrCat("must have at most ", Shown(schema[max]), " ", unit);
  return "";
}

size_t CharactersOf(const std::string& text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// What of the value itself does not fit; empty if it must be something inside it.
std::string ExplainItself(const Json& schema, const Json& value) {
  if (schema.contains("type")) {
    if (std::string why = ExplainType(schema["type"], value); !why.empty()) return why;
  }
  if (schema.contains("const") && schema["const"] != value)
    return absl::StrCat("must be ", Shown(schema["const"]));
  if (schema.contains("enum")) {
    const Json& values = schema["enum"];
    if (std::find(values.begin(), values.end(), value) == values.end())
      return absl::StrCat("must be one of ", Shown(values));
  }
  if (value.is_number()) return ExplainNumber(schema, value.get<double>());
  if (value.is_string())
    return ExplainCount(schema, "Length", "characters", CharactersOf(value.get_ref<const std::string&>()));
  if (value.is_array()) return ExplainCount(schema, "Items", "elements", value.size());
  if (value.is_object()) return ExplainCount(schema, "Properties", "members", value.size());
  return "";
}

std::string ExplainMembers(const Json& schema, const Json& value, const std::string& path) {
  const Json properties = schema.value("properties", Json::object());
  const Json required = schema.value("required", Json::array());
  const Json others = schema.value("additionalProperties", Json(true));
  for (const Json& name : required) {
    const std::string& text = name.get_ref<const std::string&>();
    if (!value.contains(text)) return absl::StrCat(Member(path, text), ": is required and missing");
  }
  for (const auto& [name, member] : value.items()) {
    const auto property = properties.find(name);
    if (property == properties.end() && others == false) {
      std::vector<std::string> known;
      for (const auto& [each, unused] : properties.items()) known.push_back(each);
      const std::string list = absl::StrJoin(known, ", ");
      return absl::StrCat(Member(path, name), ": is not known; ",
                          known.empty()                      ? "there are no params"
                          : list.size() > 2 * kShownBytesMax ? "see the function's description"
                                                             : absl::StrCat("known are ", list));
    }
    const Json& below = property != properties.end() ? *property : others;
    if (std::string why = ExplainMisfit(below, member, Member(path, name)); !why.empty()) return why;
  }
  return "";
}

std::string ExplainElements(const Json& schema, const Json& value, const std::string& path) {
  const Json items = schema.value("items", Json(true));
  const Json others = schema.value("additionalItems", Json(true));
  for (size_t i = 0; i < value.size(); ++i) {
    const Json& below = !items.is_array() ? items : i < items.size() ? items[i] : others;
    if (std::string why = ExplainMisfit(below, value[i], absl::StrCat(path, "[", i, "]")); !why.empty())
      return why;
  }
  return "";
}

}  // namespace

std::string ExplainMisfit(const Json& schema, const Json& value, const std::string& path) {
  if (schema == true) return "";
  if (schema == false) return absl::StrCat(path, ": must not be given");
  if (std::string why = ExplainItself(schema, value); !why.empty()) return absl::StrCat(path, ": ", why);
  if (value.is_object()) {
    if (std::string why = ExplainMembers(schema, value, path); !why.empty()) return why;
  }
  if (value.is_array()) {
    if (std::string why = ExplainElements(schema, value, path); !why.empty()) return why;
  }
  if (schema.contains("allOf")) {
    for (const Json& part : schema["allOf"]) {
      if (std::string why = ExplainMisfit(part, value, path); !why.empty()) return why;
    }
  }
  return "";
}

}  // namespace lamppost::rpc
