#include "clients/cli/link_fault_arguments.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "clients/cli/duration.h"
#include "clients/cli/function_arguments.h"

namespace lamppost::cli {
namespace {

constexpr char kFaultFooter[] =
    R"(Faults of links strike what nodes send to each other, at nodes started with --enable-faults. They hold
both ways unless --one-way is given, add up on a link, and stay until they are cleared or --for is over.

Examples:
  lamppost fault delay A C 5s --jitter 1s
  lamppost fault drop A C 30% --for 1m
  lamppost fault cut A C --one-way
  lamppost fault clear)";

enum class Presence { kRequired, kOptional };

// What is empty is most likely a variable that is not set, and not the wish to have none.
CLI::Validator IsGiven() {
  return CLI::Validator([](const std::string& text) { return text.empty() ? "is empty" : ""; }, "");
}

void AddLink(CLI::App* verb, Presence presence, RawLinkFaultArguments* raw) {
  LinkFaultArguments* arguments = &raw->arguments;
  const bool required = presence == Presence::kRequired;
  verb->add_option("FROM", arguments->from, "The --id of a node")->required(required)->check(IsGiven());
  verb->add_option("TO", arguments->to, "The --id of another")->required(required)->check(IsGiven());
  verb->add_flag_callback(
      "--one-way", [arguments] { arguments->ways = LinkWays::kOneWay; }, "Only what FROM sends to TO");
}

CLI::App* AddEffect(CLI::App* fault, const char* name, const char* description, LinkEffect effect,
                    RawLinkFaultArguments* raw) {
  CLI::App* verb = fault->add_subcommand(name, description);
  verb->add_option("--for", raw->lasting, "It ends by itself after so long [it stays until it is cleared]")
      ->type_name("DURATION")
      ->check(IsGiven());
  verb->final_callback([raw, effect] {
    raw->arguments.action = LinkFaultAction::kSet;
    raw->arguments.effect = effect;
  });
  return verb;
}

absl::Status Wrong(absl::string_view what, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", message));
}

absl::StatusOr<uint64_t> ParseDelayMs(absl::string_view what, const std::string& text) {
  const absl::StatusOr<int64_t> delay_ms = ParseDurationMs(text);
  if (!delay_ms.ok()) return Wrong(what, delay_ms.status().message());
  if (static_cast<uint64_t>(*delay_ms) > kFaultDelayMsMax) return Wrong(what, "it is more than an hour");
  return static_cast<uint64_t>(*delay_ms);
}

absl::Status CheckDelay(const RawLinkFaultArguments& raw, kv::v1::LinkFault* fault) {
  const absl::StatusOr<uint64_t> delay_ms = ParseDelayMs("DELAY", raw.amount);
  if (!delay_ms.ok()) return delay_ms.status();
  fault->set_delay_ms(*delay_ms);
  if (raw.jitter.empty()) return absl::OkStatus();
  const absl::StatusOr<uint64_t> jitter_ms = ParseDelayMs("--jitter", raw.jitter);
  if (!jitter_ms.ok()) return jitter_ms.status();
  fault->set_jitter_ms(*jitter_ms);
  return absl::OkStatus();
}

absl::Status CheckShare(const std::string& text, double* share) {
  const absl::StatusOr<double> parsed = ParseShare(text);
  if (!parsed.ok()) return Wrong("SHARE", parsed.status().message());
  *share = *parsed;
  return absl::OkStatus();
}

absl::Status CheckEffect(const RawLinkFaultArguments& raw, LinkEffect effect, kv::v1::LinkFault* fault) {
  double share = 0;
  absl::Status status;
  switch (effect) {
    case LinkEffect::kDelay:
      return CheckDelay(raw, fault);
    case LinkEffect::kDrop:
      status = CheckShare(raw.amount, &share);
      fault->set_drop(share);
      return status;
    case LinkEffect::kDuplicate:
      status = CheckShare(raw.amount, &share);
      fault->set_duplicate(share);
      return status;
    case LinkEffect::kReorder:
      status = CheckShare(raw.amount, &share);
      fault->set_reorder(share);
      return status;
    case LinkEffect::kCut:
      fault->set_cut(true);
      return status;
    case LinkEffect::kPause:
      fault->set_pause(true);
      return status;
  }
  return status;
}

absl::Status CheckEnds(const LinkFaultArguments& arguments) {
  if (arguments.from.empty() && arguments.ways == LinkWays::kOneWay)
    return absl::InvalidArgumentError("fault clear --one-way takes the node that sends");
  if (!arguments.from.empty() && arguments.from == arguments.to)
    return Wrong("TO", "a node has no link to itself");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<double> ParseShare(absl::string_view text) {
  absl::string_view number = text;
  const bool is_percent = absl::ConsumeSuffix(&number, "%");
  double share = 0;
  // Abseil also takes "nan", signs and spaces, which mean nothing here.
  const bool is_plain = number.find_first_not_of("0123456789.") == absl::string_view::npos;
  if (!is_plain || !absl::SimpleAtod(number, &share)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a share: write a percentage such as 30%, or 0.3"));
  }
  if (is_percent) share /= 100;
  if (share > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is more than 100%", is_percent ? "" : "; a percentage is written with %"));
  }
  if (share <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' would have no effect; 'lamppost fault clear' ends a fault"));
  }
  return share;
}

void AddLinkFaultVerbs(CLI::App* fault, RawLinkFaultArguments* raw) {
  fault->footer(kFaultFooter);
  const auto add = [&](const char* name, const char* description, LinkEffect effect) {
    CLI::App* verb = AddEffect(fault, name, description, effect, raw);
    AddLink(verb, Presence::kRequired, raw);
    return verb;
  };
  CLI::App* delay = add("delay", "Let each message between two nodes take longer", LinkEffect::kDelay);
  delay->add_option("DELAY", raw->amount, "So much, such as 5s; an hour at most")->required();
  delay->add_option("--jitter", raw->jitter, "And up to so much more, drawn for each message [none]")
      ->type_name("DURATION")
      ->check(IsGiven());
  for (CLI::App* verb : {add("drop", "Lose some of the messages", LinkEffect::kDrop),
                         add("duplicate", "Deliver some of the messages twice", LinkEffect::kDuplicate),
                         add("reorder", "Let later messages overtake some of them", LinkEffect::kReorder)}) {
    verb->add_option("SHARE", raw->amount, "How many of them: 30%, or 0.3")->required();
  }
  add("cut", "Lose all messages between two nodes", LinkEffect::kCut);
  CLI::App* pause = AddEffect(fault, "pause", "Cut a node off from all others", LinkEffect::kPause, raw);
  pause->add_option("NODE", raw->arguments.from, "The node's --id")->required()->check(IsGiven());
  CLI::App* list = fault->add_subcommand("list", "List the faults in force at all nodes");
  list->final_callback([raw] { raw->arguments.action = LinkFaultAction::kList; });
  CLI::App* clear = fault->add_subcommand("clear", "End all faults, or those of a node, or between two");
  AddLink(clear, Presence::kOptional, raw);
  clear->final_callback([raw] { raw->arguments.action = LinkFaultAction::kClear; });
}

absl::Status CheckLinkFaultArguments(RawLinkFaultArguments* raw) {
  LinkFaultArguments* arguments = &raw->arguments;
  if (arguments->action == LinkFaultAction::kList) return absl::OkStatus();
  if (absl::Status status = CheckEnds(*arguments); !status.ok()) return status;
  if (arguments->action == LinkFaultAction::kClear) return absl::OkStatus();
  if (!raw->lasting.empty()) {
    const absl::StatusOr<int64_t> lasting_ms = ParseDurationMs(raw->lasting);
    if (!lasting_ms.ok()) return Wrong("--for", lasting_ms.status().message());
    arguments->fault.set_for_ms(static_cast<uint64_t>(*lasting_ms));
  }
  return CheckEffect(*raw, arguments->effect, &arguments->fault);
}

kv::v1::LinkFault WithEffect(kv::v1::LinkFault present, const LinkFaultArguments& asked) {
  kv::v1::LinkFault fault = std::move(present);
  switch (asked.effect) {
    case LinkEffect::kDelay:
      fault.set_delay_ms(asked.fault.delay_ms());
      fault.set_jitter_ms(asked.fault.jitter_ms());
      break;
    case LinkEffect::kDrop:
      fault.set_drop(asked.fault.drop());
      break;
    case LinkEffect::kDuplicate:
      fault.set_duplicate(asked.fault.duplicate());
      break;
    case LinkEffect::kReorder:
      fault.set_reorder(asked.fault.reorder());
      break;
    case LinkEffect::kCut:
      fault.set_cut(true);
      break;
    case LinkEffect::kPause:
      fault.set_pause(true);
      break;
  }
  if (asked.fault.for_ms() > 0) fault.set_for_ms(asked.fault.for_ms());
  return fault;
}

}  // namespace lamppost::cli
