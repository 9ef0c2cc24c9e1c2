#include "services/kv/server/faulty_outbox.h"

#include <algorithm>
#include <iterator>

namespace lamppost::kv {

void FaultyOutbox::Set(const std::string& to, const LinkFault& fault) {
  faults_.Set(to, fault);
  in_force_.insert(to);
  counts_[to] = {};
}

void FaultyOutbox::Pause(uint64_t until_ms) {
  paused_ = true;
  paused_until_ms_ = until_ms;
  pause_counts_ = {};
}

size_t FaultyOutbox::Clear(const std::string& to) {
  const uint64_t now_ms = MonotonicMs();
  const size_t cleared = faults_.At(now_ms).count(to);
  faults_.Clear(to);
  ReleaseOfEnded(now_ms);
  return cleared;
}

size_t FaultyOutbox::ClearAll() {
  const uint64_t now_ms = MonotonicMs();
  const size_t cleared = faults_.At(now_ms).size() + (IsPaused() ? 1 : 0);
  paused_ = false;
  faults_.ClearAll();
  ReleaseOfEnded(now_ms);
  return cleared;
}

std::vector<FaultyOutbox::Listed> FaultyOutbox::List() {
  std::vector<Listed> list;
  for (const auto& [to, fault] : faults_.At(MonotonicMs())) list.push_back({to, fault, counts_[to]});
  return list;
}

bool FaultyOutbox::IsPaused() const {
  return paused_ && (paused_until_ms_ == 0 || MonotonicMs() < paused_until_ms_);
}

template <typename Message>
void FaultyOutbox::Mark(TraceKind kind, const std::string& to, const Message& message, uint64_t delay_ms) {
  if (message.trace == nullptr) return;
  TracePoint point = PointOf(message);
  point.kind = kind;
  point.peer = to;
  point.delay_ms = delay_ms;
  point.vector = message.trace;
  mark_(std::move(point));
}

template <typename Message>
Fate FaultyOutbox::FateOf(const std::string& to, const Message& message) {
  Fate fate;
  if (IsPaused()) {
    ++pause_counts_.dropped;
    Mark(TraceKind::kDrop, to, message, 0);
    return fate;
  }
  fate = faults_.Draw(to, MonotonicMs());
  if (fate.delayed && held_.size() >= kHeldMax) fate.delays_ms.clear();
  if (!fate.IsLost() && !fate.delayed && fate.delays_ms.size() == 1) return fate;
  Counts& counts = counts_[to];
  if (fate.IsLost()) {
    ++counts.dropped;
    Mark(TraceKind::kDrop, to, message, 0);
    return fate;
  }
  if (fate.delayed) {
    ++counts.delayed;
    Mark(TraceKind::kDelay, to, message, *std::max_element(fate.delays_ms.begin(), fate.delays_ms.end()));
  }
  if (fate.delays_ms.size() > 1) {
    ++counts.duplicated;
    Mark(TraceKind::kDuplicate, to, message, 0);
  }
  return fate;
}

void FaultyOutbox::Send(PeerIndex peer, SyncMessage message) {
  const Peer& its = replica_->peers()[peer];
  const Fate fate = FateOf(its.node_id, message);
  for (const uint64_t delay_ms : fate.delays_ms) {
    Hold(its.node_id, delay_ms, HeldMessage{peer, its.linked_ms, message});
  }
}

void FaultyOutbox::SendAnswer(const OutgoingAnswer& outgoing) {
  const Fate fate = FateOf(outgoing.to, outgoing.answer);
  for (const uint64_t delay_ms : fate.delays_ms) Hold(outgoing.to, delay_ms, outgoing);
}

void FaultyOutbox::Hold(const std::string& to, uint64_t delay_ms, Held held) {
  if (delay_ms == 0) return Deliver(std::move(held));
  held_.emplace(MonotonicMs() + delay_ms, std::make_pair(to, std::move(held)));
}

void FaultyOutbox::Deliver(Held held) {
  if (auto* outgoing = std::get_if<OutgoingAnswer>(&held)) return next_->SendAnswer(*outgoing);
  auto& message = std::get<HeldMessage>(held);
  const Peer& peer = replica_->peers()[message.peer];
  if (peer.linked_ms == message.linked_ms && peer.state != LinkState::kDown) {
    next_->Send(message.peer, std::move(message.message));
  }
}

// Past a link that has been cut since, or out of a node that is paused, nothing goes.
void FaultyOutbox::Release(const std::string& to, Held held) {
  const auto& faults = faults_.At(MonotonicMs());
  const auto fault = faults.find(to);
  const bool is_cut = fault != faults.end() && fault->second.cut;
  if (!is_cut && !IsPaused()) return Deliver(std::move(held));
  ++(IsPaused() ? pause_counts_ : counts_[to]).dropped;
  if (const auto* outgoing = std::get_if<OutgoingAnswer>(&held)) {
    Mark(TraceKind::kDrop, to, outgoing->answer, 0);
  } else {
    Mark(TraceKind::kDrop, to, std::get<HeldMessage>(held).message, 0);
  }
}

void FaultyOutbox::ReleaseDue(uint64_t now_ms) {
  while (!held_.empty() && held_.begin()->first <= now_ms) {
    auto [to, held] = std::move(held_.extract(held_.begin()).mapped());
    Release(to, std::move(held));
  }
}

// What a fault held back that has ended goes on at once; what is sent next must not go past it.
void FaultyOutbox::ReleaseOfEnded(uint64_t now_ms) {
  const auto& faults = faults_.At(now_ms);
  for (auto it = held_.begin(); it != held_.end();) {
    const auto here = it++;
    if (faults.count(here->second.first) > 0) continue;
    auto [to, held] = std::move(held_.extract(here).mapped());
    Release(to, std::move(held));
  }
}

void FaultyOutbox::Poll(uint64_t now_ms) {
  const auto& faults = faults_.At(now_ms);
  const bool has_ended = std::any_of(in_force_.begin(), in_force_.end(),
                                     [&](const std::string& to) { return faults.count(to) == 0; });
  if (has_ended) ReleaseOfEnded(now_ms);
  in_force_.clear();
  for (const auto& [to, fault] : faults) in_force_.insert(to);
  ReleaseDue(now_ms);
  next_->Poll(now_ms);
}

uint64_t FaultyOutbox::PatienceMs() const {
  if (held_.empty()) return UINT64_MAX;
  const uint64_t now_ms = MonotonicMs();
  return held_.begin()->first - std::min(held_.begin()->first, now_ms);
}

template <typename Message>
bool FaultyOutbox::AdmitsFrom(const Message& message) {
  if (!IsPaused()) return true;
  ++pause_counts_.dropped;
  if (message.trace == nullptr) return false;
  TracePoint point = PointOf(message);
  point.kind = TraceKind::kDrop;
  point.peer = message.clock.origin.node_id;
  point.sent_counter = message.clock.counter;
  point.vector = message.trace;
  mark_(std::move(point));
  return false;
}

bool FaultyOutbox::Admits(const SyncMessage& message) {
  return AdmitsFrom(message);
}

bool FaultyOutbox::Admits(const SyncAnswer& answer) {
  return AdmitsFrom(answer);
}

}  // namespace lamppost::kv
