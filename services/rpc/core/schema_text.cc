#include "services/rpc/core/schema_text.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

using Names = absl::Span<const absl::string_view>;

constexpr absl::string_view kTypes[] = {"array", "boolean", "integer", "null", "number", "object", "string"};
constexpr absl::string_view kAnnotations[] = {
    "$comment", "$id",    "$schema",  "contentEncoding", "contentMediaType", "default", "description",
    "examples", "format", "readOnly", "title",           "writeOnly"};
constexpr absl::string_view kDefinitions[] = {"$defs", "definitions"};
constexpr absl::string_view kSchemas[] = {
    "additionalItems", "additionalProperties", "contains", "else", "if", "not", "propertyNames", "then"};
constexpr absl::string_view kLists[] = {"allOf", "anyOf", "oneOf"};
constexpr absl::string_view kNumbers[] = {"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"};
constexpr absl::string_view kCounts[] = {"maxItems", "maxLength", "maxProperties",
                                         "minItems", "minLength", "minProperties"};
constexpr absl::string_view kPatterns[] = {"pattern", "patternProperties"};

bool IsOneOf(absl::string_view name, Names names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsAnnotation(absl::string_view name) {
  return IsOneOf(name, kAnnotations) || absl::StartsWith(name, "x-");
}

absl::Status Invalid(absl::string_view where, absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "SCHEMA_INVALID", absl::StrCat(where, ": ", what));
}

// A non-negative whole number, however it is written.
bool IsCount(const Json& value) {
  if (!value.is_number()) return false;
  const double number = value.get<double>();
  return number >= 0 && number <= 1e15 && std::trunc(number) == number;
}

bool IsType(const Json& value) {
  return value.is_string() && IsOneOf(value.get_ref<const std::string&>(), kTypes);
}

bool IsListOfStrings(const Json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), [](const Json& each) { return each.is_string(); });
}

// The element of an array that a part of a JSON pointer names.
const Json* ElementOf(const Json& array, absl::string_view index) {
  size_t i = 0;
  if (!absl::SimpleAtoi(index, &i) || i >= array.size()) return nullptr;
  return &array[i];
}

// What a JSON pointer (RFC 6901), as in "#/definitions/a", leads to; null if nothing.
const Json* Follow(const Json& root, absl::string_view pointer) {
  const Json* at = &root;
  if (pointer == "#") return at;
  for (const absl::string_view part : absl::StrSplit(absl::StripPrefix(pointer, "#/"), '/')) {
    const std::string name = absl::StrReplaceAll(absl::StrReplaceAll(part, {{"~1", "/"}}), {{"~0", "~"}});
    if (at->is_array()) {
      at = ElementOf(*at, name);
    } else {
      const auto member = at->is_object() ? at->find(name) : at->end();
      at = member != at->end() ? &*member : nullptr;
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

class Expander {
 public:
  explicit Expander(const Json& root) : root_(root) {}

  absl::StatusOr<Json> Expand(const Json& schema, const std::string& where, size_t depth) {
    if (++parts_ > kSchemaPartsMax) {
      return Invalid(where,
                     absl::StrCat("more than ", kSchemaPartsMax, " schemas in it, references followed"));
    }
    if (depth > kSchemaExpandedDepthMax) {
      return Invalid(where, "schemas lie too deep in each other, or one refers to what it lies in");
    }
    if (schema.is_boolean()) return schema;
    if (!schema.is_object()) return Invalid(where, "a schema is an object, true or false");
    if (schema.contains("$ref")) return Refer(schema, where, depth);
    Json expanded = Json::object();
    for (const auto& [name, value] : schema.items()) {
      if (absl::Status status = Take(name, value, where, depth, &expanded); !status.ok()) return status;
    }
    if (absl::Status status = CheckTogether(expanded, where); !status.ok()) return status;
    return expanded;
  }

 private:
  absl::StatusOr<Json> Refer(const Json& schema, const std::string& where, size_t depth) {
    for (const auto& [name, value] : schema.items()) {
      if (name != "$ref" && !IsAnnotation(name) && !IsOneOf(name, kDefinitions))
        return Invalid(where, absl::StrCat("\"", name, "\" beside \"$ref\" would not count"));
    }
    const Json& reference = schema["$ref"];
    const std::string text = reference.is_string() ? reference.get<std::string>() : std::string();
    if (text != "#" && !absl::StartsWith(text, "#/"))
      return Invalid(where, "\"$ref\" must point into this schema: \"#/…\"");
    const Json* target = Follow(root_, text);
    if (target == nullptr)
      return Invalid(where, absl::StrCat("\"$ref\": there is no ", absl::Utf8SafeCHexEscape(text)));
    return Expand(*target, where, depth + 1);
  }

  // Takes a keyword over into the expanded schema.
  absl::Status Take(const std::string& name, const Json& value, const std::string& where, size_t depth,
                    Json* expanded) {
    const std::string place = absl::StrCat(where, "/", absl::Utf8SafeCHexEscape(name));
    if (IsAnnotation(name)) return absl::OkStatus();
    if (IsOneOf(name, kPatterns)) return Invalid(place, "regular expressions are not taken");
    if (IsOneOf(name, kSchemas)) return TakeSchema(name, value, place, depth, expanded);
    if (name == "items" && !value.is_array()) return TakeSchema(name, value, place, depth, expanded);
    if (name == "items" || IsOneOf(name, kLists)) return TakeList(name, value, place, depth, expanded);
    if (name == "properties" || name == "dependencies") return TakeMap(name, value, place, depth, expanded);
    if (IsOneOf(name, kDefinitions)) {
      Json checked_only = Json::object();
      return TakeMap(name, value, place, depth, &checked_only);
    }
    return TakeValue(name, value, place, expanded);
  }

  absl::Status TakeSchema(const std::string& name, const Json& value, const std::string& place, size_t depth,
                          Json* expanded) {
    absl::StatusOr<Json> schema = Expand(value, place, depth + 1);
    if (!schema.ok()) return schema.status();
    (*expanded)[name] = *std::move(schema);
    return absl::OkStatus();
  }

  absl::Status TakeList(const std::string& name, const Json& value, const std::string& place, size_t depth,
                        Json* expanded) {
    if (!value.is_array() || value.empty()) return Invalid(place, "must be a list of schemas");
    Json list = Json::array();
    for (size_t i = 0; i < value.size(); ++i) {
      absl::StatusOr<Json> schema = Expand(value[i], absl::StrCat(place, "/", i), depth + 1);
      if (!schema.ok()) return schema.status();
      list.push_back(*std::move(schema));
    }
    (*expanded)[name] = std::move(list);
    return absl::OkStatus();
  }

  absl::Status TakeMap(const std::string& name, const Json& value, const std::string& place, size_t depth,
                       Json* expanded) {
    if (!value.is_object()) return Invalid(place, "must be an object");
    Json map = Json::object();
    for (const auto& [key, each] : value.items()) {
      if (name == "dependencies" && IsListOfStrings(each)) {
        map[key] = each;
        continue;
      }
      absl::StatusOr<Json> schema =
          Expand(each, absl::StrCat(place, "/", absl::Utf8SafeCHexEscape(key)), depth + 1);
      if (!schema.ok()) return schema.status();
      map[key] = *std::move(schema);
    }
    (*expanded)[name] = std::move(map);
    return absl::OkStatus();
  }

  static absl::Status TakeValue(const std::string& name, const Json& value, const std::string& place,
                                Json* expanded) {
    Json& taken = (*expanded)[name] = value;
    if (name == "const") return absl::OkStatus();
    if (name == "enum") {
      if (!value.is_array() || value.empty()) return Invalid(place, "must be a list of values");
    } else if (name == "type") {
      const bool list = value.is_array() && !value.empty();
      if (!IsType(value) && !(list && std::all_of(value.begin(), value.end(), IsType)))
        return Invalid(place,
                       "must be array, boolean, integer, null, number, object, string, or a list of these");
    } else if (name == "required") {
      if (!IsListOfStrings(value)) return Invalid(place, "must be a list of names");
    } else if (name == "uniqueItems") {
      if (!value.is_boolean()) return Invalid(place, "must be true or false");
    } else if (name == "multipleOf") {
      if (!value.is_number() || !(value.get<double>() > 0)) return Invalid(place, "must be a number above 0");
      taken = value.get<double>();  // as an integer, valijson would round what it checks
    } else if (IsOneOf(name, kNumbers)) {
      if (!value.is_number()) return Invalid(place, "must be a number");
    } else if (IsOneOf(name, kCounts)) {
      if (!IsCount(value)) return Invalid(place, "must be a whole number, 0 or more");
      taken = static_cast<int64_t>(value.get<double>());
    } else {
      return Invalid(place, "JSON Schema draft 7 has no such keyword");
    }
    return absl::OkStatus();
  }

  // What a keyword needs beside it.
  static absl::Status CheckTogether(const Json& schema, const std::string& where) {
    if (schema.value("uniqueItems", false) &&
        (!schema.contains("maxItems") || schema["maxItems"].get<int64_t>() > int64_t{kUniqueItemsMax})) {
      return Invalid(where, absl::StrCat("\"uniqueItems\" needs \"maxItems\", at most ", kUniqueItemsMax));
    }
    const Json type = schema.contains("type") ? schema["type"] : Json();
    if (schema.contains("multipleOf") && type != "number" && type != "integer") {
      return Invalid(where, "\"multipleOf\" needs the \"type\" number or integer");
    }
    return absl::OkStatus();
  }

  const Json& root_;
  size_t parts_ = 0;
};

}  // namespace

absl::StatusOr<Json> ExpandSchema(const Json& schema) {
  if (DepthOf(schema) > kJsonDepthMax) {
    return Invalid("#", absl::StrCat("the schema is nested more than ", kJsonDepthMax, " deep"));
  }
  return Expander(schema).Expand(schema, "#", 0);
}

}  // namespace lamppost::rpc
