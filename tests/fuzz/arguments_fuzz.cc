// The command line of `lamppost`: arguments, each ended by a NUL.
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "clients/cli/arguments.h"
#include "clients/cli/duration.h"
#include "clients/cli/exit_code.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::cli {
namespace {

constexpr size_t kWordsMax = 32;

bool IsDurationMs(int64_t duration_ms) {
  return duration_ms >= 1 && duration_ms <= kDurationMsMax;
}

// What the verbs that are about functions build on.
void CheckFunctions(Verb verb, const FunctionArguments& functions) {
  FUZZ_CHECK(!functions.servers.empty(), "there is no server to ask");
  FUZZ_CHECK(ParseAddresses(functions.server_list).ok(), "the list of servers is not what was read");
  FUZZ_CHECK(!functions.retries || (*functions.retries >= 0 && *functions.retries <= kRetriesMax), "retries");
  FUZZ_CHECK(!functions.hedge_delay_ms || IsDurationMs(*functions.hedge_delay_ms), "the hedge's delay");
  FUZZ_CHECK(!functions.hedge_delay_ms || functions.form == CallForm::kUnary, "a stream that is hedged");
  FUZZ_CHECK(functions.timeout.empty() || ParseDurationMs(functions.timeout).ok(), "a timeout is none");
  if (verb != Verb::kFaultRpc || functions.fault_action != FaultAction::kAdd) return;
  const rpc::v1::Fault& fault = functions.fault;
  FUZZ_CHECK(fault.kind() != rpc::v1::FAULT_KIND_UNSPECIFIED, "a fault of no kind");
  FUZZ_CHECK(fault.delay_ms() <= kFaultDelayMsMax, "a fault's delay");
  FUZZ_CHECK(fault.kind() != rpc::v1::FAULT_KIND_DELAY || fault.delay_ms() > 0, "a delay of no time");
  FUZZ_CHECK(fault.probability() > 0 && fault.probability() <= 1, "a fault's probability");
}

// What the verbs build on.
void CheckArguments(const Arguments& arguments) {
  FUZZ_CHECK(!arguments.nodes.empty(), "there is no node to ask");
  FUZZ_CHECK(arguments.in_flight >= 1 && arguments.in_flight <= kInFlightMax, "batches in flight");
  FUZZ_CHECK(IsDurationMs(arguments.attempt_timeout_ms), "the attempt's timeout");
  FUZZ_CHECK(!arguments.timeout_ms || IsDurationMs(*arguments.timeout_ms), "the timeout");
  FUZZ_CHECK(!arguments.limit || *arguments.limit > 0, "a scan of no keys");
  CheckFunctions(arguments.verb, arguments.functions);
}

}  // namespace
}  // namespace lamppost::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  std::vector<std::string> words = {"lamppost"};
  for (const absl::string_view word : absl::StrSplit(fuzz::BytesOf(data, size), '\0')) {
    if (words.size() == cli::kWordsMax) break;
    words.emplace_back(word);
  }
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  const cli::ParsedArguments parsed = cli::ParseArguments(static_cast<int>(argv.size()), argv.data());
  if (parsed.arguments) {
    cli::CheckArguments(*parsed.arguments);
  } else {
    FUZZ_CHECK(parsed.exit_code == 0 || parsed.exit_code == cli::kExitUsage, "an unknown exit code");
    FUZZ_CHECK(!parsed.output.empty() || !parsed.error.empty(), "nothing done and nothing said");
    FUZZ_CHECK((parsed.exit_code == 0) == parsed.error.empty(), "an error that is none");
  }
  return 0;
}
