#include "tests/integration/chaos/corruptions.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace lamppost::chaos {
namespace {

using history::Contents;
using history::History;
using history::Item;
using history::Kind;
using history::Operation;
using history::Outcome;

bool IsAcknowledged(const Operation& operation) {
  return operation.kind == Kind::kWrite && operation.outcome == Outcome::kOk;
}

// Nodes that never lost their disk: nothing excuses them.
bool IsSound(const History& history, const std::string& node) {
  return std::none_of(history.disk_losses.begin(), history.disk_losses.end(),
                      [&](const history::DiskLoss& loss) { return loss.node == node; });
}

// The acknowledged writes of a key by sound nodes, by their version.
struct KeyWrites {
  std::map<Timestamp, const Item*> by_version;
  bool has_unknown_delete = false;
};

std::map<std::string, KeyWrites> WritesByKey(const History& history) {
  std::map<std::string, KeyWrites> writes;
  for (const Operation& operation : history.operations) {
    if (operation.kind != Kind::kWrite || operation.outcome == Outcome::kFailed) continue;
    for (const Item& item : operation.items) {
      KeyWrites& of_key = writes[item.key];
      if (operation.outcome == Outcome::kUnknown) {
        of_key.has_unknown_delete |= !item.value;
      } else if (IsSound(history, operation.version.origin.node_id) && IsSound(history, operation.node)) {
        of_key.by_version[operation.version] = &item;
      }
    }
  }
  return writes;
}

// What the history says of a key in the end; nothing if it is not there. A node whose disk was lost may have
// the last word on a key, though its writes are left out above.
std::optional<Timestamp> FinalVersion(const History& history, const std::string& key) {
  if (history.final_contents.empty()) return std::nullopt;
  const Contents& contents = history.final_contents.begin()->second;
  const auto it = contents.find(key);
  if (it == contents.end()) return std::nullopt;
  return it->second.version;
}

void PutEverywhere(const Item& item, const Timestamp& version, History* history) {
  for (auto& [node, contents] : history->final_contents) contents[item.key] = {item.key, item.value, version};
}

bool ChangeAValueRead(History* history) {
  for (Operation& operation : history->operations) {
    if (operation.kind != Kind::kRead || operation.outcome != Outcome::kOk) continue;
    for (Item& item : operation.items) {
      if (!item.value) continue;
      *item.value += "!";
      return true;
    }
  }
  return false;
}

bool LoseAKeyAtOneNode(History* history) {
  if (history->final_contents.empty()) return false;
  Contents& contents = history->final_contents.begin()->second;
  if (contents.empty()) return false;
  contents.erase(contents.begin());
  return true;
}

bool LoseAKeyEverywhere(History* history) {
  for (const auto& [key, writes] : WritesByKey(*history)) {
    if (writes.by_version.empty() || writes.has_unknown_delete) continue;
    if (FinalVersion(*history, key) != writes.by_version.rbegin()->first) continue;
    for (auto& [node, contents] : history->final_contents) contents.erase(key);
    return true;
  }
  return false;
}

bool BringAnOlderValueBack(History* history) {
  for (const auto& [key, writes] : WritesByKey(*history)) {
    if (writes.by_version.size() < 2) continue;
    if (FinalVersion(*history, key) != writes.by_version.rbegin()->first) continue;
    const auto older = std::next(writes.by_version.rbegin());
    if (!older->second->value) continue;
    PutEverywhere(Item(*older->second), Timestamp(older->first), history);
    return true;
  }
  return false;
}

bool BringADeletedKeyBack(History* history) {
  for (const auto& [key, writes] : WritesByKey(*history)) {
    if (writes.by_version.size() < 2 || writes.by_version.rbegin()->second->value) continue;
    if (writes.has_unknown_delete || FinalVersion(*history, key)) continue;
    const auto older = std::next(writes.by_version.rbegin());
    if (!older->second->value) continue;
    PutEverywhere(Item(*older->second), Timestamp(older->first), history);
    return true;
  }
  return false;
}

// Two reads of a key with a value at a sound node, one wholly after the other and of a higher version: they
// change places.
bool ReadBackwards(History* history) {
  std::map<std::pair<std::string, std::string>, std::pair<const Operation*, Item*>> last;
  for (Operation& operation : history->operations) {
    if (operation.kind != Kind::kRead || operation.outcome != Outcome::kOk) continue;
    if (!IsSound(*history, operation.node)) continue;
    for (Item& item : operation.items) {
      if (!item.value) continue;
      const auto [it, is_first] = last.try_emplace({operation.node, item.key}, &operation, &item);
      if (is_first) continue;
      if (it->second.first->end_us < operation.start_us && it->second.second->version < item.version) {
        std::swap(*it->second.second, item);
        return true;
      }
      it->second = {&operation, &item};
    }
  }
  return false;
}

// A client's write gets the counter of the write before it.
bool StopAClock(History* history) {
  std::map<uint64_t, const Operation*> last;
  for (Operation& operation : history->operations) {
    if (!IsAcknowledged(operation) || operation.replayed) continue;
    const auto [it, is_first] = last.try_emplace(operation.client, &operation);
    if (!is_first) {
      operation.version.counter = it->second->version.counter;
      return true;
    }
  }
  return false;
}

bool IssueATimestampTwice(History* history) {
  const Operation* first = nullptr;
  for (Operation& operation : history->operations) {
    if (!IsAcknowledged(operation) || operation.replayed) continue;
    if (first != nullptr && first->client != operation.client) {
      operation.version = first->version;
      return true;
    }
    first = &operation;
  }
  return false;
}

// Calls found(earlier, later) for acknowledged writes of one request at one sound node, until it is true;
// `later` need not be acknowledged.
template <typename Found>
bool ForAttemptsOfARequest(History* history, Found found) {
  std::map<std::pair<std::string, std::string>, const Operation*> acknowledged;
  for (Operation& operation : history->operations) {
    if (operation.request_id.empty() || !IsSound(*history, operation.node)) continue;
    const auto it = acknowledged.find({operation.node, operation.request_id});
    if (it != acknowledged.end() && found(*it->second, &operation)) return true;
    if (IsAcknowledged(operation)) acknowledged[{operation.node, operation.request_id}] = &operation;
  }
  return false;
}

bool WriteARequestTwice(History* history) {
  return ForAttemptsOfARequest(history, [](const Operation&, Operation* later) {
    if (!later->replayed) return false;
    later->replayed = false;
    later->version.counter += 1;
    return true;
  });
}

bool TakeAUsedId(History* history) {
  return ForAttemptsOfARequest(history, [](const Operation& earlier, Operation* later) {
    if (later->error != "REQUEST_ID_REUSED") return false;
    later->error.clear();
    later->outcome = Outcome::kOk;
    later->version = earlier.version;
    later->version.counter += 1;
    return true;
  });
}

}  // namespace

std::vector<Corruption> AllCorruptions() {
  return {
      {"a client's clock stands still", "I1", StopAClock},
      {"a timestamp is issued twice", "I2", IssueATimestampTwice},
      {"a key is missing at one node", "I4", LoseAKeyAtOneNode},
      {"a key is missing at all nodes", "I5", LoseAKeyEverywhere},
      {"an older value is back", "I5", BringAnOlderValueBack},
      {"a value that nobody wrote is read", "I6", ChangeAValueRead},
      {"a deleted key is back", "I7", BringADeletedKeyBack},
      {"a newer version is read before an older one", "I9", ReadBackwards},
      {"a request takes effect twice", "I10", WriteARequestTwice},
      {"a used request id takes effect", "I11", TakeAUsedId},
  };
}

}  // namespace lamppost::chaos
