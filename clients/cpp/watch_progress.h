// How far a watch has come within a message. Pure.
#ifndef LAMPPOST_CLIENTS_CPP_WATCH_PROGRESS_H_
#define LAMPPOST_CLIENTS_CPP_WATCH_PROGRESS_H_

#include <cstddef>

#include "lamppost/kv/v1/kv_service.pb.h"
#include "lamppost/kv/v1/types.pb.h"

namespace lamppost::client {

// The session from which a watch goes on after the first `events_done` events of `message`; `before` is that
// of the message before it. Events of one atomic batch stand or fall together: if some of them are not among
// those, all of the batch comes again.
kv::v1::Session SessionAfter(const kv::v1::Session& before, const kv::v1::WatchResponse& message,
                             size_t events_done);

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_WATCH_PROGRESS_H_
