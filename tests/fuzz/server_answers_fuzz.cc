// What a server answers, as the client shows it: a hostile one must not steer the terminal or break the JSON.
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "clients/cli/format.h"
#include "clients/cli/json_format.h"
#include "clients/cli/scan_printer.h"
#include "clients/cli/status_format.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::cli {
namespace {

// What may stand in a table: characters that print, and the ends of its lines.
void CheckTable(absl::string_view text) {
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    FUZZ_CHECK((c >= 0x20 && c != 0x7f) || c == '\n', "a control character of the server's is printed");
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

}  // namespace
}  // namespace lamppost::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  fuzz::Input input(fuzz::BytesOf(data, size));
  switch (input.Byte() % 3) {
    case 0:
      cli::CheckStatus(input.rest());
      break;
    case 1:
      cli::CheckScan(input.rest());
      break;
    default:
      cli::CheckKeyVerbs(input.rest());
  }
  return 0;
}
