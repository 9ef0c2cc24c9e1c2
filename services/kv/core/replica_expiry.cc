// What has expired: turned into tombstones by the node that wrote it, by ordinary writes.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {

// Of the members that are about, whether this is the first by id. It does what one of them has to, so that
// they seldom do it side by side.
bool Replica::IsFirstAbout() const {
  return std::none_of(peers_.begin(), peers_.end(), [&](const Peer& peer) {
    return !peer.retired && peer.node_id < options_.node_id && IsAnswering(peer);
  });
}

// Whether this node turns into tombstones what a node of that id has written: its own, and what nobody else
// will, of a node that was removed.
bool Replica::ExpiresFor(const std::string& node_id) const {
  if (node_id == options_.node_id) return true;
  const MemberRecord* record = RecordOf(node_id);
  return record != nullptr && record->state == MemberState::kRemoved && IsFirstAbout();
}

// The index is in the order of the expiries, so what is due of a node lies together. Bounded in each group,
// so that a million values which expire at once hold up nothing.
void Replica::ExpireDue() {
  if (!life_decided_ || WriteRefusal() || now_ms_ < expiry_due_ms_) return;
  expiry_due_ms_ = now_ms_ + options_.expiry_ms;
  expiries_left_ = false;
  size_t room = options_.expiries_max;
  std::string position;
  while (room > 0) {
    const std::unique_ptr<Cursor> first = store_->Scan(Space::kExpiries, position, "");
    if (!first->Valid()) return;
    const absl::StatusOr<ExpiryKey> expiry = DecodeExpiryKey(first->key());
    if (!expiry.ok()) return Note(std::string(expiry.status().message()));
    position = ExpiryEnd(expiry->node_id);
    if (ExpiresFor(expiry->node_id)) room -= ExpireOf(expiry->node_id, room);
  }
  expiry_due_ms_ = now_ms_;
  expiries_left_ = true;
}

// Gives how many entries of the index were due, of at most so many. Each is a write of its own: one that is
// damaged holds up no other.
size_t Replica::ExpireOf(const std::string& node_id, size_t most) {
  std::vector<std::string> due;
  const auto cursor = store_->Scan(Space::kExpiries, EncodeExpiryKey(node_id, 0, ""),
                                   EncodeExpiryKey(node_id, unix_ms_ + 1, ""));
  for (; cursor->Valid() && due.size() < most; cursor->Next()) {
    absl::StatusOr<ExpiryKey> expiry = DecodeExpiryKey(cursor->key());
    if (expiry.ok()) due.push_back(std::move(expiry->key));
  }
  for (std::string& key : due) {
    const absl::StatusOr<const Version*> version = table_.Find(key);
    if (!version.ok() || *version == nullptr || !(*version)->IsExpired(unix_ms_)) continue;
    Proposal proposal;
    proposal.operations.push_back({std::move(key), std::nullopt, 0, true});
    (void)WriteNow(proposal);  // what cannot be read stays as it is, and is reported when it is read
  }
  return due.size();
}

}  // namespace lamppost::kv
