// What a function is: its description, and the thing that runs it.
#ifndef LAMPPOST_SERVICES_RPC_CORE_FUNCTION_H_
#define LAMPPOST_SERVICES_RPC_CORE_FUNCTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "services/rpc/core/json.h"
#include "services/rpc/core/params_schema.h"
#include "services/rpc/core/request_id.h"

namespace lamppost::rpc {

enum class Repeat {
  kOnce,        // a run that a crash cut off is never repeated: its outcome is unknown
  kIdempotent,  // it is run again
};

// What becomes of a run that nobody waits for any more.
enum class WhenAbandoned { kFinish, kKill };

struct FunctionSpec {
  std::string name;  // 1 to 64 of A-Z a-z 0-9 . _ -
  std::string description;
  std::string source = "built in";  // or the manifest's file name
  Repeat repeat = Repeat::kOnce;
  WhenAbandoned when_abandoned = WhenAbandoned::kFinish;
  uint64_t abandon_grace_ms = 2000;  // so long somebody may come back
  uint64_t time_limit_ms = 30'000;
  size_t concurrency_max = 16;
  size_t queue_max = 256;
  size_t result_bytes_max = size_t{1} << 20;
};

// How a function failed; proto/lamppost/rpc/v1 tells the reasons.
struct FunctionError {
  std::string reason;
  std::string message;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::string error_output;  // the end of it, at most kErrorOutputBytesMax; valid UTF-8
};

inline constexpr size_t kErrorOutputBytesMax = 4096;
inline constexpr size_t kProgressMessageBytesMax = 256;

// The reason of a run that Kill has ended. The engine, which knows why, puts its own in its place.
inline constexpr char kKilled[] = "KILLED";

struct Progress {
  std::optional<double> fraction;  // 0 to 1
  std::string message;             // at most kProgressMessageBytesMax; valid UTF-8
};

// JSON text, canonical and within bounds; or how it failed.
using RunResult = std::variant<std::string, FunctionError>;

// The result as text; RESULT_TOO_LARGE, RESULT_TOO_DEEP or RESULT_NOT_EXACT (a whole number beyond 2^53) if
// it is beyond bounds.
RunResult MakeResult(const Json& result, size_t result_bytes_max);

using RunId = uint64_t;  // of one life of a server

struct RunRequest {
  RunId run = 0;
  RequestId id;
  Json params;
  uint64_t time_limit_ms = 0;  // for information: it is the engine that kills
  size_t result_bytes_max = 0;
};

// Hears of runs. Thread-safe; none of the calls blocks.
class RunSink {
 public:
  virtual ~RunSink() = default;
  virtual void Progressed(RunId run, Progress progress) = 0;
  virtual void Finished(RunId run, RunResult result) = 0;
};

// Runs one function. Thread-safe; neither call blocks. Implementations live in services/rpc/functions.
class Runnable {
 public:
  virtual ~Runnable() = default;
  // Begins a run and tells the sink, which outlives it, of its progress and, exactly once, of its end: on any
  // thread, also from within this call.
  virtual void Start(RunRequest request, RunSink* sink) = 0;
  // Ends a run as soon as may be; it then finishes with kKilled, or with what it had come to by itself.
  // Nothing happens if it has ended already.
  virtual void Kill(RunId run) = 0;
};

struct Function {
  FunctionSpec spec;
  std::shared_ptr<const ParamsSchema> params;
  std::shared_ptr<Runnable> runnable;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_FUNCTION_H_
