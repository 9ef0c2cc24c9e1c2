// The events of all nodes of a trace, put together: a lane for each node, an arrow for each message, and what
// happened before what. Pure; a History is not changed once it is built, and may be read from any thread.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_HISTORY_H_
#define LAMPPOST_CLIENTS_DIAGRAM_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/diagram/event.h"

namespace lamppost::diagram {

// One event of a lane, with the marks that belong to it.
struct Point {
  Event event;
  std::vector<Event> marks;
  size_t lane = 0;   // index into History::lanes
  size_t place = 0;  // among the points of its lane, from 0
  // By what it stands in the order of all: its counter. A start has that of the node's next event, for the
  // time between is when the node was away; a stop, a crash and a gap have that of the event before.
  uint64_t order = 0;
  // Per lane, how many of its first points have happened before this one or are it.
  std::vector<uint32_t> seen;
};

// One way of one message: a message that has arrived twice has two.
struct Arrow {
  static constexpr size_t kNowhere = SIZE_MAX;

  enum class Status {
    kArrived,
    kArrivedAsCopy,  // a further time
    kLost,
    kUnseen,       // sent, and neither lost nor received as far as the trace goes
    kFromOutside,  // received, but its sending is not in the trace
  };

  MessageId message;
  Status status = Status::kUnseen;
  size_t from = kNowhere;  // indices into History::points
  size_t to = kNowhere;
  bool is_delayed = false;
  uint64_t delay_ms = 0;
  // The trace contradicts itself and this arrow had to be left out of the order; a violation tells of it.
  bool is_ignored = false;
};

struct Lane {
  std::string node;
  std::vector<size_t> points;  // indices into History::points, in the lane's order
};

struct History {
  std::vector<Lane> lanes;    // by node id
  std::vector<Point> points;  // in an order that agrees with every lane and arrow: by (order, lane)
  std::vector<Arrow> arrows;  // in the order of their beginnings
  // Where the counters do not do what Lamport's must, a line each: an arrow that does not lead to a larger
  // one, a lane in which they do not grow. At most kViolationsMax, and then a line that says how many more.
  std::vector<std::string> violations;

  static constexpr size_t kViolationsMax = 100;

  std::optional<size_t> LaneOf(const std::string& node) const;
};

enum class Relation { kSelf, kPast, kFuture, kConcurrent };

// What `other` is to `point`: its past, its future, or neither. Both are indices into History::points.
Relation RelationOf(const History& history, size_t point, size_t other);

// The events of one node in its order; those of different nodes in any. A mark belongs to the last event of
// its node if that has its counter; else that event is missing, and the mark stands for it.
//
// INVALID_ARGUMENT (TRACE_INVALID): an event without a node, or of a message that is not this node's.
// RESOURCE_EXHAUSTED (TRACE_TOO_LARGE): more than kSeenMax numbers would be needed for what has seen what.
// Wrong counters are no error: see History::violations.
absl::StatusOr<History> Build(std::vector<Event> events);

inline constexpr size_t kSeenMax = 50'000'000;  // events times lanes; 200 MB

// Whether the vectors that the events carry say the same as lanes and arrows do, of every two events that
// have one: a line for each difference, at most History::kViolationsMax. A node's processes are taken to
// follow each other, for they have one disk. Where the trace has gaps or lacks a node, the vectors rightly
// know more.
std::vector<std::string> CheckVectors(const History& history);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_HISTORY_H_
