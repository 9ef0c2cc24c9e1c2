#include "clients/cpp/watch_progress.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

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
  const uint64_t reached = undone - 1;
  std::map<std::pair<std::string, uint64_t>, uint64_t> told;
  for (const clock::v1::Head& head : before.heads()) {
    told[{head.origin().node_id(), head.origin().incarnation()}] = head.counter();
  }
  kv::v1::Session session;
  for (clock::v1::Head head : message.session().heads()) {
    const auto it = told.find({head.origin().node_id(), head.origin().incarnation()});
    const uint64_t at_least = it == told.end() ? 0 : it->second;
    head.set_counter(std::max(at_least, std::min(head.counter(), reached)));
    if (head.counter() > 0) *session.add_heads() = std::move(head);
  }
  return session;
}

}  // namespace lamppost::client
