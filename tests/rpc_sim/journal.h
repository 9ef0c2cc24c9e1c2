// What is noted of a run: a line for each thing that happens, boiled down to a hash by which two runs are
// compared; which faults struck and what was looked at, how often; and what was violated.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_RPC_SIM_JOURNAL_H_
#define LAMPPOST_TESTS_RPC_SIM_JOURNAL_H_

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/rpc_sim/setup.h"

namespace lamppost::rpc::sim {

// One line each: the constant, its name, by the design's number where it has one, and what it is.
#define LAMPPOST_RPC_SIM_CHECKS(X)                                                                       \
  X(kOnce, "I10a", "what is not idempotent starts at most once")                                         \
  X(kAcknowledged, "I10b", "an outcome is that of a run under its id, whose effect has happened")        \
  X(kSameOutcome, "I10c", "all replies to an id are equal")                                              \
  X(kUnknown, "I10d", "an outcome is unknown only if the life that ran it has ended")                    \
  X(kRepeat, "I10e", "a run is repeated only after the life that ran it has ended")                      \
  X(kRecorded, "recorded", "a run starts only when its record is durable")                               \
  X(kDurable, "durable", "an outcome is durable before the reply")                                       \
  X(kExpired, "expired", "what has been forgotten is never recorded anew, and is refused with reason")   \
  X(kReused, "I11", "other params or another method under the same id never start, nor get its outcome") \
  X(kClock, "I1", "a run's start comes before its end, and that before the reply")                       \
  X(kUnique, "I2", "no counter is issued twice, and those of later lives are greater")                   \
  X(kReplies, "replies", "each caller that waits gets one reply")                                        \
  X(kBounds, "bounds", "runs and queues stay within their bounds")                                       \
  X(kLiveness, "I14", "once faults have ended, all is answered and at rest in bounded time and events")

// One line each: the constant, and its name.
#define LAMPPOST_RPC_SIM_FAULTS(X)                                 \
  X(kRequestLost, "F1 request lost")                               \
  X(kRepeated, "F2 request repeated")                              \
  X(kRepeatedLate, "F2 request repeated after its id has expired") \
  X(kOvertaken, "F3 message overtaken")                            \
  X(kSlow, "F4 message slow")                                      \
  X(kCut, "F5 server cut off from the store")                      \
  X(kStoreRequestLost, "F5 operation lost")                        \
  X(kStoreAnswerLost, "F6 operation applied, answer lost")         \
  X(kStoreLate, "F4 operation applied after its error")            \
  X(kReplyLost, "F6 reply lost")                                   \
  X(kCrashBeforeInput, "F7 crash before an input")                 \
  X(kCrashAfterInput, "F7 crash with an output not taken")         \
  X(kCrashBeforeOutput, "F7 crash with an output not carried out") \
  X(kCrashAfterOutput, "F7 crash between outputs")                 \
  X(kKilled, "F7 server killed")                                   \
  X(kStopped, "F7 orderly stop")                                   \
  X(kCrashInRun, "F7 crash in mid-run")                            \
  X(kUnsyncedLost, "F9 operation lost in a crash")                 \
  X(kUnsyncedKept, "F9 operation kept, answer lost in a crash")    \
  X(kStoreFails, "F10 commit fails")                               \
  X(kOutage, "F10 shared store down")                              \
  X(kPause, "F12 pause")                                           \
  X(kLeaseLost, "F12 lease lost by a server that goes on")         \
  X(kWallJump, "F13 wall clock jumps")                             \
  X(kSkew, "F13 client with a wrong clock")                        \
  X(kBusy, "F14 refused for load")                                 \
  X(kStoreFull, "F14 refused because the store is full")           \
  X(kClientCrash, "F18 client crash")                              \
  X(kLeft, "caller left")                                          \
  X(kHedged, "two attempts at a time")                             \
  X(kReuse, "id reused")                                           \
  X(kClockJump, "client with a counter far ahead")                 \
  X(kAskedLate, "asked again after the id has expired")            \
  X(kSwap, "functions exchanged")                                  \
  X(kKillTooLate, "a run ends by itself although it is killed")

enum class CheckId {
#define LAMPPOST_RPC_SIM_CONSTANT(constant, name, what) constant,
  LAMPPOST_RPC_SIM_CHECKS(LAMPPOST_RPC_SIM_CONSTANT)
#undef LAMPPOST_RPC_SIM_CONSTANT
};

enum class Fault {
#define LAMPPOST_RPC_SIM_CONSTANT(constant, name) constant,
  LAMPPOST_RPC_SIM_FAULTS(LAMPPOST_RPC_SIM_CONSTANT)
#undef LAMPPOST_RPC_SIM_CONSTANT
};

const std::vector<const char*>& CheckNames();
const std::vector<const char*>& FaultNames();

struct Violation {
  std::string check;
  std::string what;
};

struct Tally {
  std::vector<uint64_t> looked;   // by CheckId
  std::vector<uint64_t> strikes;  // by Fault
  std::map<std::string, uint64_t> other;

  Tally() : looked(CheckNames().size()), strikes(FaultNames().size()) {}
  void Add(const Tally& more);
};

class Journal {
 public:
  static constexpr size_t kViolationsMax = 10;

  // `out` may be null; then only the hash is kept. Both must outlive this.
  Journal(const Scheduler* scheduler, std::ostream* out) : scheduler_(*scheduler), out_(out) {}

  template <typename... Parts>
  void Tell(const Parts&... parts) {
    line_.clear();
    absl::StrAppend(&line_, parts...);
    EndLine();
  }
  void Strike(Fault fault) { ++tally_.strikes[static_cast<size_t>(fault)]; }
  void Looked(CheckId check) { ++tally_.looked[static_cast<size_t>(check)]; }
  void Count(const char* what) { ++tally_.other[what]; }
  // Looks whether something holds.
  template <typename... Parts>
  void Expect(CheckId check, bool holds, const Parts&... parts) {
    Looked(check);
    if (!holds) Violated(check, absl::StrCat(parts...));
  }
  void Violated(CheckId check, const std::string& what);

  const std::vector<Violation>& violations() const { return violations_; }
  const Tally& tally() const { return tally_; }
  uint64_t hash() const { return hash_; }

 private:
  void EndLine();

  const Scheduler& scheduler_;
  std::ostream* const out_;
  std::string line_;
  uint64_t hash_ = 0xCBF29CE484222325u;
  Tally tally_;
  std::vector<Violation> violations_;
};

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_JOURNAL_H_
