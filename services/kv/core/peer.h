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

  // The link.
  LinkState state = LinkState::kDown;
  std::string detail;             // why it is down or refused
  uint64_t linked_ms = 0;         // when the link came up
  uint64_t last_sequence = 0;     // of the last message sent
  uint64_t restart_sequence = 0;  // answers to earlier messages say nothing about the present course
  uint64_t last_sent_ms = 0;
  uint64_t live_sent = 0;          // own counter up to which it has been sent own writes
  std::optional<Heads> wanted;     // catching up: where the next round begins, before it is opened
  std::unique_ptr<CatchUp> round;  // catching up: the round under way
  uint64_t round_sequence = 0;     // of the round's latest message
  Heads relay_mark;                // what this node had when relaying was last considered
  uint64_t relay_due_ms = 0;       // when it is considered again

  // Sent and not answered, to bound what is on its way.
  struct InFlight {
    uint64_t sequence;
    uint64_t bytes;
  };
  std::deque<InFlight> in_flight;
  uint64_t in_flight_bytes = 0;

  bool IsLinked() const { return state != LinkState::kDown; }
  Origin life() const { return {node_id, incarnation}; }
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
    round.reset();
    wanted.reset();
  }

  // Gives it what it lacks, beginning at `start`, before anything live.
  void BeginCatchUp(Heads start) {
    state = LinkState::kCatchingUp;
    detail.clear();
    round.reset();
    wanted = std::move(start);
    restart_sequence = last_sequence + 1;
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
