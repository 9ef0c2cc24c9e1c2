#include "services/kv/server/watch_pump.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/kv/server/driver.h"
#include "services/kv/server/shutting_down.h"

namespace lamppost::kv {
namespace {

// So often a watch is looked at whatever happens.
constexpr uint64_t kLookMs = 250;

}  // namespace

WatchPump::WatchPump(const Store* store, const PublishedHeads* heads, WatchPumpOptions options)
    : store_(store), heads_(heads), options_(options), thread_([this] { Run(); }) {}

WatchPump::~WatchPump() {
  Drain();
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }
  thread_.join();
}

void WatchPump::Add(WatchSpec spec, std::shared_ptr<WatchStream> stream) {
  absl::MutexLock lock(&mutex_);
  new_.emplace_back(std::move(spec), std::move(stream));
  woken_ = true;
}

void WatchPump::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = true;
}

void WatchPump::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  woken_ = true;
}

void WatchPump::TakeNew() {
  std::vector<std::pair<WatchSpec, std::shared_ptr<WatchStream>>> taken;
  {
    absl::MutexLock lock(&mutex_);
    taken.swap(new_);
    is_draining_ = draining_;
  }
  has_watches_.store(!watches_.empty() || !taken.empty(), std::memory_order_relaxed);
  // What has been forgotten by now, and not later, is nothing to a watch from the beginning.
  const PublishedHeads::View view = heads_->Now();
  for (auto& [spec, stream] : taken) {
    Watch watch;
    watch.feed = std::make_unique<ChangeFeed>(spec.scope, spec.from ? *spec.from : *view.written,
                                              *view.committed, *view.forgotten, options_.feed);
    watch.spec = std::move(spec);
    watch.stream = std::move(stream);
    if (absl::Status status = watch.feed->CheckForgotten(*view.forgotten); !status.ok()) {
      watch.stream->End(status);
    }
    watches_.push_back(std::move(watch));
  }
}

bool WatchPump::IsBehind(const Watch& watch, const PublishedHeads::View& view) {
  return watch.heads_number != view.number && watch.feed->IsBehind(*view.written);
}

absl::Status WatchPump::BeginRound(Watch* watch, const PublishedHeads::View& view, uint64_t now_ms) {
  std::unique_ptr<StoreReader> snapshot = store_->Snapshot();
  watch->round_began_ms = now_ms;
  watch->heads_number = view.number;
  // Looked at after the snapshot was taken, so that nothing is gone from that without being in this.
  const PublishedHeads::View later = heads_->Now();
  return watch->feed->Begin(std::move(snapshot), *view.written, *later.forgotten);
}

// The caller has not taken the message before, or has gone.
WatchPump::Turn WatchPump::ServeUnready(Watch* watch, uint64_t now_ms) {
  if (watch->stream->IsFinished()) return Turn::kOver;
  if (watch->feed->IsInRound() && now_ms >= watch->round_began_ms + options_.snapshot_age_max_ms) {
    watch->feed->Abandon();
    watch->heads_number = 0;
  }
  if (!watch->stream->IsOver()) return Turn::kIdle;
  if (watch->cancel_due_ms == 0) watch->cancel_due_ms = now_ms + options_.end_grace_ms;
  if (now_ms >= watch->cancel_due_ms) watch->stream->Cancel();
  return Turn::kIdle;
}

WatchPump::Turn WatchPump::Serve(Watch* watch, const PublishedHeads::View& view, uint64_t now_ms) {
  if (is_draining_) watch->stream->End(ShuttingDown());
  if (!watch->stream->IsReady()) return ServeUnready(watch, now_ms);
  ChangeFeed& feed = *watch->feed;
  absl::StatusOr<std::vector<KeyedVersion>> versions = std::vector<KeyedVersion>();
  if (!feed.IsInRound() && now_ms >= watch->round_due_ms && IsBehind(*watch, view)) {
    if (absl::Status status = BeginRound(watch, view, now_ms); !status.ok()) versions = status;
  }
  Turn turn = Turn::kIdle;
  if (feed.IsInRound()) {
    turn = Turn::kWorked;
    versions = feed.Next();
    if (!feed.IsInRound()) watch->round_due_ms = now_ms + options_.round_gap_ms;
  }
  if (!versions.ok()) {
    watch->stream->End(versions.status());
    return ServeUnready(watch, now_ms);
  }
  if (versions->empty() && now_ms < watch->message_due_ms) return turn;
  watch->stream->Send(WatchAnswer(*versions, feed.reached(), watch->spec.content));
  watch->message_due_ms = now_ms + watch->spec.progress_interval_ms;
  return Turn::kWorked;
}

uint64_t WatchPump::DueMs(const Watch& watch, const PublishedHeads::View& view, uint64_t now_ms) const {
  if (!watch.stream->IsReady()) return now_ms + kLookMs;
  if (watch.feed->IsInRound()) return now_ms;
  return IsBehind(watch, view) ? std::min(watch.message_due_ms, watch.round_due_ms) : watch.message_due_ms;
}

WatchPump::Turn WatchPump::ServeAll() {
  const PublishedHeads::View view = heads_->Now();
  const uint64_t now_ms = MonotonicMs();
  due_ms_ = std::numeric_limits<uint64_t>::max();
  Turn all = Turn::kIdle;
  for (Watch& watch : watches_) {
    const Turn turn = Serve(&watch, view, now_ms);
    if (turn == Turn::kWorked) all = turn;
    if (turn == Turn::kOver) {
      watch.stream.reset();
    } else {
      due_ms_ = std::min(due_ms_, DueMs(watch, view, now_ms));
    }
  }
  const auto is_over = [](const Watch& watch) { return watch.stream == nullptr; };
  watches_.erase(std::remove_if(watches_.begin(), watches_.end(), is_over), watches_.end());
  return all;
}

void WatchPump::AwaitWork() {
  const auto woken = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return woken_ || ended_; };
  const uint64_t now_ms = MonotonicMs();
  if (due_ms_ <= now_ms) return;
  absl::MutexLock lock(&mutex_);
  if (watches_.empty()) {
    mutex_.Await(absl::Condition(&woken));
  } else {
    mutex_.AwaitWithTimeout(absl::Condition(&woken), absl::Milliseconds(due_ms_ - now_ms));
  }
}

void WatchPump::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_ && watches_.empty() && new_.empty()) return;
      woken_ = false;
    }
    TakeNew();
    if (ServeAll() == Turn::kIdle) absl::SleepFor(absl::Milliseconds(options_.idle_gap_ms));
    AwaitWork();
  }
}

}  // namespace lamppost::kv
