#include "services/kv/core/testing/trace.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/core/conflict.h"

namespace lamppost::kv::testing {
namespace {

std::string Braced(const Heads& heads) {
  return absl::StrCat("{", ToString(heads), "}");
}

const char* NameOf(LinkState state) {
  switch (state) {
    case LinkState::kDown:
      return "down";
    case LinkState::kProbing:
      return "probing";
    case LinkState::kLive:
      return "live";
    case LinkState::kCatchingUp:
      return "catching up";
    case LinkState::kRefused:
      return "refused";
  }
  return "?";
}

// "member D at D", "removed C, barred up to C.1".
std::string DescribeMember(const std::string& key, const Version& version) {
  const std::string node_id = key.substr(kMemberKeyPrefix.size());
  const auto record = DecodeMemberRecord(version.value ? version.value->bytes : "");
  if (!record.ok()) return absl::StrCat("a damaged record of ", node_id);
  if (record->state == MemberState::kMember) return absl::StrCat("member ", node_id, " at ", record->address);
  return absl::StrCat("removed ", node_id, ", barred up to ",
                      ToString(Origin{node_id, record->barred_birth}));
}

// "conflict: x=1 @ 25@B.1 lost to 26@A.1, open", "ledger: 2 dropped by A".
std::string DescribeLedgerRecord(const std::string& key, const Version& version) {
  const std::string bytes = version.value ? version.value->bytes : "";
  if (!IsConflictKey(key)) {
    const auto dropped = DecodeLedgerDropped(bytes);
    if (!dropped.ok()) return "a damaged number of the ledger";
    return absl::StrCat("ledger: ", *dropped, " dropped by ", key.substr(kLedgerDroppedPrefix.size()));
  }
  if (version.IsTombstone()) return absl::StrCat(key.substr(1), version.lapsed ? " expired" : " dropped");
  const auto conflict = ReadConflict(key, version);
  if (!conflict.ok()) return "a damaged conflict";
  static constexpr const char* kResolutions[] = {"open", "loser kept", "winner kept", "written anew"};
  return absl::StrCat("conflict: ", Describe(conflict->key, conflict->loser), " lost to ",
                      ToString(conflict->winner.timestamp), ", ",
                      kResolutions[static_cast<size_t>(conflict->resolution)]);
}

bool IsEssential(const SyncMessage& message) {
  return message.full || message.repair_buckets != 0 || message.wants_buckets ||
         (message.entries != nullptr && !message.entries->empty());
}

}  // namespace

std::string Describe(const std::string& key, const Version& version) {
  std::string what = absl::StrCat(key, " deleted");
  if (absl::StartsWith(key, kMemberKeyPrefix)) {
    what = DescribeMember(key, version);
  } else if (IsLedgerKey(key)) {
    what = DescribeLedgerRecord(key, version);
  } else if (!version.IsTombstone()) {
    what = absl::StrCat(key, "=", version.value->bytes);
  }
  if (version.expires_unix_ms != 0) absl::StrAppend(&what, " until ", version.expires_unix_ms);
  return absl::StrCat(what, " @ ", ToString(version.timestamp));
}

std::string Describe(const SyncMessage& message, const std::string& receiver) {
  if (message.receiver_incarnation == 0) {
    return absl::StrCat("hello ", ToString(message.clock), message.wants_buckets ? ", wants buckets" : "");
  }
  const char* what = message.full ? "full sync " : message.repair_buckets != 0 ? "repair " : "sync ";
  std::string text = absl::StrCat(what, ToString(message.clock), " to ",
                                  ToString(Origin{receiver, message.receiver_incarnation}), " ",
                                  Braced(message.from), "->", Braced(message.to));
  const char* separator = ": ";
  for (const KeyedVersion& entry : message.entries ? *message.entries : std::vector<KeyedVersion>()) {
    absl::StrAppend(&text, separator, Describe(entry.key, entry.version));
    separator = ", ";
  }
  if (message.full) {
    absl::StrAppend(&text, ", keys from '", message.full->start, "' to '", message.full->end, "', forgotten ",
                    Braced(message.forgotten));
  }
  if (message.progress > 0) absl::StrAppend(&text, ", progress ", message.progress);
  if (message.after > 0) absl::StrAppend(&text, " after #", message.after);
  if (!message.last) absl::StrAppend(&text, ", more follows");
  return text;
}

std::string Describe(const SyncAnswer& answer) {
  std::string text = absl::StrCat("answer ", ToString(answer.clock), " has ", Braced(answer.heads));
  if (!answer.progress.empty()) absl::StrAppend(&text, " reached ", Braced(answer.progress));
  if (!answer.pending.empty()) absl::StrAppend(&text, " pending ", Braced(answer.pending));
  if (answer.refusal != Refusal::kNone) absl::StrAppend(&text, " REFUSES: ", ToString(answer.refusal));
  return text;
}

std::string Describe(const Packet& packet, const Cluster& cluster) {
  const std::string ends =
      absl::StrCat(cluster.spec(packet.from).address, "->", cluster.spec(packet.to).address, " ");
  if (packet.IsAnswer()) return ends + Describe(std::get<SyncAnswer>(packet.body));
  return ends + Describe(std::get<SyncMessage>(packet.body), cluster.spec(packet.to).node_id);
}

std::string Describe(const absl::StatusOr<WriteResult>& result) {
  if (!result.ok()) return ErrorReason(result.status());
  return absl::StrCat(ToString(result->version), result->found ? ", found" : "",
                      result->replayed ? ", replayed" : "");
}

std::vector<std::string> DescribeGroup(const Cluster& cluster, NodeIndex node, const Output& output,
                                       CrashPoint crash, Detail detail) {
  const NodeSpec& spec = cluster.spec(node);
  std::vector<std::string> lines;
  for (const std::string& note : output.notes) lines.push_back(absl::StrCat(spec.address, " notes: ", note));
  for (const std::string& text : output.warnings)
    lines.push_back(absl::StrCat(spec.address, " warns: ", text));
  if (!output.damage.ok())
    lines.push_back(absl::StrCat(spec.address, " is damaged: ", output.damage.message()));
  for (const WriteBatch::Operation& operation : output.batch.operations()) {
    if (operation.space != Space::kData) continue;
    if (!operation.value) {
      lines.push_back(absl::StrCat(spec.address, " drops ", operation.key));
      continue;
    }
    const absl::StatusOr<Version> version = DecodeVersion(*operation.value);
    lines.push_back(
        absl::StrCat(spec.address, " stores ", version.ok() ? Describe(operation.key, *version) : "garbage"));
  }
  if (crash == CrashPoint::kBeforeSend) {
    lines.push_back(absl::StrCat(spec.address, " dies before it can send anything"));
    return lines;
  }
  for (const OutgoingMessage& outgoing : output.messages) {
    if (detail == Detail::kEssential && !IsEssential(outgoing.message)) continue;
    const std::string& to = cluster.replica(node).peers()[outgoing.peer].address;
    lines.push_back(absl::StrCat(spec.address, "->", to, " ",
                                 Describe(outgoing.message, cluster.spec(cluster.Find(to)).node_id)));
  }
  for (const OutgoingAnswer& outgoing : output.answers) {
    if (detail == Detail::kEssential && outgoing.answer.refusal == Refusal::kNone) continue;
    const std::string& to = cluster.spec(cluster.OpenerOf(outgoing.link)).address;
    lines.push_back(absl::StrCat(spec.address, "->", to, " ", Describe(outgoing.answer)));
  }
  for (const Reply& reply : output.replies) {
    lines.push_back(absl::StrCat(spec.address, " replies ", Describe(reply.result)));
  }
  return lines;
}

std::string DescribeNode(const Cluster& cluster, NodeIndex node) {
  const std::string& address = cluster.spec(node).address;
  if (!cluster.IsUp(node)) return absl::StrCat(address, " is down");
  const Replica& replica = cluster.replica(node);
  const State& state = replica.state();
  std::string text =
      absl::StrCat(address, " ", replica.IsLifeDecided() ? ToString(replica.me()) : "undecided", " has ",
                   Braced(replica.heads()), ", ", state.keys, " keys, ", state.tombstones,
                   " tombstones, stable ", replica.Stable(), replica.Converged() ? ", converged" : "");
  if (state.removed) absl::StrAppend(&text, ", removed");
  if (!state.forgotten.empty()) absl::StrAppend(&text, ", forgotten ", Braced(state.forgotten));
  if (state.refilling) {
    absl::StrAppend(&text, ", refilling");
  } else if (replica.IsFilling()) {
    absl::StrAppend(&text, ", filling");
  }
  for (const StableHold& hold : state.tombstones > 0 ? replica.StableHeldBy() : std::vector<StableHold>()) {
    absl::StrAppend(&text, "; held up by ", hold.address.empty() ? "itself" : hold.address, ": it ",
                    hold.detail);
  }
  for (const Peer& peer : replica.peers()) {
    absl::StrAppend(&text, "; ", peer.address, " ", peer.retired ? "retired" : NameOf(peer.state));
    if (!peer.detail.empty()) absl::StrAppend(&text, " (", peer.detail, ")");
  }
  return text;
}

}  // namespace lamppost::kv::testing
