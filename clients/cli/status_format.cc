#include "clients/cli/status_format.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/duration.h"
#include "clients/cli/json_format.h"
#include "clients/cli/text_table.h"
#include "services/clock/timestamp.h"

namespace lamppost::cli {
namespace {

Cell Conflicts(const kv::v1::StatusResponse& status) {
  std::string text = absl::StrCat(status.ledger_entries(), ", ", status.ledger_open(), " open");
  if (status.ledger_dropped() > 0) {
    absl::StrAppend(&text, ", ", status.ledger_dropped(), " older ones left out");
  }
  return Cell(std::move(text), status.ledger_open() > 0 ? Style::kBusy : Style::kPlain);
}

// That somebody has asked for, unlike all other trouble.
Cell Faults(const kv::v1::StatusResponse& status) {
  const uint32_t links = status.link_faults();
  return Cell(
      absl::StrCat("in force on ", links, links == 1 ? " link" : " links", ": see lamppost fault list"),
      Style::kBusy);
}

Cell Title(const char* text) {
  return {text, Style::kBold};
}

std::string Life(const std::string& node_id, uint64_t incarnation) {
  return incarnation == 0 ? "not yet decided" : ToString(Origin{node_id, incarnation});
}

std::string Heads(const google::protobuf::RepeatedPtrField<clock::v1::Head>& heads) {
  return absl::StrJoin(heads, " ", [](std::string* out, const clock::v1::Head& head) {
    absl::StrAppend(out, ToString(Origin{head.origin().node_id(), head.origin().incarnation()}), "=",
                    head.counter());
  });
}

Style StyleOf(kv::v1::PeerState state) {
  switch (state) {
    case kv::v1::PEER_STATE_LIVE:
      return Style::kGood;
    case kv::v1::PEER_STATE_PROBING:
    case kv::v1::PEER_STATE_CATCHING_UP:
      return Style::kBusy;
    case kv::v1::PEER_STATE_DOWN:
    case kv::v1::PEER_STATE_REFUSED:
      return Style::kBad;
    default:
      return Style::kPlain;
  }
}

Cell Converged(bool converged) {
  return converged ? Cell("yes", Style::kGood) : Cell("no", Style::kBusy);
}

// "C: has not answered since this node started".
std::string Holder(const kv::v1::StableHold& hold) {
  const std::string& name = hold.node_id().empty() ? hold.address() : hold.node_id();
  return absl::StrCat(Printable(name), ": ", Printable(hold.detail()));
}

std::string Detail(const kv::v1::PeerStatus& peer) {
  if (peer.divergent_buckets() == 0) return Printable(peer.detail());
  return absl::StrCat(peer.divergent_buckets(), " of 64 buckets differ at equal heads; being repaired");
}

std::string Peers(const kv::v1::StatusResponse& status, Colour colour) {
  TextTable table;
  table.Add({Title("PEER"), Title("STATE"), Title("LAG"), Title("ANSWERED"), Title("HASH"), Title("ADDRESS"),
             Title("DETAIL")});
  for (const kv::v1::PeerStatus& peer : status.peers()) {
    table.Add({peer.node_id().empty() ? "?" : Printable(peer.node_id()),
               Cell(PeerStateName(peer.state()), StyleOf(peer.state())), absl::StrCat(peer.lag()),
               peer.has_last_answer_ms()
                   ? absl::StrCat(FormatDurationMs(static_cast<int64_t>(peer.last_answer_ms())), " ago")
                   : "never",
               peer.content_hash().empty() ? "?" : Printable(peer.content_hash()), Printable(peer.address()),
               Detail(peer)});
  }
  return absl::StrCat("\n", table.Render(colour));
}

}  // namespace

std::string FormatStatus(const kv::v1::StatusResponse& status, const std::string& address, Colour colour) {
  TextTable table;
  table.Add({Title("node"), absl::StrCat(Printable(status.node_id()), " at ", address)});
  table.Add({Title("life"), Life(Printable(status.node_id()), status.incarnation())});
  table.Add({Title("clock"), absl::StrCat(status.clock().counter())});
  table.Add({Title("heads"), Printable(Heads(status.heads()))});
  table.Add({Title("keys"), absl::StrCat(status.keys())});
  table.Add({Title("tombstones"), absl::StrCat(status.tombstones())});
  table.Add({Title("hash"), Printable(status.content_hash())});
  table.Add({Title("stable"), absl::StrCat(status.stable())});
  for (const kv::v1::StableHold& hold : status.stable_held_by()) {
    table.Add({Title("held up by"), Holder(hold)});
  }
  table.Add({Title("horizon"), absl::StrCat(status.horizon())});
  table.Add({Title("conflicts"), Conflicts(status)});
  if (status.link_faults() > 0) table.Add({Title("faults"), Faults(status)});
  table.Add({Title("converged"), Converged(status.converged())});
  table.Add({Title("durability"), Printable(status.durability())});
  table.Add({Title("cluster"), Printable(status.cluster())});
  table.Add({Title("version"), Printable(status.version())});
  table.Add({Title("up"), FormatDurationMs(static_cast<int64_t>(status.uptime_ms()))});
  if (!status.write_refusal().empty()) {
    table.Add({Title("writes"), Cell("refused: " + Printable(status.write_refusal()), Style::kBad)});
  }
  if (status.refilling()) {
    table.Add(
        {Title("reads"), Cell("refused: part of the data is lost, and comes back from a peer", Style::kBad)});
  }
  return absl::StrCat(table.Render(colour), status.peers().empty() ? "" : Peers(status, colour));
}

std::string FormatStatuses(const std::vector<NodeStatus>& nodes, Colour colour) {
  TextTable table;
  table.Add({Title("NODE"), Title("LIFE"), Title("CLOCK"), Title("KEYS"), Title("TOMBSTONES"), Title("HASH"),
             Title("STABLE"), Title("LIVE PEERS"), Title("CONVERGED"), Title("ADDRESS")});
  std::string errors;
  for (const NodeStatus& node : nodes) {
    if (!node.result.ok()) {
      table.Add({"?", "-", "-", "-", "-", "-", "-", "-", Cell("no answer", Style::kBad), node.address});
      absl::StrAppend(&errors, node.address, ": ", Printable(node.result.status.message()), "\n");
      continue;
    }
    const kv::v1::StatusResponse& status = node.result.response;
    int live = 0;
    for (const kv::v1::PeerStatus& peer : status.peers()) live += peer.state() == kv::v1::PEER_STATE_LIVE;
    table.Add({Printable(status.node_id()), absl::StrCat(Origin{"", status.incarnation()}.life()),
               absl::StrCat(status.clock().counter()), absl::StrCat(status.keys()),
               absl::StrCat(status.tombstones()), Printable(status.content_hash()),
               absl::StrCat(status.stable()), absl::StrCat(live, " of ", status.peers_size()),
               Converged(status.converged()), node.address});
  }
  return absl::StrCat(table.Render(colour), errors);
}

}  // namespace lamppost::cli
