#include "services/rpc/storage/record_table.h"

#include <algorithm>
#include <variant>

namespace lamppost::rpc {

StoreAnswer RecordTable::Apply(const NumberedOperation& operation) {
  StoreAnswer answer;
  answer.number = operation.number;
  std::visit([&](const auto& what) { Do(what, &answer); }, operation.operation);
  return answer;
}

void RecordTable::Do(const GetRecord& get, StoreAnswer* answer) {
  const auto found = records_.find(get.id);
  if (found != records_.end()) answer->record = found->second;
}

void RecordTable::Do(const CreateRecord& create, StoreAnswer* answer) {
  const auto found = records_.find(create.id);
  if (found != records_.end()) {
    answer->verdict = StoreAnswer::Verdict::kConflict;
    answer->record = found->second;
    return;
  }
  if (create.id.minted_ms() && *create.id.minted_ms() <= horizon_ms_) {
    answer->verdict = StoreAnswer::Verdict::kExpired;
    return;
  }
  answer->revision = ++revision_;
  records_[create.id] = StoredRecord{create.id, create.value, answer->revision};
}

void RecordTable::Do(const ReplaceRecord& replace, StoreAnswer* answer) {
  const auto found = records_.find(replace.id);
  if (found == records_.end() || found->second.revision != replace.revision) {
    answer->verdict = StoreAnswer::Verdict::kConflict;
    if (found != records_.end()) answer->record = found->second;
    return;
  }
  answer->revision = ++revision_;
  found->second.value = replace.value;
  found->second.revision = answer->revision;
}

void RecordTable::Do(const ForgetRecords& forget, StoreAnswer*) {
  horizon_ms_ = std::max(horizon_ms_, forget.horizon_ms);
  for (const auto& [id, revision] : forget.records) {
    const auto found = records_.find(id);
    if (found != records_.end() && found->second.revision == revision) records_.erase(found);
  }
}

void RecordTable::Do(const ScanRecords& scan, StoreAnswer* answer) {
  auto next = scan.after ? records_.upper_bound(*scan.after) : records_.begin();
  for (; next != records_.end() && answer->records.size() < scan.records_max; ++next) {
    answer->records.push_back(next->second);
  }
}

void RecordTable::Do(const FindOwner& find, StoreAnswer* answer) {
  answer->owner_is_alive = owners_.count(find.owner) != 0;
}

void RecordTable::Do(const ReserveClock& reserve, StoreAnswer*) {
  clock_limit_ = std::max(clock_limit_, reserve.limit);
}

}  // namespace lamppost::rpc
