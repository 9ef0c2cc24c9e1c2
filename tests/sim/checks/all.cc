#include "tests/sim/check.h"
#include "tests/sim/checks/clock.h"
#include "tests/sim/checks/convergence.h"
#include "tests/sim/checks/fences.h"
#include "tests/sim/checks/ledger.h"
#include "tests/sim/checks/members.h"
#include "tests/sim/checks/order.h"
#include "tests/sim/checks/requests.h"
#include "tests/sim/checks/sessions.h"
#include "tests/sim/checks/store.h"
#include "tests/sim/checks/watch.h"

namespace lamppost::sim {
namespace {

using Checks = std::vector<std::unique_ptr<Check>>;

template <typename... Kinds>
Checks OneOfEach(const Facts* facts, Findings* findings) {
  Checks checks;
  (checks.push_back(std::make_unique<Kinds>(facts, findings)), ...);
  return checks;
}

}  // namespace

// I9, and I1, I5 to I8, I10 and I11
// once more as clients see them, are judged from the history (tests/history).
Checks AllChecks(const Facts* facts, Findings* findings) {
  return OneOfEach<ClockCondition,                // I1
                   UniqueTimestamps,              // I2
                   MergeLaws,                     // I3
                   ContentsAreEqual,              // I4
                   HeadsInvariant,                // I5
                   NothingAcknowledgedIsLost,     // I5
                   ReadsWereWritten,              // I6
                   NothingDeletedComesBack,       // I7
                   StableIsDurableEverywhere,     // I7
                   SessionsAreKept,               // I8
                   RequestsTakeEffectOnce,        // I10
                   ReusedIdsAreRefused,           // I11
                   ContentIsWhatWasWritten,       // I12
                   NothingStandsOnAFailedCommit,  // I13
                   EverythingEnds,                // I14
                   ForgedCountersAreRefused,      // I15
                   OnlyEventsMoveTheClock,        // I16
                   SeenIsExact,                   // I17
                   NoConflictIsSeenTwice,         // I17
                   LedgerIsTrue,                  // I17
                   NothingLosesSilently,          // I17
                   WritesAreWhereTheyAreSaid,     // replicas
                   OtherLivesAreFencedOff,        // fences
                   WatchIsWhole,                  // watch
                   ExpiredIsAbsent,               // expiry
                   TheRemovedAreRefused>(facts, findings);
}

}  // namespace lamppost::sim
