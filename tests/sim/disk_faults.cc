#include "tests/sim/disk_faults.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/testing/store_audit.h"
#include "tests/sim/world.h"

namespace lamppost::sim {
namespace {

bool FailDisk(World* world, const Strike& strike, Disk::Failure failure) {
  Node* node = world->node(strike.node);
  if (!node->IsUp() || node->IsPaused() || node->IsTrapped()) return false;
  world->WillStop(strike.node, strike.fault, strike.for_ms);
  node->disk()->FailNext(failure);
  world->Busy(strike.node);
  return true;
}

}  // namespace

bool FailSync(World* world, const Strike& strike) {
  return FailDisk(world, strike, Disk::Failure::kWritten);
}

bool FailWrite(World* world, const Strike& strike) {
  return FailDisk(world, strike, Disk::Failure::kNotWritten);
}

bool FillDisk(World* world, const Strike& strike) {
  if (!world->node(strike.node)->IsUp()) return false;
  world->Struck(strike.fault);
  world->Tell(absl::StrCat("the disk of ", NodeId(strike.node), " is full"));
  world->node(strike.node)
      ->SetDiskFull(MakeRetryableError(absl::StatusCode::kResourceExhausted, "DISK_FULL", "no room", 1000));
  world->scheduler()->AfterMs(strike.for_ms,
                              [world, strike] { world->node(strike.node)->SetDiskFull(std::nullopt); });
  return true;
}

bool SlowDisk(World* world, const Strike& strike) {
  world->Struck(strike.fault);
  world->node(strike.node)->SlowDisk(1000 * (20 + strike.for_ms / 10));
  world->scheduler()->AfterMs(strike.for_ms, [world, strike] { world->node(strike.node)->SlowDisk(0); });
  return true;
}

bool Damage(World* world, const Strike& strike) {
  const kv::Space spaces[] = {kv::Space::kData, kv::Space::kData, kv::Space::kIndex, kv::Space::kMeta};
  if (!world->node(strike.node)->disk()->DamageOne(spaces[strike.amount % 4], world->random())) return false;
  world->Tell(absl::StrCat("a record on the disk of ", NodeId(strike.node), " is damaged"));
  world->Struck(strike.fault);
  return true;
}

bool Wipe(World* world, const Strike& strike) {
  world->Struck(strike.fault);
  world->Tell(absl::StrCat("the disk of ", NodeId(strike.node), " is empty"));
  world->ExchangeDisk(strike.node, std::make_unique<Disk>(), strike.for_ms);
  return true;
}

// Keys are deleted at other nodes than this one, some now and some later.
void DeleteElsewhere(World* world, NodeIndex node, uint64_t for_ms) {
  for (ClientIndex i = 0; i < 5; ++i) {
    world->scheduler()->AfterMs(for_ms * (i + 1) / 7, [world, node, i] {
      Errand errand;
      errand.act = Act::kDelete;
      errand.client = world->plan().clients + i;
      errand.node = (node + 1 + i % (world->plan().nodes - 1)) % world->plan().nodes;
      errand.keys = {i};
      errand.named = true;
      world->client(errand.client)->Take(errand);
    });
  }
}

// Whether the node, with the copy, would not know of a member that it has now, and nobody it knows would
// tell.
bool ForgetsAMember(World* world, NodeIndex node, const Disk& copy) {
  const NodeIndex first_spare = world->plan().nodes;
  for (NodeIndex spare = first_spare; spare < first_spare + world->plan().spares; ++spare) {
    if (spare == node || RecordsMember(copy, spare) || !RecordsMember(*world->node(node)->disk(), spare))
      continue;
    bool is_told = false;
    for (NodeIndex other = 0; other < first_spare; ++other) {
      is_told |= other != node && RecordsMember(*world->node(other)->disk(), spare);
    }
    if (!is_told) return true;
  }
  return false;
}

// The copy is made now, as a snapshot of the volume, and put back when it is old enough; unless the disk has
// been exchanged meanwhile: then the copy is of another branch of the node's life; or unless a member has
// been added meanwhile that nobody else knows of (docs/testing.md, what is not covered).
bool Restore(World* world, const Strike& strike) {
  const uint64_t exchanges = world->DiskExchanges(strike.node);
  const std::shared_ptr<Disk> copy = world->node(strike.node)->disk()->DurableCopy();
  DeleteElsewhere(world, strike.node, strike.amount / 2);
  world->scheduler()->AfterMs(strike.amount, [world, strike, copy, exchanges] {
    if (world->IsHealed() || world->DiskExchanges(strike.node) != exchanges) return;
    world->Struck(strike.fault);
    if (ForgetsAMember(world, strike.node, *copy)) return;
    world->Tell(absl::StrCat("the disk of ", NodeId(strike.node), " is ", strike.amount, " ms old"));
    world->ExchangeDisk(strike.node, copy->Copy(), strike.for_ms);
  });
  return true;
}

// One of its versions, of which all others have at least as high a one, is not there any more, and nothing
// tells.
bool Rot(World* world, const Strike& strike) {
  if (!world->node(strike.node)->IsUp()) return false;
  for (NodeIndex node = 0; node < world->plan().nodes; ++node) {
    if (!world->node(node)->disk()->IsDamaged()) continue;
    world->Struck(strike.fault);  // disks are failing already, and are not all to fail
    return true;
  }
  const auto all_others_hold = [&](const std::string& key, const Timestamp& at_least) {
    for (NodeIndex other = 0; other < world->plan().nodes; ++other) {
      if (other == strike.node) continue;
      const auto& held = world->facts()->DurablyHeldBy(other);
      const auto it = held.find(key);
      if (it == held.end() || it->second < at_least) return false;
    }
    return true;
  };
  std::unique_ptr<Disk> copy = world->node(strike.node)->disk()->DurableCopy();
  for (const auto& [key, version] : kv::testing::Dump(*copy, kv::testing::Tombstones::kLeftOut)) {
    if (kv::IsSystemKey(key) || !all_others_hold(key, version.timestamp)) continue;
    copy->LoseVersion(key);
    world->Struck(strike.fault);
    world->Tell(absl::StrCat("the disk of ", NodeId(strike.node), " has lost ", key));
    world->ExchangeDisk(strike.node, std::move(copy), strike.for_ms);
    world->facts()->NoteRot(key);
    return true;
  }
  world->Busy(strike.node);  // so that there will be one
  if (world->scheduler()->now_ms() < world->plan().faults_end_ms) return false;
  world->Struck(strike.fault);  // all that others have as well has been deleted, to the end
  return true;
}

}  // namespace lamppost::sim
