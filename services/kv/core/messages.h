// What goes into and comes out of a Replica. The server's codec turns these into protobufs.
// docs/protocol.md tells how the two kinds of message play together.
#ifndef LAMPPOST_SERVICES_KV_CORE_MESSAGES_H_
#define LAMPPOST_SERVICES_KV_CORE_MESSAGES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "services/clock/timestamp.h"
#include "services/kv/core/conflict.h"
#include "services/kv/core/content_hash.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/version.h"

namespace lamppost::kv {

// Which of a replica's peers: its place in the list of peers.
using PeerIndex = size_t;
// A link that a peer has opened to this node, as numbered by the driver: a later link has a higher number.
using LinkId = uint64_t;
// Which proposal a reply belongs to, as numbered by the driver.
using ProposalId = uint64_t;

// Versions to send. Shared by the messages to all peers.
using Entries = std::shared_ptr<const std::vector<KeyedVersion>>;

// A vector clock, for those who watch (tracer.h): how many events of each process are known of. After a
// restart a node's process is another one.
struct ProcessId {
  std::string node_id;
  uint64_t boot_id = 0;

  friend bool operator==(const ProcessId& a, const ProcessId& b) {
    return a.boot_id == b.boot_id && a.node_id == b.node_id;
  }
  friend bool operator<(const ProcessId& a, const ProcessId& b) {
    return std::tie(a.node_id, a.boot_id) < std::tie(b.node_id, b.boot_id);
  }
};
using VectorClock = std::map<ProcessId, uint64_t>;
inline constexpr size_t kVectorEntriesMax = 1024;
using Trace = std::shared_ptr<const VectorClock>;

// "If your heads are at least `from`, then once all entries up to `last` are durable your heads are at
// least `to`." A message with receiver_incarnation 0 is a greeting: it asks for an answer and no more.
//
// Three kinds of it bring entries. A push or a catch-up (the rest unset): see above. A full Sync (`full`
// set): its messages go through all keys in order, and what the receiver holds in their ranges, and `to`
// covers, and is not among the entries, has been deleted and forgotten. A repair (`repair_buckets` not 0):
// entries to be merged whatever the heads cover; heads do not move.
struct KeyRange {
  std::string start;  // inclusive
  std::string end;    // exclusive; empty: no bound
};
struct SyncMessage {
  Timestamp clock;  // of the sending; its origin is the sender's life (incarnation 0: undecided)
  std::string cluster;
  uint64_t boot_id = 0;
  uint64_t receiver_incarnation = 0;
  Heads from;
  Heads to;
  Entries entries;  // may be null: none
  bool last = true;
  uint64_t progress = 0;  // see CatchUp; 0 in live traffic
  uint64_t after = 0;     // of a catch-up: the sequence of its message before this one; 0: this is the first
  uint64_t sequence = 0;  // of the link
  uint64_t birth = 0;     // the life in which the sender's data directory was begun; 0: it is empty
  std::optional<KeyRange> full;
  Heads forgotten;              // of a full Sync: up to where the sender has forgotten deletions
  uint64_t repair_buckets = 0;  // bit i: bucket i of the content hash
  bool wants_buckets = false;
  Trace trace;  // null: the sender is not being traced
};

enum class Refusal {
  kNone,
  kGap,
  kOtherLife,
  kFenced,
  kClusterMismatch,
  kUnknownMember,
  kDuplicateNodeId,
  kSelf,
  kStorage,
  kClock,
  kInvalid,
  kBusy,     // another member is giving the receiver everything, or is to give it to the sender
  kRemoved,  // the sender was removed, and its disk is not a new one
};

// For people: "another cluster", "no such member here", …
const char* ToString(Refusal refusal);

struct SyncAnswer {
  Timestamp clock;  // of the sending; its origin is the receiver's life (incarnation 0: undecided)
  Refusal refusal = Refusal::kNone;
  std::string cluster;
  uint64_t boot_id = 0;
  Heads heads;
  Heads durable_heads;
  Heads pending;
  Heads progress;
  uint64_t sequence = 0;
  Hash128 content_hash;
  uint64_t birth = 0;                                                 // as SyncMessage's
  std::optional<std::array<Hash128, ContentHash::kBuckets>> buckets;  // if asked for; at exactly these heads
  Trace trace;                                                        // as SyncMessage's
};

// A client's write: one or more operations that happen as one event.
struct Operation {
  std::string key;
  std::optional<Value> value = {};  // nothing: delete
  uint64_t ttl_ms = 0;              // of a value; 0: it never expires
  bool lapsed = false;              // see Version
};
struct Proposal {
  ProposalId id = 0;
  std::vector<Operation> operations;        // on distinct keys, within the limits
  std::string request_id;                   // may be empty
  size_t replicas = 1;                      // the reply waits until so many members hold it on stable storage
  uint64_t replicas_until_ms = UINT64_MAX;  // but no longer than this, by the replica's time
  Heads session;                            // what the client has seen: the write is ordered after it
  // In the place of the operations: what these are to be is decided when its turn comes.
  std::optional<Settlement> settlement = {};
};

struct WriteResult {
  Timestamp version;
  bool replayed = false;
  bool found = false;     // the first operation's key had a value before
  size_t replicas = 1;    // members known to hold it on stable storage
  size_t settled = 0;     // conflicts, by a settlement
  bool has_more = false;  // open conflicts than one event may settle
};

// What the driver is to do, in this order: make `batch` durable, tell the replica, then send and reply.
struct OutgoingMessage {
  PeerIndex peer;
  SyncMessage message;
};
struct OutgoingAnswer {
  LinkId link;
  SyncAnswer answer;
  std::string to;  // the node id of whom it answers
};
struct Reply {
  ProposalId id;
  absl::StatusOr<WriteResult> result;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_MESSAGES_H_
