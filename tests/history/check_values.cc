// I2 and I6: a timestamp belongs to one write, and what is read under it is what that write wrote.
#include <map>

#include "tests/history/verdict.h"

namespace lamppost::history {
namespace {

std::string Text(const std::optional<std::string>& value) {
  constexpr size_t kShownBytes = 40;
  if (!value) return "nothing";
  return absl::StrCat("'", value->substr(0, kShownBytes), value->size() > kShownBytes ? "…'" : "'");
}

// Two acknowledgements of one version are of one request, and at most one of them is not a replay.
bool AreOfOneWrite(const Operation& first, const Operation& second) {
  if (first.request_id.empty() || first.request_id != second.request_id) return false;
  return first.replayed || second.replayed;
}

void CheckTimestamps(const HistoryIndex& index, Verdict* verdict) {
  const Effect* before = nullptr;
  for (const Effect& effect : index.effects()) {
    if (before != nullptr && *before->version == *effect.version && before->operation != effect.operation) {
      const bool same_key = *before->key == *effect.key;
      if (!AreOfOneWrite(*before->operation, *effect.operation)) {
        verdict->Add("I2", ToString(*effect.version), " was given to ",
                     Describe(*before->operation, *before->key), " and to ",
                     Describe(*effect.operation, *effect.key));
      } else if (same_key && before->item->value != effect.item->value) {
        verdict->Add("I2", ToString(*effect.version), " stands for two values of ", *effect.key, ": ",
                     Text(before->item->value), " and ", Text(effect.item->value));
      }
    }
    before = &effect;
  }
}

class ReadCheck {
 public:
  ReadCheck(const HistoryIndex& index, Verdict* verdict) : index_(index), verdict_(verdict) {}

  // Without a version nothing can be said here: the key was absent.
  void Check(const Item& item, uint64_t end_us, const std::string& reader) {
    if (!IsSet(item.version)) {
      if (item.value) verdict_->Add("I6", reader, ": ", Text(item.value), " has no version");
      return;
    }
    if (const Effect* effect = index_.FindEffect(item.version, item.key)) {
      if (effect->item->value != item.value) {
        verdict_->Add("I6", reader, ": ", Text(item.value), " under ", ToString(item.version), ", which is ",
                      Text(effect->item->value), " by ", Describe(*effect->operation, item.key));
      }
    } else if (const Operation* write = index_.FindWrite(item.version)) {
      verdict_->Add("I6", reader, ": ", Text(item.value), " under ", ToString(item.version),
                    ", of a write that does not name the key: ", Describe(*write, write->items[0].key));
    } else {
      CheckUnacknowledged(item, end_us, reader);
    }
  }

 private:
  void CheckUnacknowledged(const Item& item, uint64_t end_us, const std::string& reader) {
    if (!index_.MayHaveHappened(item.version.origin.node_id, item, end_us)) {
      verdict_->Add("I6", reader, ": ", Text(item.value), " under ", ToString(item.version),
                    ", which nobody can have written by then");
      return;
    }
    const auto [it, is_new] = values_.try_emplace({item.version, item.key}, &item.value);
    if (!is_new && *it->second != item.value) {
      verdict_->Add("I6", reader, ": ", Text(item.value), " under ", ToString(item.version),
                    ", which was also read as ", Text(*it->second));
    }
  }

  const HistoryIndex& index_;
  Verdict* const verdict_;
  // Of versions that no acknowledgement names: what was read first.
  std::map<std::pair<Timestamp, std::string>, const std::optional<std::string>*> values_;
};

}  // namespace

void CheckValues(const HistoryIndex& index, Verdict* verdict) {
  CheckTimestamps(index, verdict);
  ReadCheck check(index, verdict);
  for (const Operation& operation : index.history().operations) {
    if (operation.kind != Kind::kRead || operation.outcome != Outcome::kOk) continue;
    for (const Item& item : operation.items)
      check.Check(item, operation.end_us, Describe(operation, item.key));
  }
  for (const auto& [node, contents] : index.history().final_contents) {
    for (const auto& [key, item] : contents) {
      check.Check(item, UINT64_MAX, absl::StrCat(key, " in the end at node ", node));
    }
  }
}

}  // namespace lamppost::history
