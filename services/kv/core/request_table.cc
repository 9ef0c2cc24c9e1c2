#include "services/kv/core/request_table.h"

#include <utility>

#include "services/common/mutation.h"
#include "services/kv/core/coding.h"

namespace lamppost::kv {
namespace {

std::string NumberKey(uint64_t number) {
  std::string key;
  PutBigEndian64(number, &key);
  return key;
}

}  // namespace

absl::Status RequestTable::Load(const StoreReader& store) {
  const std::unique_ptr<Cursor> cursor = store.Scan(Space::kRequests, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    absl::StatusOr<RequestRecord> request = DecodeRequest(cursor->value());
    if (!request.ok()) return request.status();
    const uint64_t number = Decoder(cursor->key()).BigEndian64();
    next_number_ = number + 1;
    oldest_first_.emplace_back(number, request->tag.id);
    by_id_.emplace(request->tag.id, *std::move(request));
  }
  return cursor->status();
}

const RequestRecord* RequestTable::Find(const std::string& id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &it->second;
}

void RequestTable::Record(const RequestRecord& request, WriteBatch* batch) {
  if (LAMPPOST_MUTATION(kRequestNotRecorded)) return;
  if (!by_id_.emplace(request.tag.id, request).second) return;
  batch->Put(Space::kRequests, NumberKey(next_number_), EncodeRequest(request));
  oldest_first_.emplace_back(next_number_++, request.tag.id);
  while (oldest_first_.size() > entries_max_) {
    batch->Remove(Space::kRequests, NumberKey(oldest_first_.front().first));
    by_id_.erase(oldest_first_.front().second);
    oldest_first_.pop_front();
  }
}

}  // namespace lamppost::kv
