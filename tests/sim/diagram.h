// A run as the events of a space-time diagram (clients/diagram), each with its node's Lamport counter.
//
// Writes are told when they are durable and messages when they leave, so all that is told has happened. A
// node that has got another disk counts anew, or from an earlier counter on: it goes on as a node of its own,
// "A, disk 2".
#ifndef LAMPPOST_TESTS_SIM_DIAGRAM_H_
#define LAMPPOST_TESTS_SIM_DIAGRAM_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "clients/diagram/event.h"
#include "services/kv/core/conflict.h"
#include "services/kv/core/tracer.h"
#include "tests/sim/plan.h"
#include "tests/sim/timed_observer.h"

namespace lamppost::sim {

// Not thread-safe.
class DiagramRecorder : public TimedObserver {
 public:
  // A run may have millions of events. With so many the stretch ends, wherever it was to end.
  static constexpr size_t kEventsMax = 500'000;

  // Of virtual time. What happens outside of it is left out.
  struct Stretch {
    uint64_t from_us = 0;
    uint64_t until_us = UINT64_MAX;  // exclusive
  };

  DiagramRecorder(const Plan& plan, Stretch stretch);

  // All events, those of each node in its order. Takes them out of here.
  std::vector<diagram::Event> Take();
  // When the stretch ended because there were so many; nothing: it did not.
  std::optional<uint64_t> full_since_us() const { return full_since_us_; }

  void OnStarted(NodeIndex node) override;
  void OnStopped(NodeIndex node, Loss loss, size_t lost) override;
  void OnDiskExchanged(NodeIndex node) override;
  void OnSent(const Packet& packet) override;
  void OnMishap(const Packet& packet, const Mishap& mishap) override;
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnProposed(NodeIndex node, const kv::Proposal& proposal, const kv::Heads&) override;
  void OnAttempted(NodeIndex node, const kv::Output&, uint64_t) override;
  void OnCommitted(NodeIndex node, const kv::Output& output) override;

 private:
  // Counters come again with another disk; together with the process that counts they do not.
  using SendId = std::pair<uint64_t, uint64_t>;                       // boot id, counter
  using Written = std::map<uint64_t, std::vector<kv::KeyedVersion>>;  // by counter

  // What comes first of what has the same counter.
  enum class Rank { kEvent, kMark, kProcess };
  struct Entry {
    uint64_t order;  // its counter, or that of the latest event before
    Rank rank;
    diagram::Event event;  // its message's nodes are filled in at the end
    SendId send = {};      // of its message
  };
  // What is drawn as one node.
  struct Lane {
    std::string name;
    std::vector<Entry> entries;
    uint64_t highest = 0;
    std::set<uint64_t> written;  // counters of its writes, those outside of the stretch included
  };
  struct Sent {
    size_t from;  // lanes
    size_t to;    // where it has first arrived, or would have when it was sent
    bool has_arrived;
  };
  struct Arrived {
    uint64_t counter;
    kv::Entries entries;
  };
  struct Machine {
    size_t lane = 0;
    size_t disks = 1;
    std::vector<Arrived> arrived;  // since the last group was put together
    std::vector<Arrived> taken;    // by the group under way
    std::map<kv::ProposalId, kv::Proposal> proposed;
  };

  static SendId SendOf(const Packet& packet);

  Lane& LaneOf(NodeIndex node) { return lanes_[machines_[node].lane]; }
  bool IsInStretch() const {
    return stretch_.from_us <= now_us() && now_us() < stretch_.until_us && !full_since_us_;
  }
  void Add(Lane* lane, uint64_t order, Rank rank, diagram::Event event, SendId send = {});
  void AddOfProcess(NodeIndex node, diagram::Event::Kind kind, std::string detail);
  Written WrittenBy(NodeIndex node, const kv::Output& output);
  void AddWrites(NodeIndex node, const Written& written);
  void AddConflict(NodeIndex node, uint64_t counter, const kv::Conflict& conflict);
  std::optional<uint64_t> ArrivalOf(NodeIndex node, const kv::Conflict& conflict) const;
  diagram::Event Finish(Entry entry, const Lane& lane) const;

  const Stretch stretch_;
  std::vector<Machine> machines_;
  std::vector<Lane> lanes_;
  std::map<SendId, Sent> sends_;
  size_t events_ = 0;
  std::optional<uint64_t> full_since_us_;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_DIAGRAM_H_
