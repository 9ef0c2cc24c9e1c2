// What strikes when: drawn from a seed beforehand, so that the same seed strikes in the same way.
//
// Three lanes run side by side, so that several things go wrong at once: one cuts the network, one ends
// processes, and one does what takes long. A kind to be added needs a name here and a place in a lane.
//
// Pure.
#ifndef LAMPPOST_TESTS_INTEGRATION_CHAOS_SCHEDULE_H_
#define LAMPPOST_TESTS_INTEGRATION_CHAOS_SCHEDULE_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace lamppost::chaos {

enum class StrikeKind {
  kKill,         // kill -9, later started again
  kStop,         // an orderly end, later started again
  kPause,        // SIGSTOP for a moment
  kKillAll,      // kill -9 of all nodes at once
  kLongPause,    // SIGSTOP for longer than keepalive and heartbeat together
  kWipe,         // kill -9, and the disk is empty when it starts again
  kDiskFull,     // the node's small disk has no room
  kIsolate,      // one node is cut off from the others, both ways
  kOneWay,       // what one node sends to one other does not arrive
  kHalves,       // two groups that cannot reach each other
  kSlowLink,     // between two nodes, both ways
  kLostAnswers,  // requests reach a node, and its answers to clients are lost
};

// Of a cut: packets vanish, or are answered with a reset.
enum class Manner { kSilent, kLoud };

// "kill -9", "one-way cut", …
const char* ToString(StrikeKind kind);
const std::set<StrikeKind>& AllStrikeKinds();

struct Strike {
  StrikeKind kind;
  int64_t start_ms;
  int64_t end_ms;
  // Indexes of nodes: the one that is struck; of kOneWay the sender and the receiver; of kSlowLink both
  // ends; of kHalves the one side; of kKillAll all.
  std::vector<int> nodes;
  Manner manner = Manner::kSilent;
};

// "2.3 s to 4.1 s: one-way cut of A, B, silent". For people; node 0 is A.
std::string ToString(const Strike& strike);

struct ScheduleOptions {
  uint64_t seed = 0;
  int nodes = 3;               // 3 to 26
  int64_t length_ms = 0;       // at least kLengthMinMs
  std::set<StrikeKind> kinds;  // at least one
  int small_disk_node = 0;     // the one that kDiskFull strikes
};

// In it, every kind strikes at least once.
inline constexpr int64_t kLengthMinMs = 20'000;

// By start_ms; each strike ends within the length. No two strikes on processes touch one node at a time, but
// for kKillAll, which asks nobody.
std::vector<Strike> MakeSchedule(const ScheduleOptions& options);

}  // namespace lamppost::chaos

#endif  // LAMPPOST_TESTS_INTEGRATION_CHAOS_SCHEDULE_H_
