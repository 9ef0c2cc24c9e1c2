// The network between the nodes: links, and what becomes of what is sent on them.
//
// A node opens a link to each of its peers, as the server's PeerLink does; messages go one way on it and
// answers come back. By the plan's Carriage a link is a stream, which keeps the order and breaks when it
// loses something, or every message goes for itself and may be lost, repeated, overtaken, or come again very
// late. What cannot get through a cut waits in a stream, as TCP sends again, until the cut is mended or the
// link is given up; as a datagram it is lost.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_SIM_NETWORK_H_
#define LAMPPOST_TESTS_SIM_NETWORK_H_

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

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

  Network(const Plan& plan, Random random, Scheduler* scheduler, Tally* tally);

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

  // What is sent in this direction does not arrive, from now on.
  void Cut(NodeIndex from, NodeIndex to);
  void Mend(NodeIndex from, NodeIndex to);
  bool IsCut(NodeIndex from, NodeIndex to) const { return cut_.count({from, to}) > 0; }
  // What is sent in this direction takes so much longer; 0 ends it.
  void Slow(NodeIndex from, NodeIndex to, uint64_t extra_us);
  // Whether a rate strikes now, and counts it. It strikes one of the first few candidates in any case: a
  // fault that a run is to have must happen in it.
  bool Strikes(Rate rate);
  // Ends all faults. Late copies are let go when they are asked for.
  void Heal();
  void ReleaseLate();

 private:
  struct Link {
    NodeIndex from = 0;
    NodeIndex to = 0;
    uint64_t arrived_us[2] = {0, 0};  // of the latest in each direction
    std::vector<Packet> waiting;      // for a cut to be mended
  };

  uint64_t LatencyUs(const Packet& packet);
  void Transmit(Packet packet, Link* link);
  void Arrive(Packet packet);
  // Through the codec's bytes, with a flipped bit or without; false if the receiver cannot read them.
  bool Recode(Packet* packet, Rate how);
  void WatchCut(kv::LinkId link);

  const Plan& plan_;
  Random random_;
  Scheduler* const scheduler_;
  Tally* const tally_;
  std::vector<Endpoint*> nodes_;
  std::map<kv::LinkId, Link> links_;
  kv::LinkId next_link_ = 1;
  std::set<std::pair<NodeIndex, NodeIndex>> cut_;
  std::map<std::pair<NodeIndex, NodeIndex>, uint64_t> slow_;
  std::vector<Packet> late_;
  std::array<uint64_t, kRates> candidates_ = {};  // messages that a rate could have struck
  bool healed_ = false;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_NETWORK_H_
