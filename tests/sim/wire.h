// What goes over the simulated network.
#ifndef LAMPPOST_TESTS_SIM_WIRE_H_
#define LAMPPOST_TESTS_SIM_WIRE_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "services/kv/core/messages.h"
#include "tests/history/history.h"
#include "tests/sim/plan.h"

namespace lamppost::sim {

// From one node to another. `link` is the connection it was sent on; an answer goes back on the link of the
// message it answers.
struct Packet {
  NodeIndex from = 0;
  NodeIndex to = 0;
  kv::LinkId link = 0;
  std::variant<kv::SyncMessage, kv::SyncAnswer> body;

  bool IsAnswer() const { return std::holds_alternative<kv::SyncAnswer>(body); }
  const Timestamp& clock() const {
    return IsAnswer() ? std::get<kv::SyncAnswer>(body).clock : std::get<kv::SyncMessage>(body).clock;
  }
};

// From a client to a node: a write, if the proposal has operations, else a read.
struct Request {
  ClientIndex client = 0;
  uint64_t attempt = 0;  // numbers all attempts of all clients
  uint64_t clock = 0;
  kv::Proposal proposal;
  std::vector<std::string> keys;  // to get; none: a scan of everything
  kv::Heads session;              // of a read; a write's is its proposal's

  bool IsWrite() const { return !proposal.operations.empty(); }
};

struct Reply {
  ClientIndex client = 0;
  uint64_t attempt = 0;
  uint64_t clock = 0;
  absl::Status status;
  kv::WriteResult written;
  std::vector<history::Item> items;  // read
  kv::Heads session;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_WIRE_H_
