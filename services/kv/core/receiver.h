// What a replica knows of the links that its peers have opened to it: the receiving half.
//
// A plain record; not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_RECEIVER_H_
#define LAMPPOST_SERVICES_KV_CORE_RECEIVER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "services/kv/core/heads.h"
#include "services/kv/core/messages.h"

namespace lamppost::kv {

// A full Sync that has begun and not ended. What lies below `reached` is as it was at the sender when its
// heads were `to` or later.
struct IncomingFull {
  std::string node_id;
  uint64_t boot_id = 0;
  LinkId link = 0;
  bool is_linked = true;
  uint64_t sequence = 0;  // of its latest chunk
  Heads to;
  std::string reached;
  uint64_t held_until_ms = 0;  // nobody else gets in before
};

class Receiver {
 public:
  // A member's process speaks on the link. Not heard if that node has since spoken on a newer link, and that
  // one is up or the same process's: what still comes on the older link is from before, perhaps from an
  // earlier process on another disk, and the answers that the sender has had on the newer link do not take it
  // into account. Or there are two processes of one node id; the other one is heard again when this one is
  // gone.
  enum class Hearing { kHeard, kOlderLink, kOtherProcess };
  Hearing Hears(LinkId link, const std::string& node_id, uint64_t boot_id);
  // That process of the node is not let in any more.
  void KeepsOut(const std::string& node_id, uint64_t boot_id);

  // Whether the message has been merged before: it is a copy, and says nothing new.
  bool IsCopy(LinkId link, const SyncMessage& message) const;

  // Whether what the message builds on is here: by the heads, or by what the same process of the
  // sender has sent in an earlier part of its catch-up. Of a catch-up every message must follow the one
  // before it: once its `from` has come to its `to`, only that tells whether one is missing, and what
  // lies above `to` may be what has replaced something below.
  bool Reaches(LinkId link, const Heads& heads, const SyncMessage& message) const;

  // The message has been merged (it becomes durable with the group). Of a full Sync, this or another
  // sender's, nothing but the next chunk may follow: after anything else it cannot be gone on with.
  void Merged(LinkId link, const SyncMessage& message, uint64_t now_ms);

  // Whether another member is giving this node everything. It is waited for as long as its link is up and its
  // chunks come, and a moment longer.
  bool IsBusyFor(const std::string& node_id, uint64_t now_ms) const;

  void LinkDown(LinkId link, uint64_t now_ms);

  // What the sender with this node id has sent by a catch-up that is not complete; for its answers.
  Heads ProgressOf(const std::string& node_id, uint64_t boot_id) const;
  // Where the catch-ups under way, other than by this sender, will lead.
  Heads PendingBesides(const std::string& node_id) const;

 private:
  struct Sender {
    uint64_t boot_id = 0;
    LinkId link = 0;
    bool under_way = false;  // a catch-up has begun on the link and its last message has not come
    uint64_t sequence = 0;   // of the latest message of a catch-up that has been merged from the link
    Heads to;                // of the newest snapshot that the catch-up came from
    Heads reached;           // everything up to here that was live in that snapshot has been merged
  };
  bool ReachesFull(LinkId link, const SyncMessage& message) const;
  void MergedFull(LinkId link, const SyncMessage& message, uint64_t now_ms);

  // The newest link that a node has spoken on.
  struct Newest {
    LinkId link = 0;
    uint64_t boot_id = 0;
    bool is_up = true;
  };

  std::optional<IncomingFull> full_;
  std::map<std::string, Sender> senders_;  // by node id
  std::map<std::string, Newest> newest_;   // by node id
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_RECEIVER_H_
