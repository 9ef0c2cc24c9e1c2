#include "clients/cpp/watch_progress.h"

#include <algorithm>
#include <cstdint>

#include "clients/cpp/client_session.h"

namespace lamppost::client {

kv::v1::Session SessionAfter(const kv::v1::Session& before, const kv::v1::WatchResponse& message,
                             size_t events_done) {
  const auto count = static_cast<size_t>(message.events_size());
  if (events_done >= count) return message.session();
  // Everything below the first event that is not done has been told: events come in the order of their
  // counters.
  uint64_t undone = message.events(static_cast<int>(events_done)).version().counter();
  for (size_t i = events_done; i < count; ++i) {
    undone = std::min(undone, message.events(static_cast<int>(i)).version().counter());
  }
  ClientSession session(before);
  kv::v1::Session done;
  for (size_t i = 0; i < events_done; ++i) {
    const clock::v1::Timestamp& version = message.events(static_cast<int>(i)).version();
    if (version.counter() >= undone) continue;
    done.Clear();
    clock::v1::Head* head = done.add_heads();
    head->mutable_origin()->set_node_id(version.node_id());
    head->mutable_origin()->set_incarnation(version.incarnation());
    head->set_counter(version.counter());
    session.Merge(done);
  }
  return session.Get();
}

}  // namespace lamppost::client
