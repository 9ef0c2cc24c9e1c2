#include "tests/sim/faults.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "tests/sim/disk_faults.h"
#include "tests/sim/world.h"

namespace lamppost::sim {
namespace {

// ---- Drawing

NodeIndex AnyNode(const Plan& plan, Random* random) {
  return random->Below(plan.nodes);
}

void OneNode(Plan* plan, Strike* strike, Random* random) {
  strike->node = AnyNode(*plan, random);
  strike->for_ms = random->Pick({uint64_t{50}, uint64_t{300}, uint64_t{1500}, uint64_t{4000}});
  strike->amount = random->Below(kSteps);
}

// For a moment, so that what comes next finds room again, or for long.
void Full(Plan* plan, Strike* strike, Random* random) {
  OneNode(plan, strike, random);
  strike->for_ms = random->Pick({uint64_t{1}, uint64_t{5}, uint64_t{50}, uint64_t{4000}});
}

void BadDisk(Plan* plan, Strike* strike, Random* random) {
  OneNode(plan, strike, random);
  strike->node = random->Below(NodesWithBadDisks(plan->nodes));
}

void TwoNodes(Plan* plan, Strike* strike, Random* random) {
  strike->node = AnyNode(*plan, random);
  strike->other = (strike->node + 1 + random->Below(plan->nodes - 1)) % plan->nodes;
  strike->for_ms = random->Pick({uint64_t{300}, uint64_t{2000}, uint64_t{9000}});
  strike->amount = random->Pick({uint64_t{5}, uint64_t{50}, uint64_t{500}, uint64_t{3000}});
}

// Of a thousand messages so many are lost.
void Lossy(Plan* plan, Strike* strike, Random* random) {
  TwoNodes(plan, strike, random);
  strike->amount = random->Pick({uint64_t{50}, uint64_t{300}, uint64_t{300}, uint64_t{700}});
}

void Halves(Plan* plan, Strike* strike, Random* random) {
  TwoNodes(plan, strike, random);
  strike->amount = 1 + random->Below((uint64_t{1} << plan->nodes) - 2);  // who is on one side, as bits
}

void Leap(Plan* plan, Strike* strike, Random* random) {
  strike->node = AnyNode(*plan, random);
  strike->amount = random->Pick({uint64_t{100}, uint64_t{3000}, uint64_t{60000}, uint64_t{86400000}});
}

void Paused(Plan* plan, Strike* strike, Random* random) {
  OneNode(plan, strike, random);
  strike->for_ms = random->Pick({uint64_t{100}, uint64_t{1000}, uint64_t{5000}, uint64_t{10000}});
}

void OneClient(Plan* plan, Strike* strike, Random* random) {
  strike->amount = random->Below(plan->clients);
  strike->for_ms = random->Pick({uint64_t{10}, uint64_t{500}, uint64_t{3000}});
}

void Flooded(Plan* plan, Strike* strike, Random* random) {
  strike->node = AnyNode(*plan, random);
  plan->queued_writes_max = random->Pick({uint64_t{2}, uint64_t{8}, uint64_t{15}});
}

void Away(Plan* plan, Strike* strike, Random* random) {
  strike->node = AnyNode(*plan, random);
  strike->for_ms = random->Pick({uint64_t{5000}, uint64_t{20000}});
  plan->faults_end_ms = std::max(plan->faults_end_ms, strike->at_ms + strike->for_ms + 500);
}

void Restored(Plan* plan, Strike* strike, Random* random) {
  BadDisk(plan, strike, random);
  strike->amount =
      random->Pick({uint64_t{200}, uint64_t{1500}, uint64_t{3000}, uint64_t{5000}});  // the copy's age
}

// Forward and back, by little and by much.
void WallJump(Plan* plan, Strike* strike, Random* random) {
  strike->node = AnyNode(*plan, random);
  strike->amount = 2 * random->Pick({uint64_t{300}, uint64_t{5000}, uint64_t{3600000}, uint64_t{4} << 32}) +
                   random->Below(2);
}

void Joining(Plan* plan, Strike* strike, Random* random) {
  plan->spares = 1;
  strike->node = AnyNode(*plan, random);
  strike->other = plan->nodes;
  strike->for_ms = random->Pick({uint64_t{1}, uint64_t{500}, uint64_t{3000}});
  strike->amount = random->Below(2);
}

// A minority, as for what else takes a disk with it.
void Leaving(Plan* plan, Strike* strike, Random* random) {
  BadDisk(plan, strike, random);
  strike->other = (strike->node + 1 + random->Below(plan->nodes - 1)) % plan->nodes;
  strike->for_ms = random->Pick({uint64_t{300}, uint64_t{1000}, uint64_t{3000}});
}

// ---- Striking

bool Kill(World* world, const Strike& strike) {
  if (!world->node(strike.node)->IsUp()) return false;
  world->Struck(strike.fault);
  world->Tell(absl::StrCat("kill ", NodeId(strike.node)));
  world->Kill(strike.node, Loss::kProcess, strike.for_ms);
  return true;
}

bool LosePower(World* world, const Strike& strike) {
  if (!world->node(strike.node)->IsUp() || world->node(strike.node)->disk()->unflushed() == 0) return false;
  world->Struck(strike.fault);
  world->Tell(absl::StrCat("power of ", NodeId(strike.node), " is lost"));
  world->Kill(strike.node, Loss::kPower, strike.for_ms);
  return true;
}

// All at once, as when the power of the building fails; they come back one after the other.
bool BlackOut(World* world, const Strike& strike) {
  world->Struck(strike.fault);
  world->Tell("all nodes lose their power");
  for (NodeIndex node = 0; node < world->plan().nodes; ++node) {
    if (world->node(node)->IsUp())
      world->Kill(node, Loss::kPower, strike.for_ms * (1 + (node + strike.amount) % 3));
  }
  return true;
}

bool Arm(World* world, const Strike& strike, Step step, Loss loss) {
  Node* node = world->node(strike.node);
  if (!node->IsUp() || node->IsPaused() || node->IsTrapped()) return false;
  world->WillStop(strike.node, strike.fault, strike.for_ms);
  node->DieAt(step, loss);
  world->Busy(strike.node);
  return true;
}

bool DieInCommit(World* world, const Strike& strike) {
  return Arm(world, strike, static_cast<Step>(strike.amount % kSteps), Loss::kProcess);
}

bool TearLog(World* world, const Strike& strike) {
  return Arm(world, strike, Step::kBeforeSync, Loss::kPower);
}

bool Stop(World* world, const Strike& strike) {
  Node* node = world->node(strike.node);
  if (!node->IsUp() || node->IsPaused() || node->IsTrapped()) return false;
  world->WillStop(strike.node, strike.fault, strike.for_ms);
  node->Stop();
  return true;
}

bool Pause(World* world, const Strike& strike) {
  Node* node = world->node(strike.node);
  if (!node->IsUp() || node->IsPaused() || node->IsTrapped()) return false;
  world->Struck(strike.fault);
  world->Tell(absl::StrCat("pause ", NodeId(strike.node)));
  node->Pause();
  world->scheduler()->AfterMs(strike.for_ms, [node] { node->Resume(); });
  return true;
}

void CutFor(World* world, const Strike& strike, NodeIndex from, NodeIndex to) {
  world->network()->Cut(from, to);
  world->scheduler()->AfterMs(strike.for_ms, [world, from, to] { world->network()->Mend(from, to); });
}

bool CutOneWay(World* world, const Strike& strike) {
  world->Struck(strike.fault);
  world->Tell(absl::StrCat("cut ", NodeId(strike.node), "->", NodeId(strike.other)));
  CutFor(world, strike, strike.node, strike.other);
  return true;
}

// Those whose bits are set from the others.
bool Part(World* world, const Strike& strike, uint64_t side) {
  world->Struck(strike.fault);
  for (NodeIndex a = 0; a < world->plan().nodes; ++a) {
    for (NodeIndex b = 0; b < world->plan().nodes; ++b) {
      if (((side >> a) & 1) != ((side >> b) & 1)) CutFor(world, strike, a, b);
    }
  }
  return true;
}

bool Split(World* world, const Strike& strike) {
  world->Tell(absl::StrCat("the cluster is split by ", strike.amount));
  return Part(world, strike, strike.amount);
}

bool Isolate(World* world, const Strike& strike) {
  world->Tell(absl::StrCat(NodeId(strike.node), " is cut off"));
  return Part(world, strike, uint64_t{1} << strike.node);
}

bool SlowLink(World* world, const Strike& strike) {
  world->Struck(strike.fault);
  world->network()->Slow(strike.node, strike.other, strike.amount);
  world->scheduler()->AfterMs(strike.for_ms,
                              [world, strike] { world->network()->Slow(strike.node, strike.other, 0); });
  return true;
}

// As many as it loses it gives a second copy and a later arrival. Counted message by message.
bool LossyLink(World* world, const Strike& strike) {
  kv::LinkFault chances;
  chances.drop = chances.duplicate = chances.reorder =
      static_cast<double>(std::min<uint64_t>(strike.amount, 1000)) / 1000;
  world->Tell(absl::StrCat(NodeId(strike.node), "->", NodeId(strike.other), " loses ", strike.amount,
                           " of a thousand messages"));
  world->network()->Spoil(strike.node, strike.other, chances);
  world->scheduler()->AfterMs(strike.for_ms,
                              [world, strike] { world->network()->Spoil(strike.node, strike.other, {}); });
  return true;
}

bool LeapClock(World* world, const Strike& strike) {
  world->Struck(strike.fault);
  world->node(strike.node)->LeapTime(strike.amount);
  return true;
}

bool JumpWall(World* world, const Strike& strike) {
  const auto by_ms = static_cast<int64_t>(strike.amount / 2);
  world->Struck(strike.fault);
  world->Tell(absl::StrCat("the wall clock of ", NodeId(strike.node), " jumps ",
                           strike.amount % 2 == 0 ? "forward" : "back", " by ", by_ms, " ms"));
  world->node(strike.node)->JumpWall(strike.amount % 2 == 0 ? by_ms : -by_ms);
  return true;
}

// Who is asked to change the members: the one that was drawn, unless it was removed itself.
NodeIndex Coordinator(World* world, NodeIndex drawn, NodeIndex about) {
  const Node& node = *world->node(drawn);
  return node.IsUp() && !node.replica().state().removed ? drawn : world->MemberBeside(about);
}

// The new node is there before it is added, or comes when it has been.
bool Join(World* world, const Strike& strike) {
  if (!world->node(strike.node)->IsServing()) return false;
  const uint64_t comes_ms = strike.amount == 0 ? 0 : 2 * strike.for_ms;
  world->StartAfter(strike.other, comes_ms);
  world->scheduler()->AfterMs(strike.for_ms, [world, strike] {
    if (world->IsHealed()) return;
    world->ChangeMembers(Coordinator(world, strike.node, strike.other), strike.other, Node::Change::kAdd,
                         strike.fault);
  });
  return true;
}

// A node is away and is removed; it comes back as it was, to be refused; then with an empty disk, and is
// added again, if there is time. At the end of the faults that is done in any case.
bool Leave(World* world, const Strike& strike) {
  Node* const asked = world->node(Coordinator(world, strike.other, strike.node));
  if (!world->node(strike.node)->IsUp() || !asked->IsServing() || !asked->HasMember(strike.node))
    return false;
  world->Kill(strike.node, Loss::kProcess, 2 * strike.for_ms);
  world->scheduler()->AfterMs(strike.for_ms, [world, strike] {
    if (world->IsHealed()) return;
    world->ChangeMembers(Coordinator(world, strike.other, strike.node), strike.node, Node::Change::kRemove,
                         strike.fault);
  });
  world->scheduler()->AfterMs(4 * strike.for_ms, [world, strike] {
    Node* const present = world->node(world->MemberBeside(strike.node));
    if (world->IsHealed() || present->HasMember(strike.node)) return;
    world->Tell(absl::StrCat("the disk of ", NodeId(strike.node), " is emptied"));
    world->ExchangeDisk(strike.node, std::make_unique<Disk>(), 100);
    present->ChangeMembers(strike.node, Node::Change::kAdd);
  });
  return true;
}

bool WarpClock(World* world, const Strike& strike) {
  world->Struck(strike.fault);
  world->node(strike.node)->RunTimeAt(strike.amount % 2 == 0 ? 40 : 250);
  world->scheduler()->AfterMs(strike.for_ms, [world, strike] { world->node(strike.node)->RunTimeAt(100); });
  return true;
}

bool CrashClient(World* world, const Strike& strike) {
  Errand errand;
  errand.client = strike.amount % world->plan().clients;
  errand.node = errand.client % world->plan().nodes;
  errand.keys = {strike.at_ms % 5};
  errand.named = true;
  Client* const client = world->client(errand.client);
  client->Take(errand);  // so that it has something under way
  world->Struck(strike.fault);
  world->Tell(absl::StrCat("client ", errand.client, " crashes"));
  client->Crash(strike.for_ms);
  return true;
}

// Counted when a write is turned away.
bool Flood(World* world, const Strike& strike) {
  if (!world->node(strike.node)->IsUp()) return false;
  world->node(strike.node)->SlowDisk(300000);
  world->scheduler()->AfterMs(400, [world, strike] { world->node(strike.node)->SlowDisk(0); });
  for (ClientIndex i = 0; i < World::kFlooders; ++i) {
    Errand errand;
    errand.client = world->plan().clients + i;
    errand.node = strike.node;
    errand.keys = {i % 7};
    world->client(errand.client)->Take(errand);
  }
  return true;
}

// Counted when it is refused.
bool Forge(World* world, const Strike& strike) {
  if (!world->node(strike.node)->IsUp()) return false;
  Request request;
  request.client = UINT64_MAX;
  request.clock = (uint64_t{1} << 50) + strike.amount;
  request.keys = {"k0"};
  world->Deliver(strike.node, std::move(request));
  return true;
}

// Counted when it comes back and something has been deleted meanwhile.
bool Absent(World* world, const Strike& strike) {
  for (NodeIndex node = 0; node < world->plan().nodes; ++node) {
    if (!world->node(node)->IsUp()) return false;
  }
  world->Tell(absl::StrCat(NodeId(strike.node), " is away for ", strike.for_ms, " ms"));
  world->Kill(strike.node, Loss::kProcess, strike.for_ms);
  const uint64_t deletes = world->acknowledged_deletes();
  DeleteElsewhere(world, strike.node, strike.for_ms);
  world->scheduler()->AfterMs(strike.for_ms, [world, strike, deletes] {
    if (world->acknowledged_deletes() > deletes) world->Struck(strike.fault);
  });
  return true;
}

}  // namespace

size_t NodesWithBadDisks(size_t nodes) {
  return std::max<size_t>(1, (nodes - 1) / 2);
}

// Takes the operator and the nodes that long.
constexpr uint64_t kLongMs = 5000;

const std::vector<Fault>& Faults() {
  static const auto* const kFaults = new std::vector<Fault>{
      {"slow-link", "F4", 25, TwoNodes, SlowLink},
      {"cut", "F5", 25, TwoNodes, CutOneWay},
      {"split", "F5", 35, Halves, Split},
      {"isolate", "F5", 35, TwoNodes, Isolate},
      {"kill", "F7", 35, OneNode, Kill},
      {"die-in-commit", "F7", 40, OneNode, DieInCommit},
      {"stop", "F7", 25, OneNode, Stop},
      {"torn-log", "F8", 20, OneNode, TearLog},
      {"power-loss", "F9", 40, OneNode, LosePower},
      {"blackout", "F9", 15, OneNode, BlackOut},
      {"fsync-fails", "F10", 15, OneNode, FailSync},
      {"write-fails", "F10", 15, OneNode, FailWrite},
      {"disk-full", "F10", 25, Full, FillDisk},
      {"slow-disk", "F4", 15, OneNode, SlowDisk},
      {"damage", "F11", 12, BadDisk, Damage},
      {"rot", "F11", 8, BadDisk, Rot, kLongMs},
      {"pause", "F12", 25, Paused, Pause},
      {"clock-leap", "F13", 12, Leap, LeapClock},
      {"clock-warp", "F13", 12, OneNode, WarpClock},
      {"wall-jump", "F13", 20, WallJump, JumpWall},
      {"flood", "F14", 10, Flooded, Flood},
      {"absence", "F15", 10, Away, Absent},
      {"wipe", "F16", 12, BadDisk, Wipe},
      {"restore", "F16", 15, Restored, Restore},
      {"client-crash", "F18", 20, OneClient, CrashClient},
      {"forge", "I15", 10, OneNode, Forge},
      {"member-add", "members", 15, Joining, Join, kLongMs},
      {"member-remove", "members", 12, Leaving, Leave, kLongMs},
      {"lossy-link", "F1", 25, Lossy, LossyLink},
  };
  return *kFaults;
}

const Fault* FindFault(const std::string& name) {
  for (const Fault& fault : Faults()) {
    if (name == fault.name) return &fault;
  }
  return nullptr;
}

}  // namespace lamppost::sim
