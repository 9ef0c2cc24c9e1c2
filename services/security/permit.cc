#include "services/security/permit.h"

namespace lamppost::security {

absl::Status Permit::Check(absl::Time now) {
  if (gate_ == nullptr) return absl::OkStatus();
  // Read before asking: a policy that comes in between is asked by the next check.
  const uint64_t policy = gate_->policy_number();
  if (policy == asked_policy_ && now < ask_again_) return absl::OkStatus();
  const absl::Status answer = ask_();
  if (answer.ok()) {
    asked_policy_ = policy;
    ask_again_ = now + kAskAgain;
  }
  return answer;
}

}  // namespace lamppost::security
