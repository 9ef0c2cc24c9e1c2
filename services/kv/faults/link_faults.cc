#include "services/kv/faults/link_faults.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "FAULT_INVALID", what);
}

}  // namespace

absl::Status CheckFault(const LinkFault& fault) {
  for (const double probability : {fault.drop, fault.duplicate, fault.reorder}) {
    // Written so that what is no number fails, too.
    if (!(probability >= 0 && probability <= 1)) return Invalid("a probability is from 0 to 1");
  }
  if (fault.delay_ms > LinkFault::kDelayMsMax || fault.jitter_ms > LinkFault::kDelayMsMax) {
    return Invalid(absl::StrCat("a delay is at most ", LinkFault::kDelayMsMax / 1000, " s"));
  }
  if (fault.IsNone()) return Invalid("the fault has no effect");
  return absl::OkStatus();
}

// SplitMix64 (Steele, Lea, Flood, 2014).
uint64_t LinkFaults::Below(uint64_t bound) {
  random_ += 0x9E3779B97F4A7C15u;
  uint64_t mixed = random_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  mixed ^= mixed >> 31;
  return bound == 0 ? 0 : mixed % bound;
}

bool LinkFaults::Strikes(double probability) {
  constexpr uint64_t kParts = 1'000'000'000;
  return probability > 0 && Below(kParts) < static_cast<uint64_t>(probability * kParts);
}

void LinkFaults::Expire(uint64_t now_ms) {
  for (auto it = faults_.begin(); it != faults_.end();) {
    const bool is_over = it->second.until_ms != 0 && it->second.until_ms <= now_ms;
    it = is_over ? faults_.erase(it) : std::next(it);
  }
}

const std::map<std::string, LinkFault>& LinkFaults::At(uint64_t now_ms) {
  Expire(now_ms);
  return faults_;
}

Fate LinkFaults::Draw(const std::string& to, uint64_t now_ms) {
  Fate fate;
  Expire(now_ms);
  const auto it = faults_.find(to);
  if (it == faults_.end()) {
    fate.delays_ms.push_back(0);
    return fate;
  }
  const LinkFault& fault = it->second;
  if (fault.cut || Strikes(fault.drop)) return fate;
  const int copies = Strikes(fault.duplicate) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    uint64_t delay_ms = fault.delay_ms + (fault.jitter_ms == 0 ? 0 : Below(fault.jitter_ms + 1));
    if (Strikes(fault.reorder)) delay_ms += 1 + Below(kReorderMs);
    fate.delays_ms.push_back(delay_ms);
    fate.delayed |= delay_ms > 0;
  }
  return fate;
}

}  // namespace lamppost::kv
