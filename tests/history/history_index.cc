#include "tests/history/history_index.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace lamppost::history {
namespace {

auto EffectOrder(const Effect& effect) {
  return std::tie(*effect.version, *effect.key);
}

}  // namespace

HistoryIndex::HistoryIndex(const History& history) : history_(&history) {
  for (const Operation& operation : history.operations) {
    if (operation.kind == Kind::kWrite) AddWrite(operation);
  }
  for (const DiskLoss& loss : history.disk_losses) losses_[loss.node].push_back(loss.at_us);
  Sort();
}

void HistoryIndex::AddWrite(const Operation& operation) {
  if (operation.outcome == Outcome::kFailed) return;
  const bool acknowledged = operation.outcome == Outcome::kOk;
  for (const Item& item : operation.items) {
    if (acknowledged) {
      effects_.push_back({&operation.version, &item.key, &item, &operation});
    } else {
      attempts_.push_back({&operation.node, &item, operation.start_us});
    }
    if (item.value && !item.expires) continue;
    Deletes& deletes = deletes_[item.key];
    if (acknowledged && !item.value) {
      deletes.acknowledged.emplace_back(operation.start_us, operation.version);
    } else {
      deletes.unknown_start_us = std::min(deletes.unknown_start_us.value_or(UINT64_MAX), operation.start_us);
    }
  }
}

void HistoryIndex::Sort() {
  // Stable, so that of several acknowledgements of one version the first to end comes first.
  std::stable_sort(effects_.begin(), effects_.end(),
                   [](const Effect& a, const Effect& b) { return EffectOrder(a) < EffectOrder(b); });
  std::sort(attempts_.begin(), attempts_.end(), [](const Attempt& a, const Attempt& b) {
    return std::tie(a.item->key, *a.node, a.item->value, a.start_us) <
           std::tie(b.item->key, *b.node, b.item->value, b.start_us);
  });
  for (auto& [key, deletes] : deletes_) {
    auto& acknowledged = deletes.acknowledged;
    std::sort(acknowledged.begin(), acknowledged.end());
    for (size_t i = 1; i < acknowledged.size(); ++i) {
      acknowledged[i].second = std::max(acknowledged[i].second, acknowledged[i - 1].second);
    }
  }
  for (auto& [node, times] : losses_) std::sort(times.begin(), times.end());
}

const Effect* HistoryIndex::FindEffect(const Timestamp& version, const std::string& key) const {
  const auto wanted = std::tie(version, key);
  const auto it =
      std::lower_bound(effects_.begin(), effects_.end(), wanted,
                       [](const Effect& effect, const auto& what) { return EffectOrder(effect) < what; });
  return it != effects_.end() && EffectOrder(*it) == wanted ? &*it : nullptr;
}

const Operation* HistoryIndex::FindWrite(const Timestamp& version) const {
  const auto it =
      std::lower_bound(effects_.begin(), effects_.end(), version,
                       [](const Effect& effect, const Timestamp& what) { return *effect.version < what; });
  return it != effects_.end() && *it->version == version ? it->operation : nullptr;
}

bool HistoryIndex::MayHaveHappened(const std::string& node, const Item& item, uint64_t by_us) const {
  const auto wanted = std::tie(item.key, node, item.value);
  const auto it = std::lower_bound(
      attempts_.begin(), attempts_.end(), wanted, [](const Attempt& attempt, const auto& what) {
        return std::tie(attempt.item->key, *attempt.node, attempt.item->value) < what;
      });
  if (it == attempts_.end() || std::tie(it->item->key, *it->node, it->item->value) != wanted) return false;
  return it->start_us <= by_us;
}

bool HistoryIndex::MayHaveBeenDeleted(const std::string& key, const Timestamp& version,
                                      uint64_t by_us) const {
  const auto it = deletes_.find(key);
  if (it == deletes_.end()) return false;
  const std::optional<uint64_t>& unknown_start_us = it->second.unknown_start_us;
  if (unknown_start_us && *unknown_start_us <= by_us) return true;
  const auto& acknowledged = it->second.acknowledged;
  const auto after = std::upper_bound(acknowledged.begin(), acknowledged.end(), by_us,
                                      [](uint64_t time, const auto& entry) { return time < entry.first; });
  return after != acknowledged.begin() && (after - 1)->second > version;
}

// The node that acknowledged has the write on its disk, and so has its origin. When one of these disks is
// lost and the others' heads do not reach the write, nobody may have it; so too if they reached it then,
// and a later loss took the last copy.
bool HistoryIndex::IsExcused(const Operation& write) const {
  uint64_t first_loss_us = UINT64_MAX;
  for (const DiskLoss& loss : history_->disk_losses) {
    const bool held_it = loss.node == write.node || loss.node == write.version.origin.node_id;
    if (held_it && write.start_us < loss.at_us) first_loss_us = std::min(first_loss_us, loss.at_us);
  }
  return std::any_of(history_->disk_losses.begin(), history_->disk_losses.end(), [&](const DiskLoss& loss) {
    return loss.at_us >= first_loss_us && !loss.kept.Covers(write.version);
  });
}

size_t HistoryIndex::LossesBefore(const std::string& node, uint64_t time_us) const {
  const auto it = losses_.find(node);
  if (it == losses_.end()) return 0;
  return std::upper_bound(it->second.begin(), it->second.end(), time_us) - it->second.begin();
}

std::string Describe(const Operation& operation, const std::string& key) {
  return absl::StrCat("client ", operation.client,
                      operation.kind == Kind::kWrite ? "'s write of " : "'s read of ", key, " at node ",
                      operation.node, " [", operation.start_us, "..", operation.end_us, " us]");
}

}  // namespace lamppost::history
