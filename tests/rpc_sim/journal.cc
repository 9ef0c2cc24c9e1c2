#include "tests/rpc_sim/journal.h"

#include <algorithm>

namespace lamppost::rpc::sim {

const std::vector<const char*>& CheckNames() {
  static const auto* const kNames = new std::vector<const char*>{
#define LAMPPOST_RPC_SIM_NAME(constant, name, what) name,
      LAMPPOST_RPC_SIM_CHECKS(LAMPPOST_RPC_SIM_NAME)
#undef LAMPPOST_RPC_SIM_NAME
  };
  return *kNames;
}

const std::vector<const char*>& FaultNames() {
  static const auto* const kNames = new std::vector<const char*>{
#define LAMPPOST_RPC_SIM_NAME(constant, name) name,
      LAMPPOST_RPC_SIM_FAULTS(LAMPPOST_RPC_SIM_NAME)
#undef LAMPPOST_RPC_SIM_NAME
  };
  return *kNames;
}

void Tally::Add(const Tally& more) {
  for (size_t i = 0; i < looked.size(); ++i) looked[i] += more.looked[i];
  for (size_t i = 0; i < strikes.size(); ++i) strikes[i] += more.strikes[i];
  for (const auto& [name, count] : more.other) other[name] += count;
}

void Journal::Violated(CheckId check, const std::string& what) {
  const std::string name = CheckNames()[static_cast<size_t>(check)];
  Tell("VIOLATED ", name, ": ", what);
  const bool known = std::any_of(violations_.begin(), violations_.end(),
                                 [&](const Violation& violation) { return violation.check == name; });
  if (violations_.size() < kViolationsMax || !known) violations_.push_back({name, what});
}

// FNV-1a, eight bytes at a time.
void Journal::EndLine() {
  if (out_ != nullptr) {
    *out_ << absl::StreamFormat("%10.3f  %s\n", static_cast<double>(scheduler_.now_us()) / 1000.0, line_);
  }
  line_.resize((line_.size() + 7) / 8 * 8, ' ');
  hash_ = (hash_ ^ scheduler_.now_us()) * 0x100000001B3u;
  for (size_t i = 0; i < line_.size(); i += 8) {
    uint64_t word = 0;
    for (size_t j = 0; j < 8; ++j) word = word << 8 | static_cast<uint8_t>(line_[i + j]);
    hash_ = (hash_ ^ word) * 0x100000001B3u;
    hash_ ^= hash_ >> 29;
  }
}

}  // namespace lamppost::rpc::sim
