#include "tests/sim/checks/convergence.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "services/kv/core/testing/store_audit.h"

namespace lamppost::sim {

void ContentsAreEqual::OnEnd() {
  using kv::testing::Tombstones;
  const auto first = kv::testing::Dump(facts().node(0).disk(), Tombstones::kLeftOut);
  for (NodeIndex node = 0; node < facts().size(); ++node) {
    const Disk& disk = facts().node(node).disk();
    Looked();
    if (const std::string what = kv::testing::Audit(disk); !what.empty()) {
      Violated(absl::StrCat("the store of node ", NodeId(node), ": ", what));
    }
    if (facts().node(node).replica().state().hash.Total() != facts().node(0).replica().state().hash.Total()) {
      Violated(absl::StrCat("nodes A and ", NodeId(node), " have different content hashes"));
    }
    const auto contents = kv::testing::Dump(disk, Tombstones::kLeftOut);
    if (contents.size() != first.size())
      Violated(absl::StrCat("node ", NodeId(node), " has other keys than A"));
    for (const auto& [key, version] : first) {
      Looked();
      const auto it = contents.find(key);
      if (it != contents.end() && it->second == version) continue;
      Violated(absl::StrCat("key ", key, " differs between nodes A and ", NodeId(node)));
    }
  }
}

void ContentsAreEqual::OnNotSettled(const std::string&) {
  for (NodeIndex node = 1; node < facts().size(); ++node) {
    if (!facts().node(0).IsUp() || !facts().node(node).IsUp()) continue;
    const kv::Replica& a = facts().node(0).replica();
    const kv::Replica& b = facts().node(node).replica();
    if (!Agree(a.heads(), b.heads()) || a.state().hash.Total() == b.state().hash.Total()) continue;
    Violated(absl::StrCat("nodes A and ", NodeId(node), " have had the same writes and hold something else"));
  }
}

}  // namespace lamppost::sim
