#include "services/kv/core/receiver.h"

#include <algorithm>

#include "services/common/mutation.h"

namespace lamppost::kv {

bool Receiver::Hears(LinkId link, const std::string& node_id) {
  LinkId& newest = newest_link_[node_id];
  if (link < newest) return false;
  newest = link;
  return true;
}

bool Receiver::IsCopy(LinkId link, const SyncMessage& message) const {
  const auto it = senders_.find(message.clock.origin.node_id);
  if (it == senders_.end() || message.progress == 0) return false;
  const Sender& sender = it->second;
  return sender.boot_id == message.boot_id && sender.link == link && message.sequence <= sender.sequence;
}

bool Receiver::Reaches(LinkId link, const Heads& heads, const SyncMessage& message) const {
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

void Receiver::Merged(LinkId link, const SyncMessage& message) {
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

void Receiver::LinkDown(LinkId link) {
  for (auto& [node_id, sender] : senders_) {
    if (sender.link == link) sender.under_way = false;
  }
}

Heads Receiver::ProgressOf(const std::string& node_id, uint64_t boot_id) const {
  const auto it = senders_.find(node_id);
  return it != senders_.end() && it->second.boot_id == boot_id ? it->second.reached : Heads();
}

Heads Receiver::PendingBesides(const std::string& node_id) const {
  Heads pending;
  for (const auto& [sender_id, sender] : senders_) {
    if (sender.under_way && sender_id != node_id) pending.RaiseAll(sender.to);
  }
  return pending;
}

}  // namespace lamppost::kv
