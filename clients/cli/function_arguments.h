// The arguments of the commands that are about functions: call, functions, outcome, fault rpc.
#ifndef LAMPPOST_CLIENTS_CLI_FUNCTION_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_FUNCTION_ARGUMENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "lamppost/rpc/v1/fault_service.pb.h"
#include "services/common/listen_address.h"

namespace CLI {
class App;
}

namespace lamppost::cli {

enum class CallForm { kUnary, kStream };
enum class FaultAction { kAdd, kList, kClear };

inline constexpr char kDefaultServer[] = "127.0.0.1:5000";
inline constexpr int64_t kDefaultCallTimeoutMs = 30'000;
inline constexpr int64_t kDefaultCallAttemptTimeoutMs = 5'000;
inline constexpr int kRetriesMax = 1'000'000;
inline constexpr uint64_t kFaultDelayMsMax = 3'600'000;

struct FunctionArguments {
  std::vector<Address> servers;
  std::string server_list = kDefaultServer;  // the same, as written
  std::vector<std::string> security;         // options for TLS and who calls
  std::string request_id;                    // call: empty, to be minted; outcome

  std::string method;               // call
  std::vector<std::string> params;  // call; as written, so they may name files
  std::string timeout;              // call; as written, empty if it was not
  std::string output;               // call; "json" or "raw", empty for the table
  std::optional<int> retries;       // call; unset: as many as the time allows
  std::optional<int64_t> hedge_delay_ms;
  CallForm form = CallForm::kUnary;

  FaultAction fault_action = FaultAction::kList;
  rpc::v1::Fault fault;  // kAdd
};

// What CLI11 fills in, before it is checked.
struct RawFunctionArguments {
  std::string hedge;
  bool stream = false;
  int retries = -1;
  std::string fault_kind;  // the last word: "delay", …, "list", "clear"
  std::string fault_delay;
  std::string fault_method;
  uint32_t fault_times = 0;
  double fault_probability = 1;
  FunctionArguments arguments;
};

// Adds --server and the commands; `raw` must outlive the app.
void AddServerOption(CLI::App* app, RawFunctionArguments* raw);
void AddFunctionVerbs(CLI::App* app, RawFunctionArguments* raw);

// Completes raw->arguments. INVALID_ARGUMENT says what is wrong with which.
absl::Status CheckFunctionArguments(RawFunctionArguments* raw);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_FUNCTION_ARGUMENTS_H_
