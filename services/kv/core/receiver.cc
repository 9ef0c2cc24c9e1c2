#include "services/kv/core/receiver.h"

#include <algorithm>

#include "services/common/mutation.h"

namespace lamppost::kv {
namespace {

// How long the sender of a full Sync is waited for: while its link is up, and after that.
constexpr uint64_t kHeldLinkedMs = 10000;
constexpr uint64_t kHeldUnlinkedMs = 2000;

}  // namespace

Receiver::Hearing Receiver::Hears(LinkId link, const std::string& node_id, uint64_t boot_id) {
  Newest& newest = newest_[node_id];
  if (link < newest.link && boot_id == newest.boot_id) return Hearing::kOlderLink;
  if (link < newest.link && newest.is_up) return Hearing::kOtherProcess;
  newest = {link, boot_id, true};
  return Hearing::kHeard;
}

void Receiver::KeepsOut(const std::string& node_id, uint64_t boot_id) {
  const auto it = newest_.find(node_id);
  if (it != newest_.end() && it->second.boot_id == boot_id) it->second.is_up = false;
}

bool Receiver::IsCopy(LinkId link, const SyncMessage& message) const {
  const auto it = senders_.find(message.clock.origin.node_id);
  if (it == senders_.end() || (message.progress == 0 && !message.full)) return false;
  const Sender& sender = it->second;
  return sender.boot_id == message.boot_id && sender.link == link && message.sequence <= sender.sequence;
}

bool Receiver::Reaches(LinkId link, const Heads& heads, const SyncMessage& message) const {
  if (message.full) return ReachesFull(link, message);
  const auto it = senders_.find(message.clock.origin.node_id);
  if (message.after > 0 && !LAMPPOST_MUTATION(kPartMissing)) {
    return it != senders_.end() && it->second.boot_id == message.boot_id && it->second.link == link &&
           it->second.sequence == message.after;
  }
  if (message.from.IsCoveredBy(heads)) return true;
  if (it == senders_.end() || message.progress == 0) return false;
  const Sender& sender = it->second;
  // A message from an older snapshot than the progress cannot build on it: what it lacks may have been
  // replaced, in between, by something that is still to come.
  if (sender.boot_id != message.boot_id || !sender.to.IsCoveredBy(message.to)) return false;
  Heads reached = heads;
  reached.RaiseAll(sender.reached);
  return message.from.IsCoveredBy(reached);
}

// A chunk follows the one before it on its link. The first on a link begins a course, or goes on with one of
// the same process where it broke off.
bool Receiver::ReachesFull(LinkId link, const SyncMessage& message) const {
  if (message.after == 0 && message.full->start.empty()) return true;
  if (!full_ || full_->node_id != message.clock.origin.node_id || full_->boot_id != message.boot_id)
    return false;
  if (full_->to != message.to || full_->reached < message.full->start) return false;
  return message.after == 0 || (full_->link == link && full_->sequence == message.after);
}

void Receiver::MergedFull(LinkId link, const SyncMessage& message, uint64_t now_ms) {
  const std::string& node_id = message.clock.origin.node_id;
  Sender& sender = senders_[node_id];
  sender = Sender();
  sender.boot_id = message.boot_id;
  sender.link = link;
  sender.sequence = message.sequence;
  if (message.last) {
    full_.reset();
    return;
  }
  const bool goes_on = full_ && full_->node_id == node_id && !message.full->start.empty();
  if (!goes_on) full_.emplace();
  full_->node_id = node_id;
  full_->boot_id = message.boot_id;
  full_->link = link;
  full_->is_linked = true;
  full_->sequence = message.sequence;
  full_->to = message.to;
  full_->reached = std::max(full_->reached, message.full->end);
  full_->held_until_ms = now_ms + kHeldLinkedMs;
}

bool Receiver::IsBusyFor(const std::string& node_id, uint64_t now_ms) const {
  return full_ && full_->node_id != node_id && now_ms < full_->held_until_ms;
}

void Receiver::Merged(LinkId link, const SyncMessage& message, uint64_t now_ms) {
  if (message.full) return MergedFull(link, message, now_ms);
  full_.reset();
  if (message.repair_buckets != 0) return;
  Sender& sender = senders_[message.clock.origin.node_id];
  if (sender.boot_id != message.boot_id) {
    sender = Sender();
    sender.boot_id = message.boot_id;
  }
  if (message.last && message.progress == 0) {
    // Live traffic: the sender has done with its catch-up, and if the end of it has not come, it will not.
    if (sender.link == link) sender.under_way = false;
    return;
  }
  sender.link = link;
  sender.sequence = message.sequence;
  sender.under_way = !message.last;
  if (message.last) {
    sender.to = sender.reached = Heads();
    return;
  }
  sender.to.RaiseAll(message.to);
  for (const auto& [origin, counter] : message.to) {
    sender.reached.Raise(origin, std::min(counter, message.progress));
  }
}

void Receiver::LinkDown(LinkId link, uint64_t now_ms) {
  if (full_ && full_->link == link) {
    full_->is_linked = false;
    full_->held_until_ms = std::min(full_->held_until_ms, now_ms + kHeldUnlinkedMs);
  }
  for (auto& [node_id, sender] : senders_) {
    if (sender.link == link) sender.under_way = false;
  }
  for (auto& [node_id, newest] : newest_) newest.is_up &= newest.link != link;
}

Heads Receiver::ProgressOf(const std::string& node_id, uint64_t boot_id) const {
  const auto it = senders_.find(node_id);
  return it != senders_.end() && it->second.boot_id == boot_id ? it->second.reached : Heads();
}

Heads Receiver::PendingBesides(const std::string& node_id) const {
  Heads pending;
  if (full_ && full_->is_linked && full_->node_id != node_id) pending = full_->to;
  for (const auto& [sender_id, sender] : senders_) {
    if (sender.under_way && sender_id != node_id) pending.RaiseAll(sender.to);
  }
  return pending;
}

}  // namespace lamppost::kv
