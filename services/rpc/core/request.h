// One request that is under way in the engine. Of the engine's files alone.
#ifndef LAMPPOST_SERVICES_RPC_CORE_REQUEST_H_
#define LAMPPOST_SERVICES_RPC_CORE_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/rpc/core/engine.h"

namespace lamppost::rpc {

struct Engine::Request {
  enum class Phase {
    kLooking,    // for a record, because none can be created now
    kWaiting,    // for a place
    kRecording,  // has a place; the record is on its way to the store
    kRunning,    // has a place
    kStoring,    // the outcome is on its way to the store
    kElsewhere,  // another server runs it, or has run it; its owner is asked for, or it is time to wait
  };

  CallInput input;
  size_t params_bytes = 0;
  std::string fingerprint;
  Registry::FunctionPtr function;  // null if there is none of that name
  absl::Status refusal;            // kLooking: the reply if there is no record

  Phase phase = Phase::kLooking;
  std::vector<CallerId> callers;
  CallerId first_caller = 0;  // whose call the run is; 0 if it is none's

  uint64_t operation = 0;                // under way; 0 if none is
  bool asking_owner = false;             // kElsewhere: and that is what it asks
  uint64_t poll_ms = 0;                  // kElsewhere: how long it waited last
  std::optional<StoreOperation> repeat;  // at wake_ms, after an error of the store
  uint64_t backoff_ms = 0;
  uint64_t wake_ms = 0;  // its place in timers_; 0 if it has none

  Record record;          // what is in the store, or on its way there
  uint64_t revision = 0;  // of what is in the store; 0: there is nothing

  RunId run = 0;
  uint64_t started_ms = 0;                // of the run, steady
  std::optional<uint64_t> abandon_at_ms;  // nobody waits; when it is to be killed for that
  std::string kill_reason;                // it has been killed
  std::optional<Progress> progress;

  const RequestId& id() const { return input.id; }
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_REQUEST_H_
