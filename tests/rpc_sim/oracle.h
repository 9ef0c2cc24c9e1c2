// Sees everything in a run that bears on what is promised of a request id, in all servers and lives together,
// and judges it: which runs there were, what of them took effect, what the store holds durably, what callers
// were told.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_RPC_SIM_ORACLE_H_
#define LAMPPOST_TESTS_RPC_SIM_ORACLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/rpc/core/engine.h"
#include "services/rpc/core/record.h"
#include "services/rpc/core/request_store.h"
#include "tests/rpc_sim/journal.h"
#include "tests/rpc_sim/setup.h"
#include "tests/rpc_sim/wire.h"

namespace lamppost::rpc::sim {

// One life of a server, as the oracle sees it.
struct LifeFacts {
  size_t server = 0;
  std::vector<std::string> owners;  // the names it has had in the store, newest last
  uint64_t wall_ms = 0;             // of the server, now
  bool killing = false;             // KillAll has been called
};

class Oracle {
 public:
  // Whether the store takes this owner's life to go on.
  using IsAliveFn = std::function<bool(const std::string& owner)>;

  Oracle(const Setup& setup, Journal* journal) : setup_(setup), journal_(*journal) {}
  void SetIsAlive(IsAliveFn is_alive) { is_alive_ = std::move(is_alive); }

  // The store: what has just become durable there.
  void Stored(const RequestId& id, const std::string& value);
  void Forgotten(const RequestId& id);
  void HorizonRaised(uint64_t horizon_ms) { horizon_ms_ = std::max(horizon_ms_, horizon_ms); }

  // Runs. Started gives the number by which the run is known here; results carry it.
  uint64_t Started(const LifeFacts& life, const FunctionSpec& spec, const RunRequest& request);
  void TookEffect(uint64_t start);
  void RunEnded(uint64_t start);
  void LifeEnded(const LifeFacts& life);
  // It is being shut down: its runs are cut off.
  void KillsAll(const LifeFacts& life);

  // A request has come to a server, and a reply leaves it; `clock` is on the reply.
  void Asked(const Request& request);
  void Replied(const LifeFacts& life, const Request& request, const absl::StatusOr<CallReply>& reply,
               uint64_t clock);
  void Told(const LifeFacts& life, const Request& request, const absl::StatusOr<CallInfo>& reply,
            uint64_t clock);

  // All is at rest; these records are left.
  void AtRest(const std::map<RequestId, StoredRecord>& records);

 private:
  struct Run {
    RequestId id;
    std::string function;
    size_t server = 0;
    bool effect = false;
    bool going_on = true;
  };
  // What is known of an id.
  struct Facts {
    std::optional<Record> stored;
    std::optional<Outcome> outcome;                       // the first that was durable
    std::set<std::pair<std::string, uint64_t>> recorded;  // owners and runs
    std::vector<uint64_t> starts;
    std::string started_what;     // method and params
    std::set<std::string> asked;  // methods and params
    uint64_t first_replies = 0;   // those that were not replayed
    bool once = false;            // a run of it was not to be repeated
    bool forgotten = false;
    std::set<std::string> too_old_for;  // lives that have said so, by their first owner's name
  };

  void StoredRunning(const RequestId& id, Facts* facts, const Record& record);
  void StoredDone(const RequestId& id, Facts* facts, const Record& record);
  void CheckStamp(const Timestamp& stamp, const std::string& of);
  void CheckOutcome(const RequestId& id, const Facts& facts, const Outcome& outcome, uint64_t clock);
  void CheckRefusal(const LifeFacts& life, const Request& request, const absl::Status& status);
  bool TooOld(const LifeFacts& life, const RequestId& id) const;
  bool MayBeExpired(const LifeFacts& life, const Request& request, const Facts& facts) const;
  std::string Name(const RequestId& id) const { return ToString(id); }

  const Setup& setup_;
  Journal& journal_;
  IsAliveFn is_alive_;
  std::map<RequestId, Facts> ids_;
  std::vector<Run> runs_;
  std::map<std::pair<size_t, std::string>, size_t> running_;  // by server and function
  std::set<std::string> killed_owners_;
  std::map<std::string, RequestId> watermarks_;  // the greatest that any server has been told
  uint64_t horizon_ms_ = 0;
  std::map<std::pair<std::string, uint64_t>, std::string> stamps_;  // node and counter: of what
  std::map<std::string, std::map<uint64_t, std::pair<uint64_t, uint64_t>>> lives_;  // counters of each
};

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_ORACLE_H_
