// What a client may ask of a write beyond its being done here: that other members hold it before it is
// answered, and that it is ordered after what the client has seen.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {
namespace {

// Lives that only sessions have told of and that writes may have seen, all together: anybody can make some
// up, and records and messages must not grow with them.
constexpr size_t kSessionLivesMax = 64;

absl::Status Pending(const WriteResult& result, size_t wanted, absl::string_view why) {
  absl::Status status = MakeError(
      absl::StatusCode::kDeadlineExceeded, "REPLICAS_PENDING",
      absl::StrCat(why, ": ", result.replicas, " of ", wanted,
                   " members are known to hold the write on stable storage; the write stands, and spreads"));
  status = WithMetadata(std::move(status), "have", absl::StrCat(result.replicas));
  status = WithMetadata(std::move(status), "wanted", absl::StrCat(wanted));
  const Timestamp& version = result.version;
  return WithMetadata(
      std::move(status), "version",
      absl::StrCat(version.counter, "/", version.origin.node_id, "/", version.origin.incarnation));
}

}  // namespace

// Output leaves after its batch is committed, so if that makes it stable the present heads count already.
const Heads& Replica::DurableAfterCommit() const {
  return options_.stability == Stability::kAtEachCommit ? state_.heads : durable_heads_;
}

size_t Replica::MembersHolding(const Timestamp& version) const {
  size_t members = DurableAfterCommit().Covers(version) ? 1 : 0;
  for (const Peer& peer : peers_) {
    if (peer.retired) continue;
    const Heads& heads = LAMPPOST_MUTATION(kReplicasNotDurable) ? peer.heads : peer.durable_heads;
    if (heads.Covers(version)) ++members;
  }
  return members;
}

absl::Status Replica::CheckReplicas(const Proposal& proposal) const {
  const size_t members = member_count();
  if (proposal.replicas > members) {
    return MakeError(absl::StatusCode::kInvalidArgument, "REPLICAS_TOO_MANY",
                     absl::StrCat(proposal.replicas, " replicas are asked for, and there are ", members,
                                  members == 1 ? " member" : " members"));
  }
  if (proposal.replicas > 1 && held_replies_.size() >= options_.held_replies_max) {
    return MakeRetryableError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                              "too many writes wait for other members", 200);
  }
  return absl::OkStatus();
}

void Replica::ReplyWhenHeld(const Proposal& proposal, absl::StatusOr<WriteResult> result) {
  const bool waits = result.ok() && proposal.replicas > 1 && !LAMPPOST_MUTATION(kReplicasIgnored);
  if (waits) {
    held_replies_.push_back({proposal.id, *std::move(result), proposal.replicas, proposal.replicas_until_ms});
    return;
  }
  if (result.ok()) result->replicas = MembersHolding(result->version);
  output_.replies.push_back({proposal.id, std::move(result)});
}

// Those that are held by enough members, and those whose time is up.
void Replica::ReleaseReplies() {
  size_t kept = 0;
  for (HeldReply& held : held_replies_) {
    held.result.replicas = MembersHolding(held.result.version);
    if (held.result.replicas >= held.wanted) {
      output_.replies.push_back({held.id, std::move(held.result)});
    } else if (ends_replica_waits_ || now_ms_ >= held.until_ms) {
      const char* why = ends_replica_waits_ ? "the node is shutting down" : "the deadline is near";
      output_.replies.push_back({held.id, Pending(held.result, held.wanted, why)});
    } else {
      std::swap(held_replies_[kept++], held);
    }
  }
  held_replies_.resize(kept);
}

// The session counts as what the writer had seen, even where its writes have not come here yet: a write that
// its author knew of is replaced knowingly. Lives of nodes that this one has never heard of are left out; a
// write of one of those then counts as concurrent.
Heads Replica::RaisedBySession(const Heads& session, Heads heads) {
  for (const auto& [origin, counter] : session) {
    if (heads.At(origin) >= counter) continue;
    const std::string& node_id = origin.node_id;
    const bool is_known =
        node_id == options_.node_id || state_.heads.NewestIncarnation(node_id) != 0 ||
        std::any_of(peers_.begin(), peers_.end(), [&](const Peer& peer) { return peer.node_id == node_id; });
    if (!is_known || !IsPlausible(origin) || !HasRoomFor(origin)) continue;
    heads.Raise(origin, counter);
  }
  return heads;
}

bool Replica::HasRoomFor(const Origin& life) {
  if (state_.heads.At(life) != 0 || session_lives_.count(life) != 0) return true;
  if (session_lives_.size() >= kSessionLivesMax) {
    for (auto it = session_lives_.begin(); it != session_lives_.end();) {
      it = state_.heads.At(*it) != 0 ? session_lives_.erase(it) : std::next(it);
    }
  }
  if (session_lives_.size() >= kSessionLivesMax) return false;
  session_lives_.insert(life);
  return true;
}

}  // namespace lamppost::kv
