#include "clients/cli/link_fault_format.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "clients/cli/duration.h"
#include "clients/cli/text_table.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

using kv::v1::LinkFault;

// All of it, unlike FormatDurationMs: what was set is what is shown.
std::string Exactly(uint64_t duration_ms) {
  return absl::FormatDuration(absl::Milliseconds(static_cast<int64_t>(duration_ms)));
}

std::string Share(double share) {
  return absl::StrCat(share * 100, "%");
}

std::string DelayText(const LinkFault& fault) {
  if (fault.jitter_ms() == 0) return Exactly(fault.delay_ms());
  return absl::StrCat(Exactly(fault.delay_ms()), " to ", Exactly(fault.delay_ms() + fault.jitter_ms()));
}

std::string LeftText(const LinkFault& fault) {
  return fault.for_ms() == 0 ? "until cleared" : FormatDurationMs(static_cast<int64_t>(fault.for_ms()));
}

// "A to C", or "A" of a pause.
std::string Way(const std::string& from, const LinkFault& fault) {
  return fault.pause() ? Printable(from) : absl::StrCat(Printable(from), " to ", Printable(fault.to()));
}

std::string RawLine(const std::string& from, const LinkFault& fault) {
  return absl::StrCat(Printable(from), "\t", Printable(fault.to()), "\t", LinkFaultText(fault), "\n");
}

Json NodeJson(const std::string& node_id, const std::string& address) {
  return {{"node_id", node_id}, {"address", address}};
}

Json ErrorJson(const absl::Status& status) {
  return {{"code", absl::StatusCodeToString(status.code())},
          {"reason", ErrorReason(status)},
          {"message", std::string(status.message())}};
}

// {"nodes":[{"node_id":…,"address":…, and what `describe` says, or "error"},…]}
template <typename Response, typename Describe>
std::string NodesLine(const std::vector<NodeAnswer<Response>>& answers, Describe describe) {
  Json nodes = Json::array();
  for (const NodeAnswer<Response>& answer : answers) {
    Json object = NodeJson(answer.node_id, answer.address);
    if (answer.result.ok()) {
      describe(answer, &object);
    } else {
      object["error"] = ErrorJson(answer.result.status);
    }
    nodes.push_back(std::move(object));
  }
  return absl::StrCat(Line({{"nodes", std::move(nodes)}}), "\n");
}

Cell Title(const char* text) {
  return {text, Style::kBold};
}

// Speaks for those alone that have answered.
std::string NoFaults(const std::vector<NodeAnswer<kv::v1::ListLinkFaultsResponse>>& answers) {
  std::vector<std::string> answered;
  for (const auto& answer : answers) {
    if (answer.result.ok()) answered.push_back(Printable(answer.node_id));
  }
  if (answered.size() == answers.size()) return "no faults\n";
  return absl::StrCat("no faults at ", absl::StrJoin(answered, ", "), "\n");
}

std::string Table(const std::vector<NodeAnswer<kv::v1::ListLinkFaultsResponse>>& answers, Colour colour) {
  TextTable table;
  table.Add({Title("FROM"), Title("TO"), Title("FAULT"), Title("LEFT"), Title("DROPPED"), Title("DELAYED"),
             Title("DUPLICATED")});
  bool is_empty = true;
  for (const auto& answer : answers) {
    for (const LinkFault& fault : answer.result.response.faults()) {
      is_empty = false;
      table.Add({Printable(answer.node_id), fault.pause() ? "all" : Printable(fault.to()),
                 Cell(LinkFaultText(fault), Style::kBusy), LeftText(fault), absl::StrCat(fault.dropped()),
                 absl::StrCat(fault.delayed()), absl::StrCat(fault.duplicated())});
    }
  }
  return is_empty ? NoFaults(answers) : table.Render(colour);
}

}  // namespace

std::string LinkFaultText(const LinkFault& fault) {
  if (fault.pause()) return "pause";
  std::vector<std::string> effects;
  if (fault.delay_ms() + fault.jitter_ms() > 0) effects.push_back(absl::StrCat("delay ", DelayText(fault)));
  if (fault.drop() > 0) effects.push_back(absl::StrCat("drop ", Share(fault.drop())));
  if (fault.duplicate() > 0) effects.push_back(absl::StrCat("duplicate ", Share(fault.duplicate())));
  if (fault.reorder() > 0) effects.push_back(absl::StrCat("reorder ", Share(fault.reorder())));
  if (fault.cut()) effects.push_back("cut");
  return absl::StrJoin(effects, ", ");
}

Json LinkFaultJson(const std::string& from, const LinkFault& fault) {
  Json object = {{"from", from},
                 {"to", fault.to()},
                 {"delay_ms", fault.delay_ms()},
                 {"jitter_ms", fault.jitter_ms()},
                 {"drop", fault.drop()},
                 {"duplicate", fault.duplicate()},
                 {"reorder", fault.reorder()},
                 {"cut", fault.cut()},
                 {"pause", fault.pause()},
                 {"left_ms", nullptr},
                 {"dropped", fault.dropped()},
                 {"delayed", fault.delayed()},
                 {"duplicated", fault.duplicated()}};
  if (fault.for_ms() > 0) object["left_ms"] = fault.for_ms();
  return object;
}

std::string FormatPlacedFaults(const std::vector<PlacedFault>& faults, OutputFormat format) {
  Json nodes = Json::array();
  std::string text;
  for (const PlacedFault& placed : faults) {
    const LinkFault& fault = placed.fault;
    Json object = NodeJson(placed.node_id, placed.address);
    object["set"] = LinkFaultJson(placed.node_id, fault);
    nodes.push_back(std::move(object));
    if (format == OutputFormat::kRaw) {
      text += RawLine(placed.node_id, fault);
    } else {
      absl::StrAppend(&text, "OK ", Way(placed.node_id, fault), ": ", LinkFaultText(fault),
                      fault.for_ms() == 0 ? ", until cleared" : absl::StrCat(", for ", LeftText(fault)),
                      "\n");
    }
  }
  if (format == OutputFormat::kJson) return absl::StrCat(Line({{"nodes", std::move(nodes)}}), "\n");
  return text;
}

std::string FormatLinkFaults(const std::vector<NodeAnswer<kv::v1::ListLinkFaultsResponse>>& answers,
                             OutputFormat format, Colour colour) {
  if (format == OutputFormat::kJson) {
    return NodesLine(answers, [](const auto& answer, Json* object) {
      Json faults = Json::array();
      for (const LinkFault& fault : answer.result.response.faults()) {
        faults.push_back(LinkFaultJson(answer.node_id, fault));
      }
      (*object)["faults"] = std::move(faults);
    });
  }
  if (format == OutputFormat::kRaw) {
    std::string text;
    for (const auto& answer : answers) {
      for (const LinkFault& fault : answer.result.response.faults()) text += RawLine(answer.node_id, fault);
    }
    return text;
  }
  const bool has_answer =
      std::any_of(answers.begin(), answers.end(), [](const auto& answer) { return answer.result.ok(); });
  return has_answer ? Table(answers, colour) : "";
}

std::string FormatClearedFaults(const std::vector<NodeAnswer<kv::v1::ClearLinkFaultsResponse>>& answers,
                                OutputFormat format) {
  if (format == OutputFormat::kJson) {
    return NodesLine(answers, [](const auto& answer, Json* object) {
      (*object)["cleared"] = answer.result.response.cleared();
    });
  }
  std::string text;
  for (const auto& answer : answers) {
    if (!answer.result.ok()) continue;
    const uint32_t cleared = answer.result.response.cleared();
    if (format == OutputFormat::kRaw) {
      absl::StrAppend(&text, Printable(answer.node_id), "\t", cleared, "\n");
    } else {
      absl::StrAppend(&text, "OK ", cleared, " cleared at ", Printable(answer.node_id), "\n");
    }
  }
  return text;
}

}  // namespace lamppost::cli
