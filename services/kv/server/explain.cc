#include "services/kv/server/explain.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/clock_proto.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/record.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/conflict_page.h"
#include "services/kv/server/wall_clock.h"

namespace lamppost::kv {
namespace {

v1::ArrivalWay WayToProto(Arrival::Way way) {
  switch (way) {
    case Arrival::Way::kUnknown:
      return v1::ARRIVAL_WAY_UNSPECIFIED;
    case Arrival::Way::kWritten:
      return v1::ARRIVAL_WAY_WRITTEN;
    case Arrival::Way::kLive:
      return v1::ARRIVAL_WAY_LIVE;
    case Arrival::Way::kCatchUp:
      return v1::ARRIVAL_WAY_CATCH_UP;
    case Arrival::Way::kFull:
      return v1::ARRIVAL_WAY_FULL;
    case Arrival::Way::kRepair:
      return v1::ARRIVAL_WAY_REPAIR;
    case Arrival::Way::kRestored:
      return v1::ARRIVAL_WAY_RESTORED;
  }
  return v1::ARRIVAL_WAY_UNSPECIFIED;
}

absl::Status ExplainCurrent(const Store& store, const std::string& key, v1::ExplainResponse* response) {
  const absl::StatusOr<std::optional<std::string>> bytes = store.Get(Space::kData, key);
  if (!bytes.ok() || !*bytes) return bytes.status();
  const absl::StatusOr<Version> version = DecodeVersion(**bytes);
  if (!version.ok()) return version.status();
  ToProto(*version, response->mutable_current());
  response->set_expired(!version->IsTombstone() && !version->IsVisible(UnixMs()));
  v1::Arrival* const arrival = response->mutable_arrival();
  arrival->set_way(WayToProto(version->arrival.way));
  arrival->set_from(version->arrival.from);
  if (version->arrival.unix_ms != 0) ToProto(version->arrival.unix_ms, arrival->mutable_at());
  return absl::OkStatus();
}

// The latest losers first.
absl::Status ExplainRivals(const Store& store, const std::string& key, v1::ExplainResponse* response) {
  std::string end(kConflictKeyPrefix);
  ++end.back();
  const std::unique_ptr<Cursor> cursor = store.ScanReverse(Space::kData, kConflictKeyPrefix, end);
  const std::string of_key = ConflictKeyEnd(key);
  uint64_t bytes = 0;
  for (; cursor->Valid(); cursor->Next()) {
    if (response->rivals_size() >= kRivalsMax || bytes >= kConflictBytesMax) {
      response->set_has_more_rivals(true);  // or there may be
      break;
    }
    bytes += cursor->key().size();
    if (!absl::EndsWith(cursor->key(), of_key)) continue;
    const absl::StatusOr<Version> version = DecodeVersion(cursor->value());
    if (!version.ok()) return version.status();
    if (version->IsTombstone()) continue;
    const absl::StatusOr<Conflict> conflict = ReadConflict(cursor->key(), *version);
    if (!conflict.ok()) return conflict.status();
    bytes += cursor->value().size();
    ToProto(*conflict, response->add_rivals());
  }
  return cursor->status();
}

void AddHold(const std::string& node_id, const std::string& address, std::string detail,
             v1::ExplainResponse* response) {
  v1::StableHold* const hold = response->add_held_up_by();
  hold->set_node_id(node_id);
  hold->set_address(address);
  hold->set_detail(std::move(detail));
}

}  // namespace

absl::Status ExplainStored(const Store& store, const v1::ExplainRequest& request,
                           v1::ExplainResponse* response) {
  if (absl::Status status = CheckKey(request.key()); !status.ok()) return status;
  response->set_key(request.key());
  if (absl::Status status = ExplainCurrent(store, request.key(), response); !status.ok()) return status;
  return ExplainRivals(store, request.key(), response);
}

void ExplainStanding(const Replica& replica, v1::ExplainResponse* response) {
  response->set_members(static_cast<uint32_t>(replica.member_count()));
  if (!response->has_current()) return;
  const Timestamp version = lamppost::FromProto(response->current().version());
  const auto up_to = [&](const Heads& heads) {
    return absl::StrCat("has ", ToString(version.origin), " up to ", heads.At(version.origin), " only");
  };
  if (!replica.durable_heads().Covers(version)) {
    AddHold(replica.me().node_id, "", up_to(replica.durable_heads()), response);
  }
  for (const Peer& peer : replica.peers()) {
    if (peer.retired || (peer.answered && peer.durable_heads.Covers(version))) continue;
    AddHold(peer.node_id, peer.address,
            peer.answered ? up_to(peer.durable_heads) : "has not answered since this node started", response);
  }
  response->set_stable(response->held_up_by().empty());
}

}  // namespace lamppost::kv
