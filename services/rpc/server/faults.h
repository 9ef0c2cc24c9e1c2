// Faults on demand: which call is struck by what.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_FAULTS_H_
#define LAMPPOST_SERVICES_RPC_SERVER_FAULTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "services/rpc/core/request_id.h"

namespace lamppost::rpc {

inline constexpr size_t kFaultsMax = 100;
inline constexpr uint64_t kFaultDelayMsMax = 3'600'000;

enum class FaultKind {
  kDelay,       // the call is held for delay_ms before anything is done
  kFailBefore,  // it is refused before anything is done
  kLoseReply,   // its outcome is durable, and does not reach the client
  kCrash,       // the process is killed delay_ms after the run has started
};

struct Fault {
  FaultKind kind = FaultKind::kDelay;
  std::string method;  // empty: any
  uint64_t delay_ms = 0;
  uint32_t times = 0;  // how often it still strikes; 0: until it is cleared
  double probability = 1;
};

// What one call is struck by.
struct Strikes {
  uint64_t delay_ms = 0;
  bool fails_before = false;
  bool loses_reply = false;
  std::optional<uint64_t> crash_after_ms;
};

// The faults in force, in the order in which they were added. Pure: the randomness is the seed's. Not
// thread-safe.
class FaultTable {
 public:
  explicit FaultTable(uint64_t seed) : random_(seed) {}

  // INVALID_ARGUMENT (FAULT_INVALID): a delay beyond kFaultDelayMsMax, a probability that is none, a method's
  // name beyond 64 bytes. RESOURCE_EXHAUSTED (TOO_MANY_FAULTS).
  absl::Status Add(Fault fault);
  // How many there were.
  size_t Clear();
  const std::vector<Fault>& faults() const { return faults_; }

  // What a call of the function is struck by. Each fault strikes or not by itself; of several delays the
  // longest counts, of several crashes the soonest.
  Strikes Strike(absl::string_view method);

 private:
  bool Hits(const Fault& fault, absl::string_view method);

  std::vector<Fault> faults_;
  std::mt19937_64 random_;
};

// A server's faults. Thread-safe.
class Faults {
 public:
  enum class Mode { kDisabled, kEnabled };
  // Ends the process by SIGKILL after so long; must not block.
  using CrashFn = std::function<void(uint64_t delay_ms)>;

  Faults(Mode mode, uint64_t seed, CrashFn crash) : mode_(mode), crash_(std::move(crash)), table_(seed) {}

  // FAILED_PRECONDITION (FAULTS_DISABLED), each of them; and FaultTable's errors.
  absl::Status Add(Fault fault);
  absl::StatusOr<size_t> Clear();
  absl::StatusOr<std::vector<Fault>> List() const;

  Strikes Strike(absl::string_view method);
  // When a run for this id starts, the server is to crash: until Disarm.
  void ArmCrash(const RequestId& id, uint64_t delay_ms);
  void DisarmCrash(const RequestId& id);
  void RunStarted(const RequestId& id);

 private:
  absl::Status CheckEnabled() const;

  const Mode mode_;
  const CrashFn crash_;
  mutable absl::Mutex mutex_;
  FaultTable table_ ABSL_GUARDED_BY(mutex_);
  std::map<RequestId, uint64_t> armed_ ABSL_GUARDED_BY(mutex_);  // at most one for each call under way
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_SERVER_FAULTS_H_
