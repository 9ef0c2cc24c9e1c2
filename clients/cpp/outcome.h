// What became of a call. Plain values.
#ifndef LAMPPOST_CLIENTS_CPP_OUTCOME_H_
#define LAMPPOST_CLIENTS_CPP_OUTCOME_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lamppost::client {

// What a caller can be told.
enum class Outcome {
  kDone,     // a server answered: the call took effect
  kFailed,   // for certain: the call took no effect and never will
  kUnknown,  // a write may have taken effect, or may yet; only its request id can tell
  kPending,  // a write is done at a node and stands, but is not known to be at as many as were asked for
};

// "done", "failed", "unknown", "pending".
absl::string_view ToString(Outcome outcome);

// How a call may be repeated.
enum class CallKind {
  kRead,             // changes nothing
  kRepeatableWrite,  // carries a request id: a repetition lands once
  kResumedWrite,     // carries one that an earlier call may have used: that one may have landed already
  kSingleWrite,      // carries none: a repetition may land twice
};

// How far an attempt got.
enum class Reach {
  kNotSent,  // no connection was established, so no byte of the request left
  kSent,     // the request may have reached a server
};

// What one attempt may have done to the data.
enum class Effect { kNone, kPossible, kDone };

// Judges one attempt by its status. A refusal with a Lamppost reason had no effect, except for
// STORAGE_FAILED, when the write may already lie on the disk, and RUN_INTERRUPTED, when a function had begun.
// REPLICAS_PENDING says that the write is done.
// An error that gRPC made up itself (UNAVAILABLE without a reason, say) tells nothing about the request that
// had been sent.
//
// Of a resumed write only an answer about the request itself counts as a refusal. That nobody was reached, or
// had a place for it, says nothing about the call that used its id before; nor does REQUEST_ID_EXPIRED, by
// which nobody can tell any more.
Effect EffectOf(CallKind kind, Reach reach, const absl::Status& status);

// The outcome of a whole call, from the last attempt's status and the worst effect of all attempts.
Outcome OutcomeOf(const absl::Status& status, Effect worst);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_OUTCOME_H_
