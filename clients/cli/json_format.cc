#include "clients/cli/json_format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace lamppost::cli {

std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
}

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", TimeOf(time), absl::UTCTimeZone());
}

Json TimestampJson(const clock::v1::Timestamp& timestamp) {
  return {{"counter", timestamp.counter()},
          {"node_id", timestamp.node_id()},
          {"incarnation", absl::StrCat(timestamp.incarnation())}};
}

Json HeadsJson(const google::protobuf::RepeatedPtrField<clock::v1::Head>& heads) {
  Json list = Json::array();
  for (const clock::v1::Head& head : heads) {
    list.push_back({{"node_id", head.origin().node_id()},
                    {"incarnation", absl::StrCat(head.origin().incarnation())},
                    {"counter", head.counter()}});
  }
  return list;
}

void AddValue(const kv::v1::Value& value, Json* object) {
  if (value.has_text()) (*object)["value"] = value.text();
  if (value.has_data()) (*object)["data"] = absl::Base64Escape(value.data());
}

Json EntryJson(const kv::v1::KeyValue& entry) {
  Json object = {{"key", entry.key()}};
  AddValue(entry.value(), &object);
  object["version"] = TimestampJson(entry.version());
  if (entry.has_expires_at()) object["expires_at"] = TimeText(entry.expires_at());
  return object;
}

std::string PeerStateName(kv::v1::PeerState state) {
  const std::string name = kv::v1::PeerState_Name(state);
  if (name.empty()) return absl::StrCat("state_", static_cast<int>(state));  // of a newer server
  return absl::AsciiStrToLower(absl::StripPrefix(name, "PEER_STATE_"));
}

namespace {

Json PeerJson(const kv::v1::PeerStatus& peer) {
  Json object = {{"node_id", peer.node_id()},
                 {"address", peer.address()},
                 {"state", PeerStateName(peer.state())},
                 {"heads", HeadsJson(peer.heads())},
                 {"lag", peer.lag()},
                 {"detail", peer.detail()},
                 {"incarnation", absl::StrCat(peer.incarnation())},
                 {"content_hash", peer.content_hash()},
                 {"last_answer_ms", nullptr},
                 {"catch_up_bytes_sent", peer.catch_up_bytes_sent()},
                 {"full_syncs_sent", peer.full_syncs_sent()},
                 {"divergent_buckets", peer.divergent_buckets()},
                 {"repaired_buckets", peer.repaired_buckets()}};
  if (peer.has_last_answer_ms()) object["last_answer_ms"] = peer.last_answer_ms();
  return object;
}

}  // namespace

Json StatusJson(const kv::v1::StatusResponse& status, absl::string_view address) {
  Json peers = Json::array();
  for (const kv::v1::PeerStatus& peer : status.peers()) peers.push_back(PeerJson(peer));
  Json holds = Json::array();
  for (const kv::v1::StableHold& hold : status.stable_held_by()) {
    holds.push_back(
        Json{{"node_id", hold.node_id()}, {"address", hold.address()}, {"detail", hold.detail()}});
  }
  return {{"node_id", status.node_id()},
          {"incarnation", absl::StrCat(status.incarnation())},
          {"clock", status.clock().counter()},
          {"heads", HeadsJson(status.heads())},
          {"keys", status.keys()},
          {"tombstones", status.tombstones()},
          {"content_hash", status.content_hash()},
          {"stable", status.stable()},
          {"peers", std::move(peers)},
          {"converged", status.converged()},
          {"conflicts", status.conflicts()},
          {"ledger_entries", status.ledger_entries()},
          {"ledger_open", status.ledger_open()},
          {"ledger_dropped", status.ledger_dropped()},
          {"cluster", status.cluster()},
          {"version", status.version()},
          {"durability", status.durability()},
          {"uptime_ms", status.uptime_ms()},
          {"write_refusal", status.write_refusal()},
          {"removed", status.removed()},
          {"horizon", status.horizon()},
          {"stable_held_by", std::move(holds)},
          {"refilling", status.refilling()},
          {"link_faults", status.link_faults()},
          {"address", std::string(address)}};
}

}  // namespace lamppost::cli
