// What a node does, event by event, for those who want to see it: each with its Lamport counter and a vector
// clock, which tells of any two events whether one could have led to the other.
//
// The vector travels with the messages of nodes that are traced, and counts only what happens meanwhile; a
// node that is not costs nothing. What reaches a node by way of one that is not traced, it does not know of.
//
// C. Fidge, "Timestamps in message-passing systems that preserve the partial ordering", 1988; F. Mattern,
// "Virtual time and global states of distributed systems", 1989.
//
// Pure; not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_TRACER_H_
#define LAMPPOST_SERVICES_KV_CORE_TRACER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/kv/core/messages.h"

namespace lamppost::kv {

enum class TraceKind {
  kSend,
  kReceive,
  kWrite,
  // Marks: they say more of the event before.
  kConflict,
  kDrop,  // these three by whoever carries the messages
  kDelay,
  kDuplicate,
};

// What a message brings.
enum class Carries { kNothing, kGreeting, kHeartbeat, kPush, kCatchUp, kFull, kRepair, kAnswer };

struct TracePoint {
  static constexpr size_t kKeysMax = 8;

  TraceKind kind = TraceKind::kSend;
  uint64_t counter = 0;       // of the event, or of the one that is marked
  std::string peer;           // whom a message is for or from; empty if not known yet
  uint64_t sent_counter = 0;  // kReceive: of the message's sending
  Carries carries = Carries::kNothing;
  Refusal refusal = Refusal::kNone;
  std::vector<std::string> keys;  // clients' ones only, the first kKeysMax
  uint64_t entries = 0;
  std::string detail;  // for people; UTF-8
  uint64_t delay_ms = 0;
  Trace vector;  // never null
};

// What is told of versions that are written or sent: keys, entries, detail.
void Describe(const std::vector<KeyedVersion>& entries, TracePoint* point);
// What is told of a message's sending, but for the peer and the vector.
TracePoint PointOf(const SyncMessage& message);
TracePoint PointOf(const SyncAnswer& answer);

class Tracer {
 public:
  // Points that one group may have; the rest is only counted.
  static constexpr size_t kPointsMax = 20000;

  explicit Tracer(ProcessId self) : self_(std::move(self)) {}

  // While it is off, nothing below may be called.
  void Start();
  void Stop();
  bool IsOn() const { return vector_ != nullptr; }

  // The counter of the latest event.
  uint64_t latest() const { return latest_; }

  // Something has happened. Gives the vector that is to travel with it, if it is a sending.
  Trace Happened(TracePoint point);
  // The same, of a message that came with this vector; null if its sender is not traced.
  void Received(TracePoint point, const Trace& its);
  // Says more of the event before.
  void Mark(TracePoint point);

  struct Points {
    std::vector<TracePoint> points;
    uint64_t left_out = 0;
  };
  // What has come since the last call.
  Points Take() { return std::exchange(taken_, {}); }

 private:
  void Add(TracePoint point);

  const ProcessId self_;
  Trace vector_;         // null: off
  uint64_t events_ = 0;  // own ones; does not begin anew when it is switched on again
  uint64_t latest_ = 0;
  Points taken_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_TRACER_H_
