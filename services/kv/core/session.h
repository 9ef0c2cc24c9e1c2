// Sessions: the heads that a client has seen. A node answers a read only once its committed heads cover the
// session, and its answer's session covers what was read; so whoever passes it on, to any node, reads nothing
// older.
//
// Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_KV_CORE_SESSION_H_
#define LAMPPOST_SERVICES_KV_CORE_SESSION_H_

#include "services/clock/timestamp.h"
#include "services/kv/core/heads.h"

namespace lamppost::kv {

// Whether a node that has committed this may answer a read with that session.
bool MayServe(const Heads& committed, const Heads& session);

// A version was read which `session`, the heads committed before the read, may not cover; `upcoming` are the
// heads after the commit under way when the read had ended. If they cover it, that commit brought the
// version, and what can be read is durable: the session is raised to it.
//
// A version that neither covers came as part of a Sync that has not ended. It is not claimed: if its writer
// has lost its disk meanwhile, nobody's heads may ever cover it, and the session would wait for ever.
void RaiseByRead(const Timestamp& version, const Heads& upcoming, Heads* session);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_SESSION_H_
