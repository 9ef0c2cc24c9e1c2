// I8 and I9 of clients that carry sessions, whatever nodes they asked: nothing that a read shows is older
// than what its session covers of that key, be it an acknowledged write of anybody (I8) or what the client
// had read or written itself (I9).
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/history/verdict.h"

namespace lamppost::history {
namespace {

// A version of a key, and how it is known.
struct Known {
  const Timestamp* version;
  const Operation* operation;
  bool is_value;  // else a deletion
};

bool IsOlder(const HistoryIndex& index, const Operation& read, const Item& item, const Known& known) {
  if (IsSet(item.version)) return item.version < *known.version;
  // Absent, and nobody said by which deletion: then there must be one that can be it.
  return known.is_value && !index.MayHaveBeenDeleted(item.key, *known.version, read.end_us);
}

// The highest of these that the session covers; null if it covers none.
const Known* HighestCovered(const std::vector<Known>& versions, const kv::Heads& session) {
  const Known* highest = nullptr;
  for (const Known& known : versions) {
    if (!session.Covers(*known.version)) continue;
    if (highest == nullptr || *highest->version < *known.version) highest = &known;
  }
  return highest;
}

class SessionJudge {
 public:
  SessionJudge(const HistoryIndex& index, Verdict* verdict) : index_(index), verdict_(*verdict) {
    for (const Effect& effect : index.effects()) {
      if (index.IsExcused(*effect.operation)) continue;
      written_[*effect.key].push_back({effect.version, effect.operation, effect.item->value.has_value()});
    }
  }

  // In the order of the ends.
  void Judge(const Operation& operation) {
    if (operation.outcome != Outcome::kOk) return;
    const bool is_read = operation.kind == Kind::kRead;
    for (const Item& item : operation.items) {
      std::vector<Known>& met = met_[{operation.client, item.key}];
      if (is_read && !operation.session.empty()) {
        Compare("I8", operation, item, written_[item.key]);
        Compare("I9", operation, item, met);
      }
      const Timestamp* version = is_read ? &item.version : &operation.version;
      if (IsSet(*version) && (is_read || !index_.IsExcused(operation))) {
        met.push_back({version, &operation, item.value.has_value()});
      }
    }
  }

 private:
  void Compare(const char* invariant, const Operation& read, const Item& item,
               const std::vector<Known>& all) {
    const Known* known = HighestCovered(all, read.session);
    if (known == nullptr || !IsOlder(index_, read, item, *known)) return;
    // What the client had met may have gone, since, with the disk of its writer.
    const std::string& writer = known->version->origin.node_id;
    if (index_.LossesBefore(writer, known->operation->start_us) != index_.LossesBefore(writer, read.end_us))
      return;
    verdict_.Add(invariant, Describe(read, item.key), ": ",
                 IsSet(item.version) ? ToString(item.version) : "absent", ", and its session covers ",
                 ToString(*known->version), " of ", Describe(*known->operation, item.key));
  }

  const HistoryIndex& index_;
  Verdict& verdict_;
  std::map<std::string, std::vector<Known>> written_;                   // by key
  std::map<std::pair<uint64_t, std::string>, std::vector<Known>> met_;  // by client and key
};

}  // namespace

void CheckSessions(const HistoryIndex& index, Verdict* verdict) {
  bool any = false;
  for (const Operation& operation : index.history().operations) any |= !operation.session.empty();
  if (!any) return;
  SessionJudge judge(index, verdict);
  for (const Operation& operation : index.history().operations) judge.Judge(operation);
}

}  // namespace lamppost::history
