// The command line, understood and checked.
#ifndef LAMPPOST_CLIENTS_CLI_ARGUMENTS_H_
#define LAMPPOST_CLIENTS_CLI_ARGUMENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clients/cli/conflict_arguments.h"
#include "clients/cli/function_arguments.h"
#include "clients/cli/link_fault_arguments.h"
#include "clients/cli/member_arguments.h"
#include "clients/cli/scenario_arguments.h"
#include "clients/cli/security_arguments.h"
#include "clients/cli/snapshot_arguments.h"
#include "clients/cli/tls_arguments.h"
#include "clients/cli/trace_arguments.h"
#include "services/common/listen_address.h"

namespace lamppost::cli {

enum class Verb {
  kPut,
  kGet,
  kDelete,
  kWrite,
  kScan,
  kStatus,
  kLoad,
  kDump,
  kMember,
  kWatch,
  kCall,
  kFunctions,
  kOutcome,
  kFaultRpc,
  kFaultLink,
  kSnapshot,
  kConflicts,
  kExplain,
  kTrace,
  kScenario,
  kTls,
};
enum class OutputFormat { kTable, kJson, kRaw };
enum class Verbosity { kNormal, kEachAttempt };
enum class ValueKind { kText, kData };
enum class ScanContent { kKeysAndValues, kKeysOnly, kCount };
enum class ScanOrder { kAscending, kDescending };
enum class WatchScope { kPrefix, kKey, kConflicts };
enum class WatchStart { kNow, kBeginning };
enum class StatusScope { kCluster, kEveryNode };

inline constexpr int64_t kDefaultTimeoutMs = 10'000;
inline constexpr int64_t kDefaultAttemptTimeoutMs = 2'000;
inline constexpr int kInFlightMax = 64;

struct Arguments {
  Verb verb = Verb::kStatus;
  std::vector<Address> nodes;
  OutputFormat format = OutputFormat::kTable;
  std::optional<int64_t> timeout_ms;  // of the whole command; unset: none
  int64_t attempt_timeout_ms = kDefaultAttemptTimeoutMs;
  Verbosity verbosity = Verbosity::kNormal;
  SecurityArguments security;

  std::string key;                          // put, get, del, explain
  std::string value;                        // put; as written, so it may name a file
  ValueKind value_kind = ValueKind::kText;  // put, conflicts resolve
  std::string request_id;                   // put, del, write; empty: to be minted
  std::optional<int64_t> ttl_ms;            // put; unset: it stays
  uint32_t replicas = 0;                    // put, del, write, load; 0: one
  std::string session_file;                 // of what reads or writes keys; empty: none is kept

  std::string prefix, start_key, end_key;                  // scan
  std::optional<uint64_t> limit;                           // scan, watch
  ScanContent scan_content = ScanContent::kKeysAndValues;  // scan, watch
  ScanOrder scan_order = ScanOrder::kAscending;            // scan
  StatusScope status_scope = StatusScope::kCluster;        // status

  std::string file = "-";  // write, load, dump; "-" is stdin or stdout
  int in_flight = 8;       // load: batches at a time

  MemberArguments member;                        // member
  WatchScope watch_scope = WatchScope::kPrefix;  // watch: what `prefix` is; kConflicts: a key
  WatchStart watch_start = WatchStart::kNow;     // watch
  std::string exec;                              // watch; empty: events are printed
  std::string watch_file;                        // watch: where its progress is kept; empty: nowhere

  SnapshotArguments snapshot;     // snapshot
  ConflictArguments conflicts;    // conflicts
  LinkFaultArguments link_fault;  // fault, but for fault rpc
  TraceArguments trace;           // trace
  ScenarioArguments scenario;     // scenario
  TlsArguments tls;               // tls
  FunctionArguments functions;    // call, functions, outcome, fault rpc
};

// Either arguments, or a text to show and the exit code to end with.
struct ParsedArguments {
  std::optional<Arguments> arguments;
  int exit_code = 0;
  std::string output;  // for stdout: help, version
  std::string error;   // for stderr
};

// argv as main() gets it. Of the environment it reads LAMPPOST_NODE, LAMPPOST_SERVER, LAMPPOST_TOKEN,
// LAMPPOST_TOKEN_FILE and LAMPPOST_TLS_…, and nothing else.
ParsedArguments ParseArguments(int argc, const char* const* argv);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_ARGUMENTS_H_
