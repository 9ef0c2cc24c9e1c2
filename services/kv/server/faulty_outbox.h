// Faults on demand: an outbox that loses, holds back and doubles what the node sends, and keeps out what
// comes in while the node is paused. Only a node that was started with --enable-faults has one.
//
// Of the driver's thread.
#ifndef LAMPPOST_SERVICES_KV_SERVER_FAULTY_OUTBOX_H_
#define LAMPPOST_SERVICES_KV_SERVER_FAULTY_OUTBOX_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "services/kv/core/replica.h"
#include "services/kv/faults/link_faults.h"
#include "services/kv/server/driver.h"
#include "services/kv/server/ingress.h"

namespace lamppost::kv {

class FaultyOutbox : public Outbox, public Ingress {
 public:
  // What is held back at a time; beyond, what is to be held is lost. What brings data is bounded by the
  // replica's windows anyway.
  static constexpr size_t kHeldMax = 20000;

  using MarkFn = std::function<void(TracePoint)>;

  // replica, next: must outlive this. mark: told what becomes of the messages of a node that is traced.
  FaultyOutbox(uint64_t seed, const Replica* replica, Outbox* next, MarkFn mark)
      : faults_(seed), replica_(replica), next_(next), mark_(std::move(mark)) {}

  // What has become of a link's messages since its fault was set.
  struct Counts {
    uint64_t dropped = 0;
    uint64_t delayed = 0;
    uint64_t duplicated = 0;
  };
  struct Listed {
    std::string to;
    LinkFault fault;
    Counts counts;
  };

  // The fault on the way to this node from now on, in the place of the one before.
  void Set(const std::string& to, const LinkFault& fault);
  // The node is cut off from all others, both ways, until then; 0: until it is cleared.
  void Pause(uint64_t until_ms);
  // How many faults there were. What was held back on these links goes on at once.
  size_t Clear(const std::string& to);
  size_t ClearAll();

  // Those that hold now, by the node that they lead to.
  std::vector<Listed> List();
  // How many links are struck; a pause counts as one.
  uint32_t count() { return static_cast<uint32_t>(List().size() + (IsPaused() ? 1 : 0)); }
  bool IsPaused() const;
  uint64_t paused_until_ms() const { return paused_until_ms_; }
  const Counts& pause_counts() const { return pause_counts_; }

  void Send(PeerIndex peer, SyncMessage message) override;
  void SendAnswer(const OutgoingAnswer& outgoing) override;
  void Poll(uint64_t now_ms) override;
  uint64_t PatienceMs() const override;

  bool Admits(const SyncMessage& message) override;
  bool Admits(const SyncAnswer& answer) override;

 private:
  struct HeldMessage {
    PeerIndex peer;
    uint64_t linked_ms;  // of the peer's link then: on a later one the message makes no sense
    SyncMessage message;
  };
  using Held = std::variant<HeldMessage, OutgoingAnswer>;

  // What becomes of it, marked and counted.
  template <typename Message>
  Fate FateOf(const std::string& to, const Message& message);
  template <typename Message>
  void Mark(TraceKind kind, const std::string& to, const Message& message, uint64_t delay_ms);
  template <typename Message>
  bool AdmitsFrom(const Message& message);
  void Hold(const std::string& to, uint64_t delay_ms, Held held);
  void Deliver(Held held);
  void Release(const std::string& to, Held held);
  void ReleaseDue(uint64_t now_ms);
  void ReleaseOfEnded(uint64_t now_ms);

  LinkFaults faults_;
  const Replica* const replica_;
  Outbox* const next_;
  const MarkFn mark_;
  std::map<std::string, Counts> counts_;
  std::multimap<uint64_t, std::pair<std::string, Held>> held_;  // by when they are due; whom they are for
  std::set<std::string> in_force_;  // links that have had a fault since the last Poll
  bool paused_ = false;
  uint64_t paused_until_ms_ = 0;  // 0: until it is cleared
  Counts pause_counts_;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_FAULTY_OUTBOX_H_
