// The permission of a call that lasts: asked for when it begins, and again and again while it goes on.
#ifndef LAMPPOST_SERVICES_SECURITY_PERMIT_H_
#define LAMPPOST_SERVICES_SECURITY_PERMIT_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/security/gate.h"

namespace lamppost::security {

// Asks anew once the gate's policy has been replaced, and each minute, since a certificate ends without
// anybody's doing. Not thread-safe.
class Permit {
 public:
  // Whether the caller may: Gate's errors.
  using AskFn = std::function<absl::Status()>;

  static constexpr absl::Duration kAskAgain = absl::Minutes(1);

  // gate: null if everybody may everything; `ask` is never called then. It must outlive the permit.
  Permit(const Gate* gate, AskFn ask) : gate_(gate), ask_(std::move(ask)) {}

  // To be called before each message that goes out, or comes in. Cheap. After an error the call is to end.
  absl::Status Check(absl::Time now);

 private:
  const Gate* const gate_;
  const AskFn ask_;
  uint64_t asked_policy_ = 0;  // none
  absl::Time ask_again_ = absl::InfinitePast();
};

}  // namespace lamppost::security

#endif  // LAMPPOST_SERVICES_SECURITY_PERMIT_H_
