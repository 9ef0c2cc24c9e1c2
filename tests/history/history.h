// What clients of a cluster did and saw, to be judged afterwards: the same record comes from the simulator
// and from real processes, and the same checks judge it.
//
// Plain values; not thread-safe.
#ifndef LAMPPOST_TESTS_HISTORY_HISTORY_H_
#define LAMPPOST_TESTS_HISTORY_HISTORY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/clock/timestamp.h"
#include "services/kv/core/heads.h"

namespace lamppost::history {

// A key with a value, or without one: deleted, or absent.
struct Item {
  std::string key;
  std::optional<std::string> value;
  // Of a read: the value's, or the deletion's where the node told it; not set if it told none. Of a write:
  // unused.
  Timestamp version;
  bool expires = false;  // of a write: the value is to go by itself, some time later
};

enum class Kind { kWrite, kRead };

// What a client knows of an attempt when it ends.
enum class Outcome {
  kOk,
  kFailed,   // certainly without effect
  kUnknown,  // nobody can say: no answer, or one that says so
};

// One attempt of a client at one node. A retry is another attempt with the same request id.
struct Operation {
  Kind kind = Kind::kRead;
  uint64_t client = 0;
  std::string node;       // the id of the node asked
  uint64_t start_us = 0;  // of one clock for the whole history
  uint64_t end_us = 0;
  std::vector<Item> items;  // what was to be written, or what was read
  std::string request_id;   // of a write; may be empty
  kv::Heads session;        // what the client had seen, as it told the node; empty: it keeps none
  Outcome outcome = Outcome::kUnknown;
  std::string error;      // its reason, if there was one
  Timestamp version;      // of an acknowledged write
  bool replayed = false;  // the acknowledgement is that of an earlier attempt
};

// A node has lost its disk, or got an old copy back. What it had acknowledged and nobody else had then is
// gone with it, and is not held against anybody: `kept` is what the other nodes' disks held together.
struct DiskLoss {
  std::string node;
  uint64_t at_us = 0;
  kv::Heads kept;
};

// The live keys of one node, when all was healed and quiet.
using Contents = std::map<std::string, Item>;

struct History {
  std::vector<Operation> operations;  // in the order of their ends
  std::vector<DiskLoss> disk_losses;
  std::map<std::string, Contents> final_contents;  // by node id
};

// An invariant of the design ("I5"), and what broke it.
struct Violation {
  std::string invariant;
  std::string what;
};

}  // namespace lamppost::history

#endif  // LAMPPOST_TESTS_HISTORY_HISTORY_H_
