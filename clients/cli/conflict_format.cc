#include "clients/cli/conflict_format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/format.h"
#include "clients/cli/text_table.h"
#include "services/clock/timestamp.h"
#include "services/common/clock_proto.h"

namespace lamppost::cli {
namespace {

using kv::v1::Conflict;
using kv::v1::DetailedVersion;

std::string RuleName(const Conflict& conflict) {
  return absl::AsciiStrToLower(
      absl::StripPrefix(kv::v1::ConflictRule_Name(conflict.decided_by()), "CONFLICT_RULE_"));
}

std::string ResolutionName(const Conflict& conflict) {
  return absl::AsciiStrToLower(
      absl::StripPrefix(kv::v1::ConflictResolution_Name(conflict.resolution()), "CONFLICT_RESOLUTION_"));
}

std::string VersionText(const DetailedVersion& version) {
  return Printable(ToString(FromProto(version.version())));
}

std::string ValueText(const DetailedVersion& version) {
  if (version.lapsed()) return "(expired)";
  return version.deleted() ? "(deleted)" : Printable(BytesOf(version.value()));
}

// How far the author of one had seen the node of the other, which is what makes it a conflict.
std::string SeenText(const DetailedVersion& version, const DetailedVersion& other) {
  const Origin author = FromProto(other.version()).origin;
  for (const clock::v1::Head& head : version.seen()) {
    if (FromProto(head.origin()) == author) {
      return absl::StrCat("had seen ", Printable(ToString(author)), " up to ", head.counter());
    }
  }
  return absl::StrCat("had seen nothing of ", Printable(ToString(author)));
}

std::string RuleText(const Conflict& conflict) {
  switch (conflict.decided_by()) {
    case kv::v1::CONFLICT_RULE_COUNTER:
      return "the higher counter won";
    case kv::v1::CONFLICT_RULE_NODE_ID:
      return "the counters are equal, and the greater node id won";
    case kv::v1::CONFLICT_RULE_INCARNATION:
      return "the counters are equal, and the node's later life won";
    default:
      return "the greater timestamp won";
  }
}

std::string DroppedText(uint64_t dropped) {
  if (dropped == 0) return "";
  return absl::StrCat("(", dropped, dropped == 1 ? " older one has" : " older ones have",
                      " been left out: the ledger is bounded)\n");
}

Cell Title(const char* text) {
  return {text, Style::kBold};
}

}  // namespace

Json DetailedVersionJson(const DetailedVersion& version) {
  Json object = {{"version", TimestampJson(version.version())}, {"deleted", version.deleted()}};
  AddValue(version.value(), &object);
  if (version.has_expires_at()) object["expires_at"] = TimeText(version.expires_at());
  object["seen"] = HeadsJson(version.seen());
  return object;
}

Json ConflictJson(const Conflict& conflict) {
  return {{"key", conflict.key()},
          {"loser", DetailedVersionJson(conflict.loser())},
          {"winner", DetailedVersionJson(conflict.winner())},
          {"decided_by", RuleName(conflict)},
          {"found_at", TimeText(conflict.found_at())},
          {"resolution", ResolutionName(conflict)}};
}

std::string FormatConflict(const Conflict& conflict, OutputFormat format, Colour colour) {
  if (format == OutputFormat::kJson) return absl::StrCat(Line(ConflictJson(conflict)), "\n");
  if (format == OutputFormat::kRaw) {
    return absl::StrCat(conflict.key(), "\t", VersionText(conflict.loser()), "\t",
                        VersionText(conflict.winner()), "\t", ResolutionName(conflict), "\n");
  }
  const bool is_open = conflict.resolution() == kv::v1::CONFLICT_RESOLUTION_OPEN;
  return absl::StrCat(Printable(conflict.key()), "  ", VersionText(conflict.loser()), " ",
                      ValueText(conflict.loser()), "  lost to  ", VersionText(conflict.winner()), " ",
                      ValueText(conflict.winner()), "  ",
                      Styled(ResolutionName(conflict), is_open ? Style::kBusy : Style::kGood, colour), "\n");
}

std::string FormatConflicts(const std::vector<Conflict>& conflicts, uint64_t dropped, OutputFormat format,
                            Colour colour) {
  if (format == OutputFormat::kJson) {
    Json list = Json::array();
    for (const Conflict& conflict : conflicts) list.push_back(ConflictJson(conflict));
    return absl::StrCat(Line({{"conflicts", std::move(list)}, {"dropped", dropped}}), "\n");
  }
  if (format == OutputFormat::kRaw) {
    std::string text;
    for (const Conflict& conflict : conflicts)
      absl::StrAppend(&text, FormatConflict(conflict, format, colour));
    return text;
  }
  TextTable table;
  table.Add({Title("KEY"), Title("LOSER"), Title("VALUE"), Title("LOST TO"), Title("VALUE"), Title("BY"),
             Title("RESOLVED")});
  for (const Conflict& conflict : conflicts) {
    const bool is_open = conflict.resolution() == kv::v1::CONFLICT_RESOLUTION_OPEN;
    table.Add({Printable(conflict.key()), VersionText(conflict.loser()), ValueText(conflict.loser()),
               VersionText(conflict.winner()), ValueText(conflict.winner()), RuleName(conflict),
               Cell(ResolutionName(conflict), is_open ? Style::kBusy : Style::kPlain)});
  }
  return absl::StrCat(table.Render(colour), DroppedText(dropped));
}

std::string DescribeConflicts(const std::vector<Conflict>& conflicts, uint64_t dropped, Colour colour) {
  std::string text;
  for (const Conflict& conflict : conflicts) {
    const bool is_open = conflict.resolution() == kv::v1::CONFLICT_RESOLUTION_OPEN;
    TextTable sides;
    sides.Add({"  lost", VersionText(conflict.loser()), ValueText(conflict.loser()),
               SeenText(conflict.loser(), conflict.winner())});
    sides.Add({"  won", VersionText(conflict.winner()), ValueText(conflict.winner()),
               SeenText(conflict.winner(), conflict.loser())});
    absl::StrAppend(&text, text.empty() ? "" : "\n", Styled(Printable(conflict.key()), Style::kBold, colour),
                    "  found ", TimeText(conflict.found_at()), ", ",
                    Styled(is_open ? "open" : absl::StrCat("resolved: ", ResolutionName(conflict)),
                           is_open ? Style::kBusy : Style::kGood, colour),
                    "\n", sides.Render(colour), "  ", RuleText(conflict), "\n");
  }
  return absl::StrCat(text.empty() ? "no conflicts\n" : text, DroppedText(dropped));
}

std::string FormatResolved(const std::string& key, uint64_t resolved,
                           const client::Result<kv::v1::ResolveConflictResponse>& result,
                           OutputFormat format) {
  const std::string version = Printable(ToString(FromProto(result.response.version())));
  if (format == OutputFormat::kRaw) return absl::StrCat(version, "\n");
  if (format == OutputFormat::kJson) {
    return absl::StrCat(Line({{"key", key},
                              {"resolved", resolved},
                              {"version", TimestampJson(result.response.version())},
                              {"replayed", result.response.replayed()},
                              {"replicas", result.response.replicas()},
                              {"request_id", result.request_id},
                              {"clock", result.response.clock().counter()},
                              {"node", result.node}}),
                        "\n");
  }
  if (result.response.replayed()) return absl::StrCat("OK ", version, " (had been resolved before)\n");
  return absl::StrCat("OK ", version, ", ", resolved, resolved == 1 ? " conflict" : " conflicts",
                      " resolved\n");
}

}  // namespace lamppost::cli
