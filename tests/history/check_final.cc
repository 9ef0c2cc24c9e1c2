// I4, I5 and I7 at the end: all nodes hold the same, and nothing acknowledged is lost or undone.
#include <map>

#include "tests/history/verdict.h"

namespace lamppost::history {
namespace {

std::string Shown(const Contents& contents, const std::string& key) {
  const auto it = contents.find(key);
  return it == contents.end() ? "absent" : ToString(it->second.version);
}

bool SameAt(const Contents& a, const Contents& b, const std::string& key) {
  const auto in_a = a.find(key);
  const auto in_b = b.find(key);
  if (in_a == a.end() || in_b == b.end()) return (in_a == a.end()) == (in_b == b.end());
  return in_a->second.version == in_b->second.version && in_a->second.value == in_b->second.value;
}

void CheckEqual(const History& history, Verdict* verdict) {
  if (history.final_contents.empty()) return;
  const auto& [first_node, first] = *history.final_contents.begin();
  for (const auto& [node, contents] : history.final_contents) {
    // What is in either of the two; a key that is in both is looked at twice, and told once.
    for (const Contents* side : {&first, &contents}) {
      for (const auto& [key, item] : *side) {
        if (side == &contents && first.count(key) > 0) continue;
        if (SameAt(first, contents, key)) continue;
        verdict->Add("I4", key, " is ", Shown(first, key), " at node ", first_node, " and ",
                     Shown(contents, key), " at node ", node);
      }
    }
  }
}

// The highest acknowledged write of each key that no lost disk excuses, and the highest deletion.
struct Latest {
  const Effect* write = nullptr;
  const Effect* deletion = nullptr;
};

void Raise(const Effect& effect, const Effect** highest) {
  if (*highest == nullptr || *(*highest)->version < *effect.version) *highest = &effect;
}

// Whether the item was written after the deletion had been acknowledged, by a node that has lost a disk. Such
// a node counts from the beginning until it hears from others, so what it writes may be below a deletion that
// was forgotten; but it is new, and nothing has come back.
bool IsNew(const HistoryIndex& index, const Item& item, const Operation& deletion) {
  const std::string& writer = item.version.origin.node_id;
  if (index.LossesBefore(writer, UINT64_MAX) == 0) return false;
  if (const Effect* effect = index.FindEffect(item.version, item.key)) {
    return effect->operation->start_us > deletion.end_us;
  }
  return !index.MayHaveHappened(writer, item, deletion.end_us);
}

void CheckKey(const HistoryIndex& index, const std::string& node, const Contents& contents,
              const std::string& key, const Latest& latest, Verdict* verdict) {
  if (latest.write == nullptr) return;
  const Timestamp& acknowledged = *latest.write->version;
  const auto it = contents.find(key);
  const bool is_there = it != contents.end();
  if (is_there && it->second.version >= acknowledged) return;
  if (!is_there) {
    // A lost disk may have taken a deletion with it, or may not.
    if (latest.deletion != nullptr && *latest.deletion->version >= acknowledged) return;
    if (index.MayHaveBeenDeleted(key, acknowledged, UINT64_MAX)) return;
  }
  const bool came_back = is_there && !latest.write->item->value;
  if (came_back && IsNew(index, it->second, *latest.write->operation)) return;
  verdict->Add(came_back ? "I7" : "I5", key, " is ", Shown(contents, key), " in the end at node ", node,
               ", below ", ToString(acknowledged), " of ", Describe(*latest.write->operation, key));
}

}  // namespace

void CheckFinal(const HistoryIndex& index, Verdict* verdict) {
  const History& history = index.history();
  CheckEqual(history, verdict);
  std::map<std::string, Latest> latest;
  for (const Effect& effect : index.effects()) {
    Latest& of_key = latest[*effect.key];
    if (!effect.item->value) Raise(effect, &of_key.deletion);
    if (!index.IsExcused(*effect.operation)) Raise(effect, &of_key.write);
  }
  for (const auto& [node, contents] : history.final_contents) {
    for (const auto& [key, of_key] : latest) CheckKey(index, node, contents, key, of_key, verdict);
  }
}

}  // namespace lamppost::history
