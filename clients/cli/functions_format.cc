#include "clients/cli/functions_format.h"

#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "clients/cli/duration.h"
#include "clients/cli/text_table.h"
#include "clients/cpp/struct_json.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

std::string Limits(const rpc::v1::FunctionInfo& function) {
  return absl::StrCat(FormatDurationMs(static_cast<int64_t>(function.time_limit_ms())), ", ",
                      function.concurrency_max(), "+", function.queue_max(),
                      function.idempotent() ? ", idempotent" : "",
                      function.cancellable() ? ", cancellable" : "");
}

Json FunctionJson(const rpc::v1::FunctionInfo& function) {
  return {{"name", function.name()},
          {"description", function.description()},
          {"params", Json(client::JsonFromStruct(function.params()))},
          {"idempotent", function.idempotent()},
          {"time_limit_ms", function.time_limit_ms()},
          {"concurrency_max", function.concurrency_max()},
          {"queue_max", function.queue_max()},
          {"cancellable", function.cancellable()},
          {"source", function.source()},
          {"running", function.running()},
          {"waiting", function.waiting()}};
}

// The "type" of a schema; "any" if there is none, or more than one.
std::string TypeOf(const rpc::Json& schema) {
  if (!schema.is_object()) return "any";
  const auto type = schema.find("type");
  return type != schema.end() && type->is_string() ? type->get<std::string>() : "any";
}

}  // namespace

std::string ParamsSummary(const google::protobuf::Struct& schema_struct) {
  const rpc::Json schema = client::JsonFromStruct(schema_struct);
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object()) return "";
  std::set<std::string> required;
  if (const auto names = schema.find("required"); names != schema.end() && names->is_array()) {
    for (const rpc::Json& name : *names) {
      if (name.is_string()) required.insert(name.get<std::string>());
    }
  }
  std::string summary;
  for (const auto& [name, property] : properties->items()) {
    absl::StrAppend(&summary, summary.empty() ? "" : " ", name,
                    required.count(name) > 0 ? ":" : "?:", TypeOf(property));
  }
  return summary;
}

std::string FormatFunctions(const rpc::v1::ListFunctionsResponse& response, Colour colour) {
  TextTable table;
  table.Add({{"NAME", Style::kBold},
             {"PARAMS", Style::kBold},
             {"LIMITS", Style::kBold},
             {"DESCRIPTION", Style::kBold}});
  for (const rpc::v1::FunctionInfo& function : response.functions()) {
    table.Add({Printable(function.name()), Printable(ParamsSummary(function.params())), Limits(function),
               Printable(function.description())});
  }
  return table.Render(colour);
}

Json FunctionsJson(const rpc::v1::ListFunctionsResponse& response, absl::string_view server) {
  Json functions = Json::array();
  for (const rpc::v1::FunctionInfo& function : response.functions())
    functions.push_back(FunctionJson(function));
  Json problems = Json::array();
  for (const rpc::v1::FunctionProblem& problem : response.problems()) {
    problems.push_back({{"file", problem.file()}, {"message", problem.message()}});
  }
  return {{"functions", std::move(functions)},
          {"problems", std::move(problems)},
          {"server", std::string(server)},
          {"clock", response.clock().counter()}};
}

std::string FaultKindName(rpc::v1::FaultKind kind) {
  const std::string name = rpc::v1::FaultKind_Name(kind);
  if (name.empty()) return absl::StrCat("kind_", static_cast<int>(kind));  // of a newer server
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripPrefix(name, "FAULT_KIND_")), {{"_", "-"}});
}

Json FaultJson(const rpc::v1::Fault& fault) {
  return {{"kind", FaultKindName(fault.kind())},
          {"method", fault.method()},
          {"delay_ms", fault.delay_ms()},
          {"times", fault.times()},
          {"probability", fault.probability() == 0 ? 1.0 : fault.probability()}};
}

std::string FormatFaults(const std::vector<FaultAnswer<rpc::v1::ListFaultsResponse>>& answers,
                         Colour colour) {
  TextTable table;
  table.Add({{"SERVER", Style::kBold},
             {"KIND", Style::kBold},
             {"METHOD", Style::kBold},
             {"DELAY", Style::kBold},
             {"TIMES", Style::kBold},
             {"PROBABILITY", Style::kBold}});
  for (const auto& answer : answers) {
    for (const rpc::v1::Fault& fault : answer.result.response.faults()) {
      table.Add({answer.server, FaultKindName(fault.kind()),
                 fault.method().empty() ? "*" : Printable(fault.method()),
                 fault.delay_ms() == 0 ? "-" : FormatDurationMs(static_cast<int64_t>(fault.delay_ms())),
                 fault.times() == 0 ? "always" : absl::StrCat(fault.times()),
                 absl::StrCat(fault.probability() == 0 ? 1.0 : fault.probability())});
    }
  }
  return table.Render(colour);
}

}  // namespace lamppost::cli
