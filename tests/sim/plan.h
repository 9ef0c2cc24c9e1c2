// All that a run is determined by: the cluster, what its clients do, and what befalls it. A plan is drawn
// from a seed (draw_plan.h), or read from a script (plan_text.h): a shrunk plan is one, kept to be played
// again.
//
// Plain values.
#ifndef LAMPPOST_TESTS_SIM_PLAN_H_
#define LAMPPOST_TESTS_SIM_PLAN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "services/kv/storage/storage.h"
#include "tests/sim/scheduler.h"

namespace lamppost::sim {

using NodeIndex = size_t;  // node 0 has the id "A", node 1 "B", …
using ClientIndex = size_t;

// Faults that may befall any message; each happens to so many of a thousand.
enum class Rate {
  kDrop,       // F1
  kDuplicate,  // F2
  kReorder,    // F3: takes far longer than those around it
  kLate,       // F2: comes a second time, when all has long been healed
  kFlip,       // F11: a bit of its bytes is another one
  kLoseReply,  // F6: what a node tells a client does not arrive
  kRecode,     // not a fault: goes through the codec's bytes and back
};
constexpr size_t kRates = 7;
// "drop", "duplicate", …
const char* NameOf(Rate rate);

// Something that befalls the cluster at a time. What the fields mean is the fault's business (faults.cc).
struct Strike {
  uint64_t at_ms = 0;
  std::string fault;
  NodeIndex node = 0;
  NodeIndex other = 0;
  uint64_t for_ms = 0;
  uint64_t amount = 0;
};

enum class Act {
  kPut,
  kDelete,
  kWrite,  // several keys at once, puts and deletes
  kGet,
  kScan,
  kReuse,   // a put with a request id that an earlier write of the client has used
  kSettle,  // a put that settles the conflicts of the key; nothing if there are none
};
constexpr size_t kActs = 7;
const char* NameOf(Act act);

// What a client sets out to do. It does one thing after the other, so it may be later than planned.
struct Errand {
  uint64_t at_ms = 0;
  ClientIndex client = 0;
  NodeIndex node = 0;  // that it asks first
  Act act = Act::kPut;
  std::vector<size_t> keys;  // key 3 is "k3"
  bool named = false;        // with a request id, and so retried
  size_t replicas = 1;       // of a write: acknowledged once so many nodes have it
  uint64_t ttl_ms = 0;       // of what it puts; 0: it stays
};

// How a link carries messages.
enum class Carriage {
  kStream,    // as TCP: in order; what is lost breaks the link
  kDatagram,  // each message for itself: what the design says it can bear
};

struct Plan {
  uint64_t seed = 0;  // of what is drawn while the plan is played
  size_t nodes = 3;   // members from the beginning
  size_t spares = 0;  // nodes beyond them, which are no members until a fault makes them so
  size_t clients = 3;
  uint64_t sessions = 0;  // so many of the clients, the first ones, carry a session
  kv::Durability durability = kv::Durability::kSync;
  Carriage carriage = Carriage::kStream;
  uint64_t latency_min_us = 100;
  uint64_t latency_max_us = 1000;
  uint64_t commit_min_us = 100;
  uint64_t commit_max_us = 1000;
  std::array<uint64_t, kRates> rates = {};  // of a thousand

  // Of the replicas and their drivers.
  uint64_t chunk_bytes = 128u << 10;
  uint64_t window_bytes = 4u << 20;
  uint64_t live_gather_ms = 5;
  uint64_t queued_writes_max = 20000;
  uint64_t ledger_entries_max = 10000;

  uint64_t faults_end_ms = 10000;  // all heals then
  uint64_t events_max = Scheduler::kEventsMax;
  std::vector<Errand> errands;  // by time
  std::vector<Strike> strikes;  // by time

  size_t machines() const { return nodes + spares; }
  uint64_t RateOf(Rate rate) const { return rates[static_cast<size_t>(rate)]; }
};

std::string NodeId(NodeIndex node);
// And back; the id is one that NodeId gives.
NodeIndex NodeOfId(const std::string& id);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_PLAN_H_
