#include "clients/cpp/client_session.h"

#include <algorithm>

namespace lamppost::client {

void ClientSession::Merge(const kv::v1::Session& seen) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const clock::v1::Head& head : seen.heads()) {
    if (head.counter() == 0) continue;
    uint64_t& counter = counters_[{head.origin().node_id(), head.origin().incarnation()}];
    counter = std::max(counter, head.counter());
  }
  while (counters_.size() > kHeadsMax) {
    counters_.erase(std::min_element(counters_.begin(), counters_.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
}

kv::v1::Session ClientSession::Get() const {
  std::lock_guard<std::mutex> lock(mutex_);
  kv::v1::Session session;
  for (const auto& [life, counter] : counters_) {
    clock::v1::Head* head = session.add_heads();
    head->mutable_origin()->set_node_id(life.first);
    head->mutable_origin()->set_incarnation(life.second);
    head->set_counter(counter);
  }
  return session;
}

}  // namespace lamppost::client
