// What an engine has done since its start, in numbers.
#ifndef LAMPPOST_SERVICES_RPC_CORE_ENGINE_COUNTS_H_
#define LAMPPOST_SERVICES_RPC_CORE_ENGINE_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "services/rpc/core/record.h"

namespace lamppost::rpc {

// Pure; a plain value, not thread-safe.
class EngineCounts {
 public:
  struct Function {
    uint64_t started = 0;
    uint64_t results = 0;
    uint64_t errors = 0;    // the function's own
    uint64_t unknowns = 0;  // outcomes that nobody knows, which this server has recorded
    uint64_t run_ms = 0;    // of runs that have ended
  };

  // Functions come and go with their manifests: beyond so many names the rest is counted as "other".
  static constexpr size_t kFunctionsMax = 1000;

  void Started(const std::string& function) { ++Of(function)->started; }
  void Ended(const std::string& function, const Outcome& outcome) {
    Function* const counts = Of(function);
    counts->run_ms += outcome.elapsed_ms;
    switch (outcome.kind) {
      case Outcome::Kind::kResult:
        ++counts->results;
        return;
      case Outcome::Kind::kError:
        ++counts->errors;
        return;
      case Outcome::Kind::kUnknown:
        ++counts->unknowns;
        return;
    }
  }

  const std::map<std::string, Function>& functions() const { return functions_; }

  uint64_t joined = 0;       // calls of an id that was under way here
  uint64_t found = 0;        // calls of an id that was recorded already, here or at another server
  uint64_t replayed = 0;     // answers marked as replayed
  uint64_t interrupted = 0;  // runs cut off by the end of the server that a retry repeats

 private:
  Function* Of(const std::string& function) {
    const auto it = functions_.find(function);
    if (it != functions_.end()) return &it->second;
    return &functions_[functions_.size() < kFunctionsMax ? function : "other"];
  }

  std::map<std::string, Function> functions_;
};

// What an engine holds now, and may hold.
struct EngineLoad {
  size_t requests = 0;  // under way
  size_t requests_max = 0;
  uint64_t params_bytes = 0;
  uint64_t params_bytes_max = 0;
  size_t records = 0;  // kept, by the sweeper's latest round and what has come since
  size_t records_max = 0;
  size_t marks = 0;  // of forgotten ids that do not tell their age
  size_t marks_max = 0;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_ENGINE_COUNTS_H_
