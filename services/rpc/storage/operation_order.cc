#include "services/rpc/storage/operation_order.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace lamppost::rpc {
namespace {

// The ids that it reads or changes, each once. A scan is of no id.
std::vector<RequestId> IdsOf(const StoreOperation& operation) {
  if (const auto* get = std::get_if<GetRecord>(&operation)) return {get->id};
  if (const auto* create = std::get_if<CreateRecord>(&operation)) return {create->id};
  if (const auto* replace = std::get_if<ReplaceRecord>(&operation)) return {replace->id};
  std::vector<RequestId> ids;
  if (const auto* forget = std::get_if<ForgetRecords>(&operation)) {
    for (const auto& [id, revision] : forget->records) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  }
  return ids;
}

}  // namespace

void OperationOrder::Add(NumberedOperation operation) {
  const uint64_t ticket = next_ticket_++;
  Entry entry;
  entry.ids = IdsOf(operation.operation);
  entry.operation = std::move(operation);
  for (const RequestId& id : entry.ids) {
    std::deque<uint64_t>& line = lines_[id];
    if (!line.empty()) ++entry.behind;
    line.push_back(ticket);
  }
  if (entry.behind == 0) ready_.push_back(ticket);
  entries_.emplace(ticket, std::move(entry));
}

std::optional<OperationOrder::Begun> OperationOrder::Begin() {
  if (ready_.empty() || under_way_ >= under_way_max_) return std::nullopt;
  Begun begun;
  begun.ticket = ready_.front();
  ready_.pop_front();
  begun.operation = std::move(entries_.at(begun.ticket).operation);
  ++under_way_;
  return begun;
}

void OperationOrder::Done(uint64_t ticket) {
  const auto entry = entries_.find(ticket);
  for (const RequestId& id : entry->second.ids) {
    const auto line = lines_.find(id);
    line->second.pop_front();
    if (line->second.empty()) {
      lines_.erase(line);
      continue;
    }
    const uint64_t next = line->second.front();
    if (--entries_.at(next).behind == 0) ready_.push_back(next);
  }
  entries_.erase(entry);
  --under_way_;
}

}  // namespace lamppost::rpc
