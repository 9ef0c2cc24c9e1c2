// What has happened at a node, as a trace tells it: the material of a space-time diagram. Where it comes
// from, a running cluster or the simulator, is not known here.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_EVENT_H_
#define LAMPPOST_CLIENTS_DIAGRAM_EVENT_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace lamppost::diagram {

// One message from one node to another. A sender gives each message a counter of its own, so the three tell
// it from all others; its copies, if the way has made several of it, have the same.
struct MessageId {
  std::string from;
  std::string to;
  uint64_t counter = 0;  // of its sending

  bool operator<(const MessageId& other) const {
    return std::tie(from, to, counter) < std::tie(other.from, other.to, other.counter);
  }
  bool operator==(const MessageId& other) const {
    return std::tie(from, to, counter) == std::tie(other.from, other.to, other.counter);
  }
};

struct Event {
  enum class Kind {
    // Events of the node: each has a counter of its own, above that of the one before it at this node.
    kSend,
    kReceive,
    kWrite,  // a version of this node's own: a client's write, an expiry, a record
    // Marks: they say more of the event before them at this node, and share its counter.
    kDrop,       // the message is lost on its way
    kDelay,      // it is held back for delay_ms
    kDuplicate,  // it arrives twice
    kConflict,   // two versions of a key have met, neither of whose writers had seen the other
    // Of the process. Not sent by it, but noticed by whoever collects the trace.
    kStart,  // it has begun; what the node does next is another process's
    kStop,   // it has ended in order
    kCrash,  // it was gone without a word
    kGap,    // events may be missing here
  };

  Kind kind = Kind::kSend;
  std::string node;
  uint64_t counter = 0;  // Lamport's, of the event; of a mark: of the event that it belongs to; may be 0 for
                         // kStart, kStop, kCrash and kGap, which have none
  int64_t unix_us = 0;   // for people: nothing is ordered by it
  MessageId message;     // kSend, kReceive, kDrop, kDelay, kDuplicate; else empty
  bool is_answer = false;
  // Of a message that brings nothing but its clock and heads, or an answer that refuses nothing: hidden in a
  // diagram unless asked for.
  bool is_quiet = false;
  std::string what;               // "push", "catch-up", "full", "repair", "heartbeat", "greeting", "answer",
                                  // "refusal: gap"; of a write: "write", "delete", "expire", "record"
  std::vector<std::string> keys;  // the first ones that it is about; user keys only
  uint64_t entries = 0;           // how many versions it brings
  std::string detail;             // for people, one line: "x = 10", "red 5@A lost to blue 7@B"
  uint64_t delay_ms = 0;
  // What the process had seen, events of each process, this one counted; keyed "A" or, of a process that is
  // not the node's first one in the trace, "A/2", …; empty if not known.
  std::map<std::string, uint64_t> vector;
};

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_EVENT_H_
