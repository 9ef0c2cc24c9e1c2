// What is kept of a request, and its text in the store.
//
// Plain values. Encoding and decoding are pure and thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_CORE_RECORD_H_
#define LAMPPOST_SERVICES_RPC_CORE_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/clock/timestamp.h"
#include "services/rpc/core/function.h"
#include "services/rpc/core/json.h"

namespace lamppost::rpc {

// What came of a run.
struct Outcome {
  enum class Kind { kResult, kError, kUnknown };

  Kind kind = Kind::kUnknown;
  std::string result;   // kResult: JSON
  FunctionError error;  // kError; kUnknown: reason and message
  Timestamp started;
  Timestamp finished;
  uint64_t elapsed_ms = 0;
};

bool operator==(const Outcome& a, const Outcome& b);

struct Record {
  enum class State {
    kRunning,    // recorded before the start; there is no outcome yet
    kDone,       // with its outcome
    kForgotten,  // that there was one, and nothing else
  };

  State state = State::kRunning;
  std::string method;
  std::string fingerprint;        // of method and params
  std::string owner;              // the server that runs it, in one of its lives (RequestStore::owner)
  uint64_t run = 0;               // and the number of the run there
  Repeat repeat = Repeat::kOnce;  // as the function was declared when it began
  std::string client_id;          // whose watermark counts; may be empty
  uint64_t first_seen_ms = 0;     // Unix time, by the clock of the server that took it
  Timestamp started;
  Outcome outcome;  // kDone
};

// SHA-256 of both, in hexadecimal digits. `params` is CanonicalText.
std::string Fingerprint(absl::string_view method, absl::string_view params);

// JSON, so that people can read the store.
std::string Encode(const Record& record);
// DATA_LOSS (DATA_CORRUPT) for anything that Encode did not write.
absl::StatusOr<Record> DecodeRecord(absl::string_view text);

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_RECORD_H_
