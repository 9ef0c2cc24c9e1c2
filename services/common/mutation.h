// Deliberate bugs, to show that the tests which judge the whole store can fail.
//
// A mutation point is a line of production code that says how it could be wrong:
//
//   if (LAMPPOST_MUTATION(kNoRelay)) return;
//
// In every ordinary build that is `if (false)`: the compiler removes it, and the programs that are shipped
// contain none (//tests/mutations:shipped_test). Builds with -DLAMPPOST_MUTATIONS, see
// tests/mutations/mutated.bzl, have all of them, and at most one is active.
//
// Which one is active is a variable of the whole process, against the rule that there is no global state:
// handing it down through every constructor would put the tests' bugs into production's interfaces. Only
// mutation builds have the variable. Set it before the first replica is made; it is not for several threads.
//
// Pure, as what uses it: no thread, clock, or I/O.
#ifndef LAMPPOST_SERVICES_COMMON_MUTATION_H_
#define LAMPPOST_SERVICES_COMMON_MUTATION_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

// One line each: the constant, its name on command lines, and what is wrong with it. These are the store's,
// and those of the clock that both services have; tests/sim catches them.
#define LAMPPOST_STORE_MUTATION_LIST(X)                                                                      \
  X(kNoTieBreak, "no-tie-break", "of two equal counters the version that came first stays")                  \
  X(kMergeOnEqual, "merge-on-equal", "of two equal counters the version that came last wins")                \
  X(kAckBeforeFsync, "ack-before-fsync", "in sync mode a commit does not wait for its fsync")                \
  X(kIgnoreFailedCommit, "ignore-failed-commit", "a commit that failed is taken for done")                   \
  X(kSeenBeforeDurable, "seen-before-durable", "heads are on stable storage before what they cover")         \
  X(kTombstoneByAge, "tombstone-by-age", "a tombstone 50 counters old counts for nothing")                   \
  X(kClockNotReserved, "clock-not-reserved", "a start goes on from the greatest write, not the reservation") \
  X(kObserveWithoutRaise, "observe-without-raise", "receiving ticks, but does not rise above the sender")    \
  X(kNoJumpLimit, "no-jump-limit", "any counter is taken over, however far ahead")                           \
  X(kHeadsByChunk, "heads-by-chunk", "heads rise with each chunk of a catch-up, not only with the last")     \
  X(kNoRelay, "no-relay", "nobody passes on the writes of others")                                           \
  X(kNoFence, "no-fence", "messages of an old life of the sender are taken")                                 \
  X(kFormerLife, "former-life", "what was meant for a former life of the receiver is taken")                 \
  X(kNoLifeCheck, "no-life-check", "a stored life goes on although peers know more of it")                   \
  X(kCoveredMerged, "covered-merged", "entries that the heads cover are merged all the same")                \
  X(kSeenTooLittle, "seen-too-little", "a version names no origin but its own as seen")                      \
  X(kSeenTooMuch, "seen-too-much", "a version claims to have seen everything below its counter")             \
  X(kRequestNotRecorded, "request-not-recorded", "request ids are forgotten at once")                        \
  X(kFingerprintIgnored, "fingerprint-ignored", "a request id answers for another write, too")               \
  X(kValueCut, "value-cut", "values of more than 3 bytes lose their last one on disk")                       \
  X(kDamageTakenForAbsence, "damage-taken-for-absence", "a key whose record is damaged is written as new")   \
  X(kWireUnchecked, "wire-unchecked", "the checksum of what peers send is not looked at")                    \
  X(kGapIgnored, "gap-ignored", "nothing follows when a peer says that it lacks something")                  \
  X(kClockFollowsTime, "clock-follows-time", "the counter jumps to the node's time if that is greater")      \
  X(kStableFromHeads, "stable-from-heads", "answers give heads as durable that are not fsynced")             \
  X(kBatchTorn, "batch-torn", "an atomic batch may lie in two chunks of a catch-up")                         \
  X(kCatchUpWithinTo, "catch-up-within-to", "a catch-up leaves out what lies above its `to`")                \
  X(kStaleSnapshot, "stale-snapshot", "a catch-up promises writes that are later than its snapshot")         \
  X(kLiveGap, "live-gap", "what does not fit into a slow peer's window is left out")                         \
  X(kUrgencyIgnored, "urgency-ignored", "in interval mode a reservation does not wait for its fsync")        \
  X(kSeenByHeadsAlone, "seen-by-heads-alone", "what the replaced version had seen is not passed on")         \
  X(kPartMissing, "part-missing", "a message of a catch-up may be missing, if only `from` is reached")       \
  X(kForgotByAge, "forgot-by-age", "a tombstone is forgotten as soon as it is looked at, stable or not")     \
  X(kNoFull, "no-full", "a peer whose heads are below what was forgotten gets no full Sync")                 \
  X(kNoReplace, "no-replace", "what a full Sync did not bring stays at its receiver")                        \
  X(kForgottenNotTaken, "forgotten-not-taken", "the receiver of a full Sync forgets what was forgotten")     \
  X(kStableWithoutAbsent, "stable-without-absent", "what is stable hangs on the members that are there")     \
  X(kNoRepair, "no-repair", "other contents at equal heads are left alone")                                  \
  X(kExpiredRead, "expired-read", "an expired value is read until its tombstone comes")                      \
  X(kExpiryDecides, "expiry-decides", "of two versions the one that expires later wins")                     \
  X(kRemovedNotRefused, "removed-not-refused", "a removed node goes on as if it were a member")              \
  X(kMemberIgnored, "member-ignored", "nobody follows the records of members")                               \
  X(kSessionNotAwaited, "session-not-awaited", "reads do not wait for what their session has seen")          \
  X(kSessionUnseen, "session-unseen", "what a write's session has seen does not count as seen by it")        \
  X(kReplicasNotDurable, "replicas-not-durable", "members count as holding a write before it is durable")    \
  X(kReplicasIgnored, "replicas-ignored", "a write is answered without waiting for other members")           \
  X(kLooseKept, "loose-kept", "what nobody's heads cover stays where it is")                                 \
  X(kOwnReplaced, "own-replaced", "a node that fills speaks of writes whose successor it does not send")     \
  X(kCourseKept, "course-kept",                                                                              \
    "a catch-up that waits for its turn stays one, whatever was forgotten since")                            \
  X(kFullHalfway, "full-halfway", "a node that is being given everything gives everything to others")        \
  X(kLoserForgotten, "loser-forgotten", "what loses to a concurrent version is not written down")            \
  X(kLateLoserForgotten, "late-loser-forgotten",                                                             \
    "what comes later than what it lost to is not written down")                                             \
  X(kResolutionLost, "resolution-lost", "a late record of a conflict takes its resolution back")             \
  X(kLedgerUnbounded, "ledger-unbounded", "nobody drops entries of a ledger that is full")                   \
  X(kWatchUncovered, "watch-uncovered", "a watch tells of what the node's heads do not cover yet")           \
  X(kWatchAhead, "watch-ahead", "a watch's session is ahead of what has been told")

// These are the function service's; tests/rpc_sim catches them.
#define LAMPPOST_FUNCTIONS_MUTATION_LIST(X)                                                            \
  X(kRecordAfterRun, "record-after-run", "a run starts at once, and is recorded with its outcome")     \
  X(kParamsNotFingerprinted, "params-not-fingerprinted", "a request id answers for other params, too") \
  X(kExpiryReruns, "expiry-reruns", "what is forgotten leaves neither a horizon nor a mark")           \
  X(kJoinLeftOut, "join-left-out", "a second call of an id that runs starts a run of its own")         \
  X(kOutcomeNotDurable, "outcome-not-durable", "the reply does not wait until the outcome is stored")  \
  X(kTakeoverOfTheLiving, "takeover-of-the-living", "nobody asks whether a record's owner is alive")   \
  X(kUnknownIsRerun, "unknown-is-rerun", "what a crash cut off is run again, idempotent or not")       \
  X(kStoreErrorIsFinal, "store-error-is-final", "an operation that fails is not repeated")             \
  X(kOutcomeOverwrites, "outcome-overwrites", "an outcome replaces whatever the record has become")    \
  X(kRunNumberReused, "run-number-reused", "all runs of a life have the same number")                  \
  X(kPlaceFreeTooEarly, "place-free-too-early", "a place is given back when the run starts")           \
  X(kEndNotStamped, "end-not-stamped", "the end of a run is no event of the clock")                    \
  X(kLeaveIgnored, "leave-ignored", "a caller that has left is answered")                              \
  X(kParamsNotKept, "params-not-kept", "what is taken back from another server runs without params")   \
  X(kQueueUnbounded, "queue-unbounded", "any number of calls may wait for a place")                    \
  X(kAgeBeforeJoin, "age-before-join", "what is under way is refused once it has become too old")      \
  X(kRecordNotObserved, "record-not-observed", "the counters in records of others do not move the clock")

namespace lamppost {

enum class Mutation {
  kNone,
#define LAMPPOST_MUTATION_CONSTANT(constant, name, what) constant,
  LAMPPOST_STORE_MUTATION_LIST(LAMPPOST_MUTATION_CONSTANT)
      LAMPPOST_FUNCTIONS_MUTATION_LIST(LAMPPOST_MUTATION_CONSTANT)
#undef LAMPPOST_MUTATION_CONSTANT
};

namespace mutation {

// Which simulator catches it.
enum class Part { kStore, kFunctions };

struct Description {
  Mutation mutation;
  Part part;
  const char* name;  // "no-tie-break"
  const char* what;  // what is wrong with it, for people
};

#ifdef LAMPPOST_MUTATIONS

// The text shows by itself whether a program has been built with mutations.
struct Switch {
  char marker[24] = "lamppost-mutation:";
  Mutation active = Mutation::kNone;
};
inline Switch the_switch;

inline bool IsActive(Mutation mutation) {
  return the_switch.active == mutation;
}

// Makes this one the active mutation; kNone: the code is as it should be.
inline void SetActive(Mutation mutation) {
  the_switch.active = mutation;
}

inline constexpr Description kAll[] = {
#define LAMPPOST_MUTATION_DESCRIPTION(constant, name, what) {Mutation::constant, Part::kStore, name, what},
    LAMPPOST_STORE_MUTATION_LIST(LAMPPOST_MUTATION_DESCRIPTION)
#undef LAMPPOST_MUTATION_DESCRIPTION
#define LAMPPOST_MUTATION_DESCRIPTION(constant, name, what) \
  {Mutation::constant, Part::kFunctions, name, what},
        LAMPPOST_FUNCTIONS_MUTATION_LIST(LAMPPOST_MUTATION_DESCRIPTION)
#undef LAMPPOST_MUTATION_DESCRIPTION
};

// All that this build has.
inline absl::Span<const Description> All() {
  return kAll;
}

#define LAMPPOST_MUTATION(constant) (::lamppost::mutation::IsActive(::lamppost::Mutation::constant))

#else  // what is shipped

inline void SetActive(Mutation) {}

inline absl::Span<const Description> All() {
  return {};
}

#define LAMPPOST_MUTATION(constant) false

#endif

// The mutation by that name, if this build has it.
inline std::optional<Mutation> Find(absl::string_view name) {
  for (const Description& each : All()) {
    if (name == each.name) return each.mutation;
  }
  return std::nullopt;
}

inline const char* Name(Mutation mutation) {
  for (const Description& each : All()) {
    if (mutation == each.mutation) return each.name;
  }
  return "none";
}

}  // namespace mutation
}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_MUTATION_H_
