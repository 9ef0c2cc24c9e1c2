// What is stable, who holds it up, and dropping the tombstones that nobody needs any more.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/mutation.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {
namespace {

// Tombstones that one group looks at.
constexpr size_t kSweptMax = 1000;

}  // namespace

std::vector<Replica::Standing> Replica::Standings() const {
  std::vector<Standing> members = {{options_.node_id, "", true, &durable_heads_}};
  for (const Peer& peer : peers_) {
    if (peer.retired) continue;
    if (LAMPPOST_MUTATION(kStableWithoutAbsent) && !peer.IsLinked()) continue;
    members.push_back({peer.node_id, peer.address, peer.answered, &peer.durable_heads});
  }
  return members;
}

// Visits each origin that may still bring what a member lacks, with the least head of any member. A life is
// finished once all members have the same of it, and each knows a newer life of that node or the node is no
// member any more, as all know: then nobody can bring more of it.
template <typename Visit>
void Replica::VisitUnfinished(const std::vector<Standing>& members, Visit visit) const {
  Heads all;
  for (const Standing& member : members) all.RaiseAll(*member.heads);
  const std::string* node_id = nullptr;
  uint64_t known_everywhere = 0;  // of that node: every member knows this life or a newer one
  for (const auto& [origin, greatest] : all) {
    if (node_id == nullptr || *node_id != origin.node_id) {
      node_id = &origin.node_id;
      const bool is_member = std::any_of(members.begin(), members.end(),
                                         [&](const Standing& member) { return member.node_id == *node_id; });
      known_everywhere = is_member || IsGoneFor(*node_id, members) ? UINT64_MAX : 0;
      for (const Standing& member : members) {
        if (is_member)
          known_everywhere = std::min(known_everywhere, member.heads->NewestIncarnation(*node_id));
      }
    }
    uint64_t least = UINT64_MAX;
    for (const Standing& member : members) least = std::min(least, member.heads->At(origin));
    const bool is_finished = least == greatest && origin.incarnation < known_everywhere;
    if (!is_finished) visit(origin, least);
  }
}

uint64_t Replica::Stable() const {
  const std::vector<Standing> members = Standings();
  for (const Standing& member : members) {
    if (!member.answered) return 0;
    const bool has_life = std::any_of(members.begin(), members.end(), [&](const Standing& other) {
      return other.heads->NewestIncarnation(member.node_id) != 0;
    });
    if (!has_life) return 0;
  }
  uint64_t stable = UINT64_MAX;
  VisitUnfinished(members, [&](const Origin&, uint64_t least) { stable = std::min(stable, least); });
  return stable == UINT64_MAX ? 0 : stable;
}

std::vector<StableHold> Replica::StableHeldBy() const {
  std::vector<StableHold> holds;
  const std::vector<Standing> members = Standings();
  for (const Standing& member : members) {
    if (!member.answered)
      holds.push_back({member.node_id, member.address, "has not answered since this node started"});
    else if (member.heads->empty())
      holds.push_back({member.node_id, member.address, "has nothing on stable storage yet"});
  }
  const uint64_t stable = Stable();
  if (!holds.empty() || members.size() == 1 || stable >= state_.max_write) return holds;
  VisitUnfinished(members, [&](const Origin& origin, uint64_t least) {
    if (least != stable) return;
    // Where all have the same, it is for the origin itself to let its head rise.
    const bool all_alike = std::all_of(members.begin(), members.end(), [&](const Standing& member) {
      return member.heads->At(origin) == least;
    });
    for (const Standing& member : members) {
      if (all_alike && member.node_id != origin.node_id) continue;
      const bool named = std::any_of(holds.begin(), holds.end(),
                                     [&](const StableHold& hold) { return hold.node_id == member.node_id; });
      if (member.heads->At(origin) != least || named) continue;
      holds.push_back({member.node_id, member.address,
                       absl::StrCat("has ", ToString(origin), " up to ", least, " only")});
    }
  });
  return holds;
}

// A tombstone that has come late lies below what was swept.
void Replica::NoteTombstone(const Version& version) {
  if (!version.IsTombstone()) return;
  sweep_from_ = std::min(sweep_from_, version.timestamp.counter);
  sweep_left_ = std::min(sweep_left_, version.timestamp.counter);
}

// True if the tombstone is gone. One that this node's heads do not cover is part of a Sync that has not come
// to its end: it stays. So does one that is not on stable storage here: of a life that nobody has anything of
// there, Stable() knows nothing.
bool Replica::ForgetOne(const TombstoneKey& tombstone) {
  const absl::StatusOr<std::optional<Timestamp>> held = table_.TimestampOf(tombstone.key);
  if (!held.ok() || !*held || (*held)->counter != tombstone.counter || !state_.heads.Covers(**held))
    return false;
  if (!durable_heads_.Covers(**held)) return false;
  if (!table_.Drop(tombstone.key).ok()) return false;
  state_.forgotten.Raise((*held)->origin, (*held)->counter);
  state_changed_ = true;
  return true;
}

// Drops what is stable, a bounded number in each group. Nothing is looked at as long as nothing more is
// stable.
void Replica::Forget() {
  if (!life_decided_ || write_refusal_ || state_.refilling) return;
  if (sweep_position_.empty()) {
    if (now_ms_ < sweep_due_ms_) return;
    sweep_due_ms_ = now_ms_ + options_.heartbeat_ms;
    const uint64_t stable = LAMPPOST_MUTATION(kForgotByAge) ? clock_->now() : Stable();
    if (stable <= swept_ && sweep_from_ > swept_) return;
    swept_ = stable;
    sweep_position_ = EncodeTombstoneKey(std::min(sweep_from_, stable), "");
    sweep_left_ = stable + 1;
  }
  const auto cursor = store_->Scan(Space::kTombstones, sweep_position_, EncodeTombstoneKey(swept_ + 1, ""));
  for (size_t looked_at = 0; cursor->Valid(); cursor->Next(), ++looked_at) {
    if (looked_at == kSweptMax) {
      sweep_position_ = std::string(cursor->key());
      return;
    }
    const absl::StatusOr<TombstoneKey> tombstone = DecodeTombstoneKey(cursor->key());
    if (!tombstone.ok()) break;
    if (!ForgetOne(*tombstone)) sweep_left_ = std::min(sweep_left_, tombstone->counter);
  }
  sweep_position_.clear();
  sweep_from_ = sweep_left_;
}

}  // namespace lamppost::kv
