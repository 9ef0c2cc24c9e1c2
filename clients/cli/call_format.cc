#include "clients/cli/call_format.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "clients/cli/shell_quote.h"
#include "clients/cli/text_table.h"
#include "clients/cpp/struct_json.h"
#include "services/common/utf8.h"

namespace lamppost::cli {
namespace {

// Longer params are not written into a command.
constexpr size_t kInlineParamsBytesMax = 4096;

Json ErrorJson(const rpc::v1::FunctionError& error) {
  Json json = {{"reason", error.reason()},
               {"message", error.message()},
               {"exit_code", nullptr},
               {"signal", nullptr},
               {"error_output", error.error_output()}};
  if (error.has_exit_code()) json["exit_code"] = error.exit_code();
  if (error.has_signal()) json["signal"] = error.signal();
  return json;
}

// The members that tell of the run.
void AddRun(const rpc::v1::Outcome& outcome, Json* object) {
  (*object)["started"] = TimestampJson(outcome.started());
  (*object)["finished"] = TimestampJson(outcome.finished());
  (*object)["run_ms"] = outcome.elapsed_ms();
}

std::vector<std::string> ParamsWords(const FunctionArguments& arguments, const rpc::Json& params) {
  if (params.empty()) return {};
  std::string text = params.dump(-1, ' ', false, rpc::Json::error_handler_t::replace);
  const bool from_elsewhere = arguments.params.size() == 1 && arguments.params[0][0] != '{';
  if (text.size() > kInlineParamsBytesMax && from_elsewhere) return arguments.params;
  return {std::move(text)};
}

}  // namespace

std::string TerminalJson(const Json& json, int indent) {
  const std::string text = json.dump(indent, ' ', false, Json::error_handler_t::replace);
  std::string safe;
  for (absl::string_view rest = text; !rest.empty();) {
    const Utf8Character character = FirstUtf8Character(rest);
    if (character.code_point >= 0x7f && character.code_point < 0xa0) {
      absl::StrAppendFormat(&safe, "\\u%04x", static_cast<uint32_t>(character.code_point));
    } else {
      absl::StrAppend(&safe, rest.substr(0, character.bytes));
    }
    rest.remove_prefix(character.bytes);
  }
  return safe;
}

std::string FormatValue(const google::protobuf::Value& value, OutputFormat format) {
  if (format == OutputFormat::kRaw && value.has_string_value()) return value.string_value();
  const Json json = client::JsonFromValue(value);
  return absl::StrCat(TerminalJson(json, format == OutputFormat::kTable ? 2 : -1), "\n");
}

Json OutcomeJson(const rpc::v1::Outcome& outcome) {
  switch (outcome.kind_case()) {
    case rpc::v1::Outcome::kResult:
      return {{"result", Json(client::JsonFromValue(outcome.result()))}};
    case rpc::v1::Outcome::kError:
      return {{"error", ErrorJson(outcome.error())}};
    default:
      return {
          {"unknown", {{"reason", outcome.unknown().reason()}, {"message", outcome.unknown().message()}}}};
  }
}

Json CallJson(const client::FunctionCallResult& result) {
  Json object = {{"request_id", result.request_id}, {"outcome", OutcomeJson(result.answer)},
                 {"replayed", result.replayed},     {"attempts", result.attempts},
                 {"server", result.server},         {"clock", result.server_clock},
                 {"elapsed_ms", result.elapsed_ms}};
  AddRun(result.answer, &object);
  return object;
}

std::string CallStateName(rpc::v1::CallState state) {
  const std::string name = rpc::v1::CallState_Name(state);
  if (name.empty()) return absl::StrCat("state_", static_cast<int>(state));  // of a newer server
  return absl::AsciiStrToLower(absl::StripPrefix(name, "CALL_STATE_"));
}

std::string FormatUnfinished(const rpc::v1::GetCallResponse& response) {
  std::string line = CallStateName(response.state());
  if (!response.method().empty()) absl::StrAppend(&line, " (", Printable(response.method()), ")");
  const rpc::v1::Progress& progress = response.progress();
  if (progress.has_fraction()) {
    // Written so that a NaN is 0.
    const double part = progress.fraction() > 0 ? std::min(1.0, progress.fraction()) : 0;
    absl::StrAppend(&line, ", ", static_cast<int>(part * 100), "%");
  }
  if (!progress.message().empty()) absl::StrAppend(&line, ", ", Printable(progress.message()));
  return line + "\n";
}

Json KnownCallJson(const rpc::v1::GetCallResponse& response, absl::string_view server) {
  Json object = {{"request_id", response.request_id()},
                 {"state", CallStateName(response.state())},
                 {"method", response.method()},
                 {"outcome", nullptr},
                 {"progress", nullptr},
                 {"server", std::string(server)},
                 {"clock", response.clock().counter()}};
  if (response.has_progress()) {
    const rpc::v1::Progress& progress = response.progress();
    object["progress"] = {{"fraction", progress.has_fraction() ? Json(progress.fraction()) : Json(nullptr)},
                          {"message", progress.message()}};
  }
  if (response.has_outcome()) {
    object["outcome"] = OutcomeJson(response.outcome());
    AddRun(response.outcome(), &object);
  }
  return object;
}

std::string FormatFunctionError(const rpc::v1::FunctionError& error, Colour colour) {
  std::string text =
      absl::StrCat(Styled("lamppost:", Style::kBad, colour), " function failed: ", Printable(error.reason()),
                   ": ", Printable(error.message()));
  if (error.has_exit_code()) absl::StrAppend(&text, " (exit code ", error.exit_code(), ")");
  if (error.has_signal()) absl::StrAppend(&text, " (signal ", error.signal(), ")");
  text += "\n";
  if (error.error_output().empty()) return text;
  text += "the end of its standard error:\n";
  for (const absl::string_view line : absl::StrSplit(absl::StripSuffix(error.error_output(), "\n"), '\n')) {
    absl::StrAppend(&text, "  ", Printable(line), "\n");
  }
  return text;
}

std::string AskAgainCommand(const FunctionArguments& arguments, const rpc::Json& params,
                            absl::string_view request_id) {
  std::vector<std::string> words = {"lamppost", "--server", arguments.server_list};
  words.insert(words.end(), arguments.security.begin(), arguments.security.end());
  if (!arguments.timeout.empty()) words.insert(words.end(), {"--timeout", arguments.timeout});
  if (!arguments.output.empty()) words.insert(words.end(), {"-o", arguments.output});
  // Behind "--" nothing is an option.
  std::vector<std::string> what = {arguments.method};
  for (std::string& word : ParamsWords(arguments, params)) what.push_back(std::move(word));
  const bool dashes = std::any_of(what.begin(), what.end(), [](const std::string& word) {
    return absl::StartsWith(word, "-") && word != "-";
  });
  words.push_back("call");
  if (!dashes) words.insert(words.end(), what.begin(), what.end());
  words.insert(words.end(), {"--request-id", std::string(request_id)});
  if (dashes) {
    words.push_back("--");
    words.insert(words.end(), what.begin(), what.end());
  }
  return absl::StrJoin(
      words, " ", [](std::string* out, const std::string& word) { absl::StrAppend(out, ShellQuote(word)); });
}

}  // namespace lamppost::cli
