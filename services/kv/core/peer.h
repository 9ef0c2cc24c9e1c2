// What a replica knows of one of its peers, and what it has sent it: the sending half of replication.
//
// A plain record with the few rules that concern nothing but itself; Replica decides what to send.
#ifndef LAMPPOST_SERVICES_KV_CORE_PEER_H_
#define LAMPPOST_SERVICES_KV_CORE_PEER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "services/clock/timestamp.h"
#include "services/kv/core/catch_up.h"
#include "services/kv/core/content_hash.h"
#include "services/kv/core/full_sync.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/messages.h"

namespace lamppost::kv {

enum class LinkState {
  kDown,        // no connection
  kProbing,     // greeted, no answer yet
  kLive,        // gets own writes as they are committed
  kCatchingUp,  // gets what it lacks from the store
  kRefused,     // one of the two refuses the other; greeted again now and then
};

// How a peer is given what it lacks.
enum class Course {
  kDelta,  // what its heads do not cover
  kFull,   // everything; what it holds beyond that was deleted
};

// The full Sync that a peer is being given, or was when its link broke.
struct FullCourse {
  struct Sent {
    uint64_t sequence;
    std::string end;  // of its range
    bool last;
  };

  std::unique_ptr<FullSync> walk;  // null: none is under way
  Heads to;                        // this node's heads at the first snapshot of the course
  uint64_t loose = 0;              // how many loose versions had come here by then
  Heads forgotten;                 // what is gone from the present snapshot by being forgotten
  uint64_t boot_id = 0;            // of the receiver's process, and its life: nobody else can go on with it
  uint64_t incarnation = 0;
  bool is_resumable = false;
  std::string reached;    // what lies below has been sent and answered
  std::deque<Sent> sent;  // and not answered
  bool moved = false;     // something of it has been answered since it was begun or taken up again

  void Answered(uint64_t sequence) {
    for (; !sent.empty() && sent.front().sequence <= sequence; sent.pop_front()) {
      reached = sent.front().end;
      moved = true;
      if (sent.front().last) is_resumable = false;
    }
  }
  // Nothing more is sent of it for now. If nothing of it has been taken in this time, the receiver has
  // forgotten where it was, and the next one begins anew.
  void BreakOff() {
    walk.reset();
    sent.clear();
  }
};

// Where this node and a peer hold different things although they have had the same writes.
struct Divergence {
  uint64_t since_ms = 0;           // 0: they agree
  uint64_t due_ms = 0;             // when the buckets are compared again
  uint64_t pause_ms = 0;           // between two repairs; grows
  uint64_t buckets = 0;            // to be repaired: bit i for bucket i
  bool is_sound = false;           // what is here in them is what was written: it may be sent
  std::unique_ptr<FullSync> walk;  // through them: to see that, and then to send them
  Heads from;                      // this node's heads at its snapshot
  ContentHash hash;                // and its content hash

  bool IsBeingRepaired() const { return buckets != 0; }
  void BreakOff() {
    walk.reset();
    is_sound = false;
    buckets = 0;
  }
};

struct Peer {
  explicit Peer(std::string its_address) : address(std::move(its_address)) {}

  const std::string address;
  bool seed = true;          // from --peers; else from a member's record
  uint64_t retirements = 0;  // so often it was retired: a link from before is to be ended, and another opened
  bool retired = false;      // removed, or reached by another of the peers: no link, and nothing waits for it

  // By its answers. The life is set once it has answered; it stays known when the link goes down.
  std::string node_id;
  uint64_t incarnation = 0;
  uint64_t boot_id = 0;
  bool answered = false;  // since this process started
  uint64_t last_answer_ms = 0;
  Heads heads;
  Heads durable_heads;
  Heads pending;   // on its way to it from others, and what it has of this node's own lives in parts
  Heads progress;  // of a catch-up from this node
  Hash128 content_hash;
  uint64_t birth = 0;  // of its data directory

  // Since this process started.
  uint64_t catch_up_bytes_sent = 0;
  uint64_t full_syncs_sent = 0;
  uint64_t repaired_buckets = 0;

  // The link.
  LinkState state = LinkState::kDown;
  std::string detail;             // why it is down or refused
  uint64_t linked_ms = 0;         // when the link came up
  uint64_t last_sequence = 0;     // of the last message sent
  uint64_t restart_sequence = 0;  // answers to earlier messages say nothing about the present course
  uint64_t last_sent_ms = 0;
  uint64_t live_sent = 0;          // own counter up to which it has been sent own writes
  std::optional<Heads> wanted;     // catching up: where the next round begins, before it is opened
  bool follows_round = false;      // and that it follows the one before, which has been sent to its end
  std::unique_ptr<CatchUp> round;  // catching up: the round under way
  Course course = Course::kDelta;  // catching up: how
  FullCourse full;                 // survives the link
  Heads covered;                   // up to where it has been sent everything on this link
  uint64_t round_sequence = 0;     // of the round's latest message
  uint64_t round_loose = 0;        // how many loose versions had come here when the round was opened
  uint64_t loose_sent = 0;         // so many of them the finished rounds on this link have brought it
  Heads relay_mark;                // what this node had when relaying was last considered
  uint64_t relay_due_ms = 0;       // when it is considered again
  Divergence divergence;
  uint32_t divergent_buckets = 0;  // as of the latest comparison

  // Sent and not answered, to bound what is on its way.
  struct InFlight {
    uint64_t sequence;
    uint64_t bytes;
  };
  std::deque<InFlight> in_flight;
  uint64_t in_flight_bytes = 0;

  bool IsLinked() const { return state != LinkState::kDown; }
  Origin life() const { return {node_id, incarnation}; }
  // It has lost part of its data, and claims nothing until it has got that back.
  bool IsRefilling() const { return heads.empty() && birth != 0; }
  // What it has, all or in parts.
  Heads Known() const {
    Heads known = heads;
    known.RaiseAll(pending);
    return known;
  }

  // A new connection: nothing sent on the one before counts any more.
  void ResetLink(LinkState new_state, std::string why) {
    state = new_state;
    detail = std::move(why);
    last_sequence = restart_sequence = 0;
    in_flight.clear();
    in_flight_bytes = 0;
    covered = Heads();
    loose_sent = 0;
    StopCatchUp();
  }

  // Gives it what it lacks, beginning at `start` (which means nothing to a full Sync), before anything live.
  void BeginCatchUp(Heads start, Course how) {
    StopCatchUp();
    state = LinkState::kCatchingUp;
    detail.clear();
    wanted = std::move(start);
    course = how;
    restart_sequence = last_sequence + 1;
  }
  void StopCatchUp() {
    round.reset();
    wanted.reset();
    follows_round = false;
    full.BreakOff();
    divergence.BreakOff();
  }

  void Sent(uint64_t bytes, uint64_t now_ms) {
    in_flight.push_back({last_sequence, bytes});
    in_flight_bytes += bytes;
    last_sent_ms = now_ms;
  }

  void Answered(uint64_t sequence) {
    while (!in_flight.empty() && in_flight.front().sequence <= sequence) {
      in_flight_bytes -= in_flight.front().bytes;
      in_flight.pop_front();
    }
  }
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_PEER_H_
