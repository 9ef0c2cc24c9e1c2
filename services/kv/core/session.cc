#include "services/kv/core/session.h"

#include "services/common/mutation.h"

namespace lamppost::kv {

bool MayServe(const Heads& committed, const Heads& session) {
  return session.empty() || session.IsCoveredBy(committed) || LAMPPOST_MUTATION(kSessionNotAwaited);
}

void RaiseByRead(const Timestamp& version, const Heads& upcoming, Heads* session) {
  if (session->Covers(version) || !upcoming.Covers(version)) return;
  session->Raise(version.origin, version.counter);
}

}  // namespace lamppost::kv
