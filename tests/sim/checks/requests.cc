#include "tests/sim/checks/requests.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lamppost::sim {
namespace {

bool Same(const std::vector<kv::Operation>& a, const std::vector<kv::Operation>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.key == other.key && one.value == other.value;
  });
}

// Drops what concerns a node from a map by node and request id.
template <typename Map>
void DropNode(NodeIndex node, Map* map) {
  map->erase(map->lower_bound({node, ""}), map->lower_bound({node + 1, ""}));
}

}  // namespace

void RequestsTakeEffectOnce::Forget(NodeIndex node) {
  DropNode(node, &first_);
}

void RequestsTakeEffectOnce::OnStopped(NodeIndex node, Loss, size_t lost) {
  if (lost > 0) Forget(node);
}

void RequestsTakeEffectOnce::OnCommitted(NodeIndex node, const kv::Output&) {
  for (const Facts::Answered& answered : facts().answered()) {
    const std::string& id = answered.proposal.request_id;
    if (id.empty()) continue;
    Looked();
    const kv::WriteResult& result = answered.result;
    const auto [it, is_first] = first_.insert({{node, id}, result.version});
    if (is_first) {
      if (!result.replayed || facts().Find(result.version) != nullptr) continue;
      Violated(absl::StrCat("node ", NodeId(node), " replays ", ToString(result.version), " for ", id,
                            ", which nobody wrote"));
    } else if (!result.replayed || result.version != it->second) {
      Violated(absl::StrCat("request ", id, " takes effect again at node ", NodeId(node), " as ",
                            ToString(result.version), " after ", ToString(it->second)));
    }
  }
}

void ReusedIdsAreRefused::Forget(NodeIndex node) {
  DropNode(node, &used_);
}

void ReusedIdsAreRefused::OnStopped(NodeIndex node, Loss, size_t lost) {
  if (lost > 0) Forget(node);
}

void ReusedIdsAreRefused::OnCommitted(NodeIndex node, const kv::Output&) {
  for (const Facts::Answered& answered : facts().answered()) {
    const std::string& id = answered.proposal.request_id;
    if (id.empty()) continue;
    const auto [it, is_first] = used_.insert({{node, id}, answered.proposal.operations});
    Looked();
    if (is_first || Same(it->second, answered.proposal.operations)) continue;
    Violated(absl::StrCat("node ", NodeId(node), " accepts request id ", id, " for another write"));
  }
}

}  // namespace lamppost::sim
