#include "clients/cli/explain_format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/conflict_format.h"
#include "clients/cli/format.h"
#include "clients/cli/json_format.h"
#include "clients/cli/text_table.h"
#include "services/clock/timestamp.h"
#include "services/common/clock_proto.h"

namespace lamppost::cli {
namespace {

using kv::v1::ExplainResponse;

std::string WayName(kv::v1::ArrivalWay way) {
  if (way == kv::v1::ARRIVAL_WAY_UNSPECIFIED) return "unknown";
  return absl::AsciiStrToLower(absl::StripPrefix(kv::v1::ArrivalWay_Name(way), "ARRIVAL_WAY_"));
}

Json ArrivalJson(const kv::v1::Arrival& arrival) {
  return {{"way", WayName(arrival.way())},
          {"from", arrival.from()},
          {"at", arrival.has_at() ? Json(TimeText(arrival.at())) : Json(nullptr)}};
}

Json HoldJson(const kv::v1::StableHold& hold) {
  return {{"node_id", hold.node_id()}, {"address", hold.address()}, {"detail", hold.detail()}};
}

Json ExplanationJson(const client::Result<ExplainResponse>& result) {
  const ExplainResponse& response = result.response;
  Json object = {{"key", response.key()}, {"current", nullptr}};
  if (response.has_current()) {
    object["current"] = DetailedVersionJson(response.current());
    object["expired"] = response.expired();
    object["arrival"] = ArrivalJson(response.arrival());
    object["stable"] = response.stable();
    object["held_up_by"] = Json::array();
    for (const kv::v1::StableHold& hold : response.held_up_by()) {
      object["held_up_by"].push_back(HoldJson(hold));
    }
  }
  object["rivals"] = Json::array();
  for (const kv::v1::Conflict& rival : response.rivals()) object["rivals"].push_back(ConflictJson(rival));
  object["has_more_rivals"] = response.has_more_rivals();
  object["clock"] = response.clock().counter();
  object["node"] = result.node;
  return object;
}

std::string Headline(const ExplainResponse& response) {
  const std::string key = Printable(response.key());
  if (!response.has_current()) return absl::StrCat(key, " is absent");
  if (response.current().lapsed()) return absl::StrCat(key, " had expired, and is deleted");
  if (response.current().deleted()) return absl::StrCat(key, " is deleted");
  const std::string value = Printable(BytesOf(response.current().value()));
  return absl::StrCat(key, response.expired() ? " has expired; it was " : " = ", value);
}

std::string ArrivedText(const kv::v1::Arrival& arrival) {
  const std::string from = Printable(arrival.from());
  const std::string at = arrival.has_at() ? absl::StrCat(TimeText(arrival.at()), ", ") : "";
  switch (arrival.way()) {
    case kv::v1::ARRIVAL_WAY_WRITTEN:
      return absl::StrCat(at, "written by this node");
    case kv::v1::ARRIVAL_WAY_LIVE:
      return absl::StrCat(at, "sent by ", from, " as it was written");
    case kv::v1::ARRIVAL_WAY_CATCH_UP:
      return absl::StrCat(at, "in a catch-up from ", from);
    case kv::v1::ARRIVAL_WAY_FULL:
      return absl::StrCat(at, "from ", from, ", which gave this node everything");
    case kv::v1::ARRIVAL_WAY_REPAIR:
      return absl::StrCat(at, "from ", from, ", to repair what was here");
    case kv::v1::ARRIVAL_WAY_RESTORED:
      return "out of a snapshot file";
    default:
      return "not known";
  }
}

std::string WonText(const ExplainResponse& response) {
  size_t beaten = 0;
  for (const kv::v1::Conflict& rival : response.rivals()) {
    if (FromProto(rival.winner().version()) == FromProto(response.current().version())) ++beaten;
  }
  if (beaten == 0) return "unopposed: its writer had seen what it replaced";
  return absl::StrCat("over ", beaten, beaten == 1 ? " write" : " writes", " whose author",
                      beaten == 1 ? " had" : "s had", " not seen it, nor it them");
}

std::string SeenText(const kv::v1::DetailedVersion& version) {
  std::string text;
  for (const clock::v1::Head& head : version.seen()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", Printable(ToString(FromProto(head.origin()))), ":",
                    head.counter());
  }
  return text.empty() ? "nothing" : text;
}

std::string StableText(const ExplainResponse& response) {
  if (response.stable()) {
    return absl::StrCat("all ", response.members(), " members have it on disk",
                        response.current().deleted() ? ": about to be forgotten" : "");
  }
  std::string text;
  for (const kv::v1::StableHold& hold : response.held_up_by()) {
    const std::string& name = hold.node_id().empty() ? hold.address() : hold.node_id();
    absl::StrAppend(&text, text.empty() ? "not yet: " : "; ", Printable(name), " ", Printable(hold.detail()));
  }
  return text;
}

void AddCurrent(const ExplainResponse& response, TextTable* table) {
  const kv::v1::DetailedVersion& current = response.current();
  table->Add({"  version", Printable(ToString(FromProto(current.version())))});
  table->Add({"  arrived", ArrivedText(response.arrival())});
  if (current.has_expires_at()) table->Add({"  expires", TimeText(current.expires_at())});
  table->Add({"  won", WonText(response)});
  table->Add({"  had seen", SeenText(current)});
  table->Add({"  stable", StableText(response)});
}

}  // namespace

std::string FormatExplanation(const client::Result<ExplainResponse>& result, OutputFormat format,
                              Colour colour) {
  const ExplainResponse& response = result.response;
  if (format == OutputFormat::kJson) return absl::StrCat(Line(ExplanationJson(result)), "\n");
  if (format == OutputFormat::kRaw) {
    if (!response.has_current()) return "";
    return absl::StrCat(Printable(ToString(FromProto(response.current().version()))), "\n");
  }
  constexpr size_t kAnyWidth = 1000;
  TextTable table;
  if (response.has_current()) AddCurrent(response, &table);
  std::string text =
      absl::StrCat(Styled(Headline(response), Style::kBold, colour), "\n", table.Render(colour, kAnyWidth));
  if (!response.has_current()) {
    absl::StrAppend(&text,
                    "  never written, or deleted, and the deletion forgotten since all members had it\n");
  }
  for (const kv::v1::Conflict& rival : response.rivals()) {
    absl::StrAppend(&text, "  rival     ", FormatConflict(rival, OutputFormat::kTable, colour));
  }
  if (response.has_more_rivals()) absl::StrAppend(&text, "  rival     … and more: lamppost conflicts\n");
  return text;
}

}  // namespace lamppost::cli
