#include "tests/sim/plan_text.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/sim/faults.h"

namespace lamppost::sim {
namespace {

using Words = std::vector<std::string>;

constexpr size_t kNodesMax = 26;
constexpr size_t kClientsMax = 1000;

// The settings that are one number each.
struct NumberSetting {
  const char* name;
  uint64_t Plan::*field;
};
constexpr NumberSetting kNumbers[] = {
    {"seed", &Plan::seed},
    {"sessions", &Plan::sessions},
    {"chunk_bytes", &Plan::chunk_bytes},
    {"window_bytes", &Plan::window_bytes},
    {"live_gather_ms", &Plan::live_gather_ms},
    {"queued_writes_max", &Plan::queued_writes_max},
    {"ledger_entries_max", &Plan::ledger_entries_max},
    {"faults_end_ms", &Plan::faults_end_ms},
    {"events_max", &Plan::events_max},
};
// And a range each.
struct RangeSetting {
  const char* name;
  uint64_t Plan::*least;
  uint64_t Plan::*greatest;
};
constexpr RangeSetting kRanges[] = {
    {"latency_us", &Plan::latency_min_us, &Plan::latency_max_us},
    {"commit_us", &Plan::commit_min_us, &Plan::commit_max_us},
};

std::string ToText(const Errand& errand) {
  std::string text = absl::StrCat("do ", errand.at_ms, " client=", errand.client,
                                  " node=", NodeId(errand.node), " ", NameOf(errand.act));
  for (const size_t key : errand.keys) absl::StrAppend(&text, " k", key);
  if (errand.replicas != 1) absl::StrAppend(&text, " replicas=", errand.replicas);
  if (errand.ttl_ms > 0) absl::StrAppend(&text, " ttl=", errand.ttl_ms);
  return errand.named ? text + " named" : text;
}

std::string ToText(const Strike& strike) {
  return absl::StrCat("strike ", strike.at_ms, " ", strike.fault, " node=", NodeId(strike.node),
                      " other=", NodeId(strike.other), " for=", strike.for_ms, " amount=", strike.amount);
}

bool ReadNode(absl::string_view text, NodeIndex* node) {
  if (text.size() != 1 || text[0] < 'A' || text[0] > 'Z') return false;
  *node = static_cast<NodeIndex>(text[0] - 'A');
  return true;
}

template <typename Enum>
bool ReadName(const std::string& text, size_t count, Enum* value) {
  for (size_t i = 0; i < count; ++i) {
    if (text != NameOf(static_cast<Enum>(i))) continue;
    *value = static_cast<Enum>(i);
    return true;
  }
  return false;
}

bool ReadErrand(const Words& words, Plan* plan) {
  Errand errand;
  if (words.size() < 5 || !absl::SimpleAtoi(words[1], &errand.at_ms)) return false;
  for (size_t i = 2; i < words.size(); ++i) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    size_t key = 0;
    bool good = false;
    if (parts.first == "client") {
      good = absl::SimpleAtoi(parts.second, &errand.client) && errand.client < plan->clients;
    } else if (parts.first == "node") {
      good = ReadNode(parts.second, &errand.node) && errand.node < plan->machines();
    } else if (parts.first == "replicas") {
      good = absl::SimpleAtoi(parts.second, &errand.replicas) && errand.replicas >= 1;
    } else if (parts.first == "ttl") {
      good = absl::SimpleAtoi(parts.second, &errand.ttl_ms);
    } else if (words[i] == "named") {
      good = errand.named = true;
    } else if (words[i][0] == 'k' && absl::SimpleAtoi(words[i].substr(1), &key)) {
      errand.keys.push_back(key);
      good = true;
    } else {
      good = ReadName(words[i], kActs, &errand.act);
    }
    if (!good) return false;
  }
  if (errand.keys.empty() != (errand.act == Act::kScan)) return false;
  plan->errands.push_back(std::move(errand));
  return true;
}

bool ReadStrike(const Words& words, Plan* plan) {
  Strike strike;
  if (words.size() < 3 || !absl::SimpleAtoi(words[1], &strike.at_ms)) return false;
  strike.fault = words[2];
  if (FindFault(strike.fault) == nullptr) return false;
  for (size_t i = 3; i < words.size(); ++i) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    const bool good =
        parts.first == "node"     ? ReadNode(parts.second, &strike.node) && strike.node < plan->machines()
        : parts.first == "other"  ? ReadNode(parts.second, &strike.other) && strike.other < plan->machines()
        : parts.first == "for"    ? absl::SimpleAtoi(parts.second, &strike.for_ms)
        : parts.first == "amount" ? absl::SimpleAtoi(parts.second, &strike.amount)
                                  : false;
    if (!good) return false;
  }
  plan->strikes.push_back(std::move(strike));
  return true;
}

bool ReadSetting(const Words& words, Plan* plan) {
  if (words[0] == "do") return ReadErrand(words, plan);
  if (words[0] == "strike") return ReadStrike(words, plan);
  if (words.size() == 3 && words[0] == "rate") {
    Rate rate{};
    return ReadName(words[1], kRates, &rate) &&
           absl::SimpleAtoi(words[2], &plan->rates[static_cast<size_t>(rate)]);
  }
  for (const RangeSetting& setting : kRanges) {
    if (words[0] != setting.name) continue;
    return words.size() == 3 && absl::SimpleAtoi(words[1], &(plan->*setting.least)) &&
           absl::SimpleAtoi(words[2], &(plan->*setting.greatest)) &&
           plan->*setting.least <= plan->*setting.greatest;
  }
  if (words.size() != 2) return false;
  for (const NumberSetting& setting : kNumbers) {
    if (words[0] == setting.name) return absl::SimpleAtoi(words[1], &(plan->*setting.field));
  }
  if (words[0] == "nodes") {
    return absl::SimpleAtoi(words[1], &plan->nodes) && plan->nodes >= 1 && plan->nodes <= kNodesMax;
  }
  if (words[0] == "spares") {
    return absl::SimpleAtoi(words[1], &plan->spares) && plan->spares <= 1;
  }
  if (words[0] == "clients") {
    return absl::SimpleAtoi(words[1], &plan->clients) && plan->clients >= 1 && plan->clients <= kClientsMax;
  }
  if (words[0] == "durability" && (words[1] == "sync" || words[1] == "interval")) {
    plan->durability = words[1] == "sync" ? kv::Durability::kSync : kv::Durability::kInterval;
    return true;
  }
  if (words[0] == "carriage" && (words[1] == "stream" || words[1] == "datagram")) {
    plan->carriage = words[1] == "stream" ? Carriage::kStream : Carriage::kDatagram;
    return true;
  }
  return false;
}

}  // namespace

std::string ToText(const Plan& plan) {
  std::string text =
      absl::StrCat("nodes ", plan.nodes, "\nspares ", plan.spares, "\nclients ", plan.clients,
                   "\ndurability ", plan.durability == kv::Durability::kSync ? "sync" : "interval",
                   "\ncarriage ", plan.carriage == Carriage::kStream ? "stream" : "datagram", "\n");
  for (const NumberSetting& setting : kNumbers) {
    absl::StrAppend(&text, setting.name, " ", plan.*setting.field, "\n");
  }
  for (const RangeSetting& setting : kRanges) {
    absl::StrAppend(&text, setting.name, " ", plan.*setting.least, " ", plan.*setting.greatest, "\n");
  }
  for (size_t i = 0; i < kRates; ++i) {
    if (plan.rates[i] > 0)
      absl::StrAppend(&text, "rate ", NameOf(static_cast<Rate>(i)), " ", plan.rates[i], "\n");
  }
  for (const Errand& errand : plan.errands) absl::StrAppend(&text, ToText(errand), "\n");
  for (const Strike& strike : plan.strikes) absl::StrAppend(&text, ToText(strike), "\n");
  return text;
}

absl::StatusOr<Plan> FromText(absl::string_view text) {
  Plan plan;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const Words words = absl::StrSplit(line.substr(0, line.find('#')), ' ', absl::SkipWhitespace());
    if (words.empty() || ReadSetting(words, &plan)) continue;
    return absl::InvalidArgumentError(absl::StrCat("line ", number, " of the plan makes no sense: ", line));
  }
  return plan;
}

absl::StatusOr<Plan> ReadPlan(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("there is no file ", path));
  std::stringstream text;
  text << file.rdbuf();
  return FromText(text.str());
}

}  // namespace lamppost::sim
