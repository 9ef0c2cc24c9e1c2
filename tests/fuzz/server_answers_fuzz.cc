// What a server answers, as the client shows it: a hostile one must not steer the terminal or break the JSON.
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "absl/strings/str_split.h"
#include "clients/cli/call_format.h"
#include "clients/cli/call_progress.h"
#include "clients/cli/format.h"
#include "clients/cli/functions_format.h"
#include "clients/cli/json_format.h"
#include "clients/cli/scan_printer.h"
#include "clients/cli/status_format.h"
#include "clients/cli/text_table.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::cli {
namespace {

// What may stand in a table: characters that print, and the ends of its lines.
void CheckTable(absl::string_view text) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    FUZZ_CHECK(Printable(line) == line, "a control character of the server's is printed");
  }
}

void CheckJson(const std::string& text) {
  FUZZ_CHECK(nlohmann::json::accept(text), "what is printed as JSON is none");
}

void CheckStatus(absl::string_view bytes) {
  NodeStatus node;
  node.address = "127.0.0.1:8000";
  if (!node.result.response.ParseFromString(std::string(bytes))) return;
  CheckTable(FormatStatus(node.result.response, node.address, Colour::kOff));
  CheckTable(FormatStatuses({node, node}, Colour::kOff));
  CheckJson(Line(StatusJson(node.result.response, node.address)));
}

void CheckScan(absl::string_view bytes) {
  kv::v1::ScanResponse page;
  if (!page.ParseFromString(std::string(bytes))) return;
  for (const OutputFormat format : {OutputFormat::kTable, OutputFormat::kJson, OutputFormat::kRaw}) {
    std::ostringstream out;
    Io io{nullptr, &out, nullptr};
    ScanPrinter printer(io, format, ScanContent::kKeysAndValues);
    for (const kv::v1::KeyValue& entry : page.entries()) printer.Add(entry);
    printer.Finish();
    if (format == OutputFormat::kTable) CheckTable(out.str());
    if (format == OutputFormat::kJson) CheckJson(out.str());
  }
}

template <typename Response>
bool Parse(absl::string_view bytes, client::Result<Response>* result) {
  result->node = "127.0.0.1:8000";
  return result->response.ParseFromString(std::string(bytes));
}

void CheckKeyVerbs(absl::string_view bytes) {
  client::Result<kv::v1::PutResponse> put;
  if (Parse(bytes, &put)) {
    CheckTable(FormatPut("k", put, OutputFormat::kTable));
    CheckTable(FormatPut("k", put, OutputFormat::kRaw));
    CheckJson(FormatPut("k", put, OutputFormat::kJson));
  }
  client::Result<kv::v1::DeleteResponse> del;
  if (Parse(bytes, &del)) {
    CheckTable(FormatDelete("k", del, OutputFormat::kTable));
    CheckJson(FormatDelete("k", del, OutputFormat::kJson));
  }
  client::Result<kv::v1::GetResponse> get;
  if (Parse(bytes, &get)) {
    FormatGet("k", get, OutputFormat::kTable);  // the value as it is: that is what it is for
    CheckJson(FormatGet("k", get, OutputFormat::kJson));
  }
}

// JSON that a terminal may show: C1 controls are written out, too.
void CheckShownJson(const Json& json) {
  const std::string text = TerminalJson(json, -1);
  CheckJson(text);
  FUZZ_CHECK(Printable(text) == text, "JSON holds a character that steers a terminal");
}

void CheckProgress(const rpc::v1::Progress& progress) {
  const std::string line = RenderCallProgress(progress, 1500);
  FUZZ_CHECK(Printable(line) == line && DisplayWidth(line) <= 80, "a bar that a terminal does not hold");
}

void CheckOutcome(const rpc::v1::Outcome& outcome) {
  CheckShownJson(OutcomeJson(outcome));
  CheckTable(FormatFunctionError(outcome.error(), Colour::kOff));
  CheckTable(FormatValue(outcome.result(), OutputFormat::kTable));
  CheckJson(FormatValue(outcome.result(), OutputFormat::kTable));
  FormatValue(outcome.result(), OutputFormat::kRaw);  // a text as it is: that is what it is for
}

void CheckCall(absl::string_view bytes) {
  rpc::v1::CallResponse response;
  if (!response.ParseFromString(std::string(bytes))) return;
  client::FunctionCallResult result;
  result.request_id = response.request_id();
  result.server = "127.0.0.1:5000";
  result.answer = response.outcome();
  result.server_clock = response.clock().counter();
  CheckOutcome(result.answer);
  CheckShownJson(CallJson(result));
}

void CheckKnownCall(absl::string_view bytes) {
  rpc::v1::GetCallResponse response;
  if (!response.ParseFromString(std::string(bytes))) return;
  CheckOutcome(response.outcome());
  CheckProgress(response.progress());
  CheckShownJson(KnownCallJson(response, "127.0.0.1:5000"));
  CheckTable(FormatUnfinished(response));
}

void CheckFunctions(absl::string_view bytes) {
  rpc::v1::ListFunctionsResponse response;
  if (!response.ParseFromString(std::string(bytes))) return;
  CheckTable(FormatFunctions(response, Colour::kOff));
  CheckShownJson(FunctionsJson(response, "127.0.0.1:5000"));
}

void CheckFaults(absl::string_view bytes) {
  FaultAnswer<rpc::v1::ListFaultsResponse> answer;
  answer.server = "127.0.0.1:5000";
  if (!answer.result.response.ParseFromString(std::string(bytes))) return;
  CheckTable(FormatFaults({answer, answer}, Colour::kOff));
  for (const rpc::v1::Fault& fault : answer.result.response.faults()) CheckShownJson(FaultJson(fault));
}

}  // namespace
}  // namespace lamppost::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  fuzz::Input input(fuzz::BytesOf(data, size));
  switch (input.Byte() % 7) {
    case 0:
      cli::CheckStatus(input.rest());
      break;
    case 1:
      cli::CheckScan(input.rest());
      break;
    case 2:
      cli::CheckKeyVerbs(input.rest());
      break;
    case 3:
      cli::CheckCall(input.rest());
      break;
    case 4:
      cli::CheckKnownCall(input.rest());
      break;
    case 5:
      cli::CheckFunctions(input.rest());
      break;
    default:
      cli::CheckFaults(input.rest());
  }
  return 0;
}
