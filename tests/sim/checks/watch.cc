#include "tests/sim/checks/watch.h"

#include "absl/strings/str_cat.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/testing/store_audit.h"

namespace lamppost::sim {
namespace {

// Small chunks, so that moves come in the midst of rounds.
kv::ChangeFeedOptions SmallChunks() {
  kv::ChangeFeedOptions options;
  options.events_max = 1;
  options.visits_max = 3;
  return options;
}

}  // namespace

void WatchIsWhole::Restart() {
  at_.reset();
  feed_ = std::make_unique<kv::ChangeFeed>(kv::WatchScope(), kv::Heads(), kv::Heads(), kv::Heads(),
                                           SmallChunks());
  view_.clear();
  with_value_.clear();
  told_.clear();
}

// What was told of and is gone with a disk does not come back, and the watch cannot know.
void WatchIsWhole::OnStopped(NodeIndex node, Loss, size_t lost) {
  if (lost > 0) return Restart();
  if (at_ != node) return;
  feed_->Abandon();
  at_.reset();
}

void WatchIsWhole::OnDiskExchanged(NodeIndex) {
  Restart();
}

bool WatchIsWhole::MayMoveTo(NodeIndex node) const {
  return feed_->reached().IsCoveredBy(facts().node(node).replica().heads());
}

void WatchIsWhole::MoveTo(NodeIndex node) {
  at_ = node;
  const kv::Heads session = feed_->reached();
  const kv::State& state = facts().node(node).replica().state();
  feed_ = std::make_unique<kv::ChangeFeed>(kv::WatchScope(), session, state.heads, state.forgotten,
                                           SmallChunks());
}

void WatchIsWhole::OnCommitted(NodeIndex node, const kv::Output&) {
  constexpr uint64_t kCommitsToStay = 5;
  ++commits_;
  const bool leaves = !at_ || (at_ != node && commits_ % kCommitsToStay == 0);
  if (leaves && MayMoveTo(node)) MoveTo(node);
  if (at_ == node && !Follow(node)) Restart();
}

bool WatchIsWhole::Follow(NodeIndex node) {
  const kv::Replica& replica = facts().node(node).replica();
  if (!feed_->IsInRound()) {
    if (!feed_->IsBehind(replica.WrittenHeads())) return true;
    const absl::Status begun =
        feed_->Begin(facts().node(node).disk().Snapshot(), replica.WrittenHeads(), replica.state().forgotten);
    if (!begun.ok()) return false;  // too old, or damage
  }
  const auto versions = feed_->Next();
  if (!versions.ok()) return false;
  for (const kv::KeyedVersion& version : *versions) Hear(version);
  return true;
}

void WatchIsWhole::Hear(const kv::KeyedVersion& version) {
  const Timestamp& timestamp = version.version.timestamp;
  const std::string what = absl::StrCat("key ", version.key, ", ", ToString(timestamp));
  Looked();
  if (!told_.insert({version.key, timestamp}).second) {
    Violated(absl::StrCat(what, ", was told twice"));
  } else if (const auto it = view_.find(version.key); it != view_.end() && timestamp < it->second) {
    Violated(absl::StrCat(what, ", was told after ", ToString(it->second)));
  }
  if (!feed_->reached().Covers(timestamp)) Violated(absl::StrCat(what, ", is not in the watch's session"));
  view_[version.key] = timestamp;
  if (version.version.IsTombstone()) {
    with_value_.erase(version.key);
  } else {
    with_value_.insert(version.key);
  }
}

void WatchIsWhole::OnEnd() {
  for (NodeIndex node = 0; node < facts().size(); ++node) {
    if (!MayMoveTo(node)) continue;  // it has seen what is gone with a disk
    MoveTo(node);
    while (feed_->IsInRound() || feed_->IsBehind(facts().node(node).replica().WrittenHeads())) {
      if (!Follow(node)) return;
    }
    const auto contents = kv::testing::Dump(facts().node(node).disk(), kv::testing::Tombstones::kIncluded);
    Looked();
    for (const auto& [key, version] : contents) {
      // What a node had sent only in part when it lost its disk may be covered by nobody's heads, ever.
      if (kv::IsSystemKey(key) || facts().IsRotten(key)) continue;
      const bool covered = facts().node(node).replica().heads().Covers(version.timestamp);
      if (!covered || (view_.count(key) > 0 && view_[key] == version.timestamp)) continue;
      if (version.IsTombstone() && with_value_.count(key) == 0) continue;  // and was not there when it began
      Violated(absl::StrCat("key ", key, " of node ", NodeId(node), " has not been told at ",
                            ToString(version.timestamp)));
    }
    for (const std::string& key : with_value_) {
      if (contents.count(key) == 0 && !facts().IsRotten(key)) {
        Violated(absl::StrCat("that key ", key, " of node ", NodeId(node), " is deleted has not been told"));
      }
    }
  }
}

}  // namespace lamppost::sim
