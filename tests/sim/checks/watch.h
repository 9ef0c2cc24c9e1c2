// What a watch tells, wherever it goes on.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_WATCH_H_
#define LAMPPOST_TESTS_SIM_CHECKS_WATCH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "services/kv/core/change_feed.h"
#include "tests/sim/check.h"

namespace lamppost::sim {

// watch: a watch that goes from node to node, in the midst of rounds too, is told of no version twice and of
// a key's versions in ascending order, within its session, and in the end knows what the nodes hold.
class WatchIsWhole : public Check {
 public:
  WatchIsWhole(const Facts* facts, Findings* findings) : Check("watch", facts, findings) { Restart(); }
  void OnStopped(NodeIndex node, Loss loss, size_t lost) override;
  void OnDiskExchanged(NodeIndex node) override;
  void OnCommitted(NodeIndex node, const kv::Output& output) override;
  void OnEnd() override;
  void OnNotSettled(const std::string&) override { feed_->Abandon(); }

 private:
  // A watch of all keys from the beginning, by somebody who knows nothing.
  void Restart();
  void MoveTo(NodeIndex node);
  bool MayMoveTo(NodeIndex node) const;
  // One chunk. False if the node cannot serve the watch.
  bool Follow(NodeIndex node);
  void Hear(const kv::KeyedVersion& version);

  std::optional<NodeIndex> at_;
  std::unique_ptr<kv::ChangeFeed> feed_;
  std::map<std::string, Timestamp> view_;  // the latest version told of each key
  std::set<std::string> with_value_;       // of these, the ones that are no deletions
  std::set<std::pair<std::string, Timestamp>> told_;
  uint64_t commits_ = 0;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_WATCH_H_
