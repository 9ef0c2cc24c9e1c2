#include "services/rpc/core/params_schema.h"

#include <exception>
#include <string>
#include <utility>

// Without it valijson ends the process where it would throw. This file lets no exception out.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/rpc/core/schema_explain.h"
#include "services/rpc/core/schema_text.h"

namespace lamppost::rpc {
namespace {

using Adapter = valijson::adapters::NlohmannJsonAdapter;

// Keywords that ExplainMisfit does not look at, at the schema's top.
std::string OtherKeywords(const Json& schema) {
  std::string names;
  for (const char* name :
       {"anyOf", "oneOf", "not", "if", "dependencies", "propertyNames", "contains", "uniqueItems"}) {
    if (schema.is_object() && schema.contains(name)) absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  }
  return names;
}

std::string Explain(const Json& schema, const Json& params) {
  std::string why = ExplainMisfit(schema, params, "params");
  if (!why.empty()) return why;
  const std::string names = OtherKeywords(schema);
  if (!names.empty()) return absl::StrCat("params: do not fit the function's description (", names, ")");
  return "params: do not fit the function's description";
}

}  // namespace

ParamsSchema::ParamsSchema(Json text) : text_(std::move(text)), schema_(new valijson::Schema()) {}

ParamsSchema::~ParamsSchema() = default;

absl::StatusOr<std::shared_ptr<const ParamsSchema>> ParamsSchema::Compile(Json schema) {
  if (!schema.is_object()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "SCHEMA_INVALID",
                     "#: a schema of params is an object");
  }
  absl::StatusOr<Json> expanded = ExpandSchema(schema);
  if (!expanded.ok()) return expanded.status();
  std::shared_ptr<ParamsSchema> compiled(new ParamsSchema(std::move(schema)));
  compiled->expanded_ = *std::move(expanded);
  try {
    valijson::SchemaParser parser;
    parser.populateSchema(Adapter(compiled->expanded_), *compiled->schema_);
  } catch (const std::exception& error) {
    return MakeError(absl::StatusCode::kInvalidArgument, "SCHEMA_INVALID", error.what());
  }
  return compiled;
}

absl::Status ParamsSchema::Check(const Json& params) const {
  try {
    // It stops at the first misfit, so that a long list of them costs nothing.
    valijson::Validator validator;
    if (validator.validate(*schema_, Adapter(params), nullptr)) return absl::OkStatus();
  } catch (const std::exception& error) {
    return MakeError(absl::StatusCode::kInvalidArgument, "PARAMS_INVALID",
                     absl::StrCat("params: ", error.what()));
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "PARAMS_INVALID", Explain(expanded_, params));
}

}  // namespace lamppost::rpc
