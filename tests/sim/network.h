// The network between the nodes: links, and what becomes of what is sent on them.
//
// A node opens a link to each of its peers, as the server's PeerLink does; messages go one way on it and
// answers come back. By the plan's Carriage a link is a stream, which keeps the order and breaks when it
// loses something, or every message goes for itself and may be lost, repeated, overtaken, or come again very
// late. What cannot get through a cut waits in a stream, as TCP sends again, until the cut is mended or the
// link is given up; as a datagram it is lost.
//
// The faults on links are those of the real server, one LinkFaults for each node that sends.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_SIM_NETWORK_H_
#define LAMPPOST_TESTS_SIM_NETWORK_H_

#include <array>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "services/kv/faults/link_faults.h"
#include "tests/sim/observer.h"
#include "tests/sim/plan.h"
#include "tests/sim/random.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/tally.h"
#include "tests/sim/wire.h"

namespace lamppost::sim {

// A node, as the network sees it.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  // Whether there is a process, and whether it takes new links.
  virtual bool Listens() const = 0;
  virtual bool Accepts() const = 0;
  // A link that this node wanted to open is there, or is not to be had.
  virtual void OnConnected(NodeIndex to, kv::LinkId link) = 0;
  virtual void OnNotConnected(NodeIndex to) = 0;
  // A link is gone: one that this node has opened, or one that another has.
  virtual void OnLinkDown(NodeIndex to, kv::LinkId link) = 0;
  virtual void OnInboundDown(kv::LinkId link) = 0;
  virtual void OnPacket(Packet packet) = 0;
};

// When the other ends find out that somebody is gone.
enum class Notice {
  kNow,          // in this moment
  kSoon,         // when the system's word of it has come over the network
  kByKeepalive,  // when their own keepalive tells them
};

class Network {
 public:
  // As the server sets it: a silent peer is given up after the sum of keepalive's time and timeout.
  static constexpr uint64_t kKeepaliveMs = 8000;

  // All must outlive this.
  Network(const Plan& plan, Random random, Scheduler* scheduler, Tally* tally, Observer* observer);

  // Before anything is sent: all nodes, by index.
  void Attach(std::vector<Endpoint*> nodes) { nodes_ = std::move(nodes); }

  // Opens a link; one of the two calls comes back some time later.
  void Connect(NodeIndex from, NodeIndex to);
  // Sends on a link, a message to whom it leads and an answer back; lost if the link is gone.
  void Send(Packet packet);
  // Ends a link; both ends hear of it.
  void Break(kv::LinkId link);
  // The node's process is gone, and with it its links.
  void Gone(NodeIndex node, Notice notice);

  // Effects on one direction add up: one that is cut and mended is as slow or lossy as before.
  //
  // What is sent does not arrive, from now on.
  void Cut(NodeIndex from, NodeIndex to);
  void Mend(NodeIndex from, NodeIndex to);
  // What is sent takes so much longer, from half of it to half as much again; 0 ends it.
  void Slow(NodeIndex from, NodeIndex to, uint64_t extra_ms);
  // What is sent is lost, doubled and held back as by the probabilities of this fault, from which nothing
  // else is taken; {} ends it. A stream only loses, and so breaks.
  void Spoil(NodeIndex from, NodeIndex to, const kv::LinkFault& chances);
  // Whether a rate strikes now, and counts it. It strikes one of the first few candidates in any case: a
  // fault that a run is to have must happen in it.
  bool Strikes(Rate rate);
  // Ends all faults. Late copies are let go when they are asked for.
  void Heal();
  void ReleaseLate();

 private:
  struct Waiting {
    Packet packet;
    uint64_t since_us;
  };
  struct Link {
    NodeIndex from = 0;
    NodeIndex to = 0;
    uint64_t arrived_us[2] = {0, 0};  // of the latest in each direction
    std::vector<Waiting> waiting;     // for a cut to be mended
  };

  // None, if there is none.
  kv::LinkFault FaultOf(NodeIndex from, NodeIndex to);
  void SetFault(NodeIndex from, NodeIndex to, const kv::LinkFault& fault);
  bool IsCut(NodeIndex from, NodeIndex to) { return FaultOf(from, to).cut; }
  void Tell(const Packet& packet, Mishap::Kind kind, Mishap::Cause cause, uint64_t delay_us = 0);
  void Lose(const Packet& packet, Mishap::Cause cause) { Tell(packet, Mishap::Kind::kLost, cause); }
  // Loses it as its carriage does.
  void Drop(const Packet& packet, Mishap::Cause cause);
  // Sends it as the faults on its way will have it; its link is there.
  void Carry(Packet packet);
  void Resend(Waiting waiting);
  void Transmit(Packet packet, uint64_t extra_us);
  void Arrive(Packet packet);
  // Through the codec's bytes, with a flipped bit or without; false if the receiver cannot read them.
  bool Recode(Packet* packet, Rate how);
  void WatchCut(kv::LinkId link);

  const Plan& plan_;
  Random random_;
  Scheduler* const scheduler_;
  Tally* const tally_;
  Observer* const observer_;
  std::vector<Endpoint*> nodes_;
  std::map<kv::LinkId, Link> links_;
  kv::LinkId next_link_ = 1;
  std::vector<kv::LinkFaults> faults_;  // by who sends
  std::vector<Packet> late_;
  std::array<uint64_t, kRates> candidates_ = {};  // messages that a rate could have struck
  bool healed_ = false;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_NETWORK_H_
