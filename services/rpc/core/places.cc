#include "services/rpc/core/places.h"

#include <algorithm>

#include "services/common/mutation.h"

namespace lamppost::rpc {

bool Places::Take(const std::string& function, size_t places_max) {
  const auto it = places_.find(function);
  if (it != places_.end() && (it->second.taken >= places_max || !it->second.queue.empty())) return false;
  ++places_[function].taken;
  return true;
}

bool Places::Wait(const std::string& function, size_t queue_max, const RequestId& id) {
  if (waiting(function) >= queue_max && !LAMPPOST_MUTATION(kQueueUnbounded)) return false;
  places_[function].queue.push_back(id);
  return true;
}

void Places::Withdraw(const std::string& function, const RequestId& id) {
  const auto it = places_.find(function);
  if (it == places_.end()) return;
  std::deque<RequestId>& queue = it->second.queue;
  queue.erase(std::remove(queue.begin(), queue.end(), id), queue.end());
  DropIfUnused(function);
}

void Places::GiveBack(const std::string& function) {
  --places_.at(function).taken;
  DropIfUnused(function);
}

std::optional<RequestId> Places::First(const std::string& function) const {
  const auto it = places_.find(function);
  if (it == places_.end() || it->second.queue.empty()) return std::nullopt;
  return it->second.queue.front();
}

bool Places::TakeFirst(const std::string& function, size_t places_max) {
  Place& place = places_.at(function);
  if (place.taken >= places_max) return false;
  ++place.taken;
  place.queue.pop_front();
  return true;
}

size_t Places::taken(absl::string_view function) const {
  const auto it = places_.find(function);
  return it == places_.end() ? 0 : it->second.taken;
}

size_t Places::waiting(absl::string_view function) const {
  const auto it = places_.find(function);
  return it == places_.end() ? 0 : it->second.queue.size();
}

void Places::DropIfUnused(const std::string& function) {
  const auto it = places_.find(function);
  if (it->second.taken == 0 && it->second.queue.empty()) places_.erase(it);
}

}  // namespace lamppost::rpc
