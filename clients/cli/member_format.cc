#include "clients/cli/member_format.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/duration.h"
#include "clients/cli/json_format.h"
#include "clients/cli/text_table.h"

namespace lamppost::cli {
namespace {

std::string StateName(kv::v1::MemberState state) {
  const std::string name = kv::v1::MemberState_Name(state);
  if (name.empty()) return absl::StrCat("state_", static_cast<int>(state));  // of a newer server
  return absl::AsciiStrToLower(absl::StripPrefix(name, "MEMBER_STATE_"));
}

Json MemberJson(const kv::v1::Member& member) {
  Json object = {{"node_id", member.node_id()},
                 {"address", member.address()},
                 {"state", StateName(member.state())},
                 {"self", member.self()},
                 {"last_answer", nullptr}};
  if (member.has_last_answer()) object["last_answer"] = TimeText(member.last_answer());
  return object;
}

Cell Title(const char* text) {
  return {text, Style::kBold};
}

std::string Answered(const kv::v1::Member& member, absl::Time now) {
  if (member.self()) return "this node";
  if (!member.has_last_answer()) return member.state() == kv::v1::MEMBER_STATE_REMOVED ? "-" : "never";
  const absl::Duration ago = now - TimeOf(member.last_answer());
  return absl::StrCat(FormatDurationMs(std::max<int64_t>(0, absl::ToInt64Milliseconds(ago))), " ago");
}

}  // namespace

std::string FormatMembers(const client::Result<kv::v1::ListMembersResponse>& result, absl::Time now,
                          OutputFormat format, Colour colour) {
  const auto& members = result.response.members();
  if (format == OutputFormat::kJson) {
    Json list = Json::array();
    for (const kv::v1::Member& member : members) list.push_back(MemberJson(member));
    return absl::StrCat(Line({{"members", std::move(list)},
                              {"clock", result.response.clock().counter()},
                              {"node", result.node}}),
                        "\n");
  }
  if (format == OutputFormat::kRaw) {
    std::string text;
    for (const kv::v1::Member& member : members) {
      if (member.state() != kv::v1::MEMBER_STATE_REMOVED)
        absl::StrAppend(&text, Printable(member.node_id()), "\n");
    }
    return text;
  }
  TextTable table;
  table.Add({Title("NODE"), Title("STATE"), Title("ANSWERED"), Title("ADDRESS")});
  for (const kv::v1::Member& member : members) {
    const bool removed = member.state() == kv::v1::MEMBER_STATE_REMOVED;
    table.Add({member.node_id().empty() ? "?" : Printable(member.node_id()),
               Cell(StateName(member.state()), removed ? Style::kBad : Style::kPlain), Answered(member, now),
               Printable(member.address())});
  }
  return table.Render(colour);
}

std::string FormatAdded(const client::Result<kv::v1::AddMemberResponse>& result, OutputFormat format) {
  const kv::v1::Member& member = result.response.member();
  if (format == OutputFormat::kJson) {
    return absl::StrCat(Line({{"node_id", member.node_id()},
                              {"address", member.address()},
                              {"state", StateName(member.state())},
                              {"clock", result.response.clock().counter()},
                              {"node", result.node}}),
                        "\n");
  }
  if (format == OutputFormat::kRaw) return absl::StrCat(Printable(member.node_id()), "\n");
  return absl::StrCat("OK ", Printable(member.node_id()), " at ", Printable(member.address()),
                      " is a member\n");
}

std::string FormatRemoved(const std::string& node_id,
                          const client::Result<kv::v1::RemoveMemberResponse>& result, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    return absl::StrCat(Line({{"node_id", node_id},
                              {"state", "removed"},
                              {"clock", result.response.clock().counter()},
                              {"node", result.node}}),
                        "\n");
  }
  if (format == OutputFormat::kRaw) return absl::StrCat(Printable(node_id), "\n");
  return absl::StrCat("OK ", Printable(node_id), " is removed\n");
}

}  // namespace lamppost::cli
