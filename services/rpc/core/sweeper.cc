#include "services/rpc/core/sweeper.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/mutation.h"

namespace lamppost::rpc {
namespace {

constexpr uint64_t kRetryMs = 1000;

std::string MarkOf(const Record& record) {
  Record mark;
  mark.state = Record::State::kForgotten;
  mark.first_seen_ms = record.first_seen_ms;
  return Encode(mark);
}

}  // namespace

bool Sweeper::IsTooOld(const RequestId& id, uint64_t wall_ms) const {
  const auto minted_ms = id.minted_ms();
  return minted_ms && *minted_ms + options_.retention_ms < wall_ms;
}

bool Sweeper::IsFromTheFuture(const RequestId& id, uint64_t wall_ms) const {
  const auto minted_ms = id.minted_ms();
  return minted_ms && *minted_ms > wall_ms + options_.retention_ms;
}

void Sweeper::Raise(const std::string& client_id, const RequestId& watermark) {
  const auto [it, added] = watermarks_.insert({client_id, watermark});
  if (!added) {
    it->second = std::max(it->second, watermark);
    return;
  }
  clients_.push_back(client_id);
  if (clients_.size() <= options_.clients_max) return;
  watermarks_.erase(clients_.front());
  clients_.pop_front();
}

bool Sweeper::IsBelowWatermark(const std::string& client_id, const RequestId& id) const {
  const auto it = watermarks_.find(client_id);
  return it != watermarks_.end() && id.minted_ms() && id < it->second;
}

std::optional<ScanRecords> Sweeper::NextPage(uint64_t steady_ms) {
  if (waiting_ || steady_ms < next_page_ms_) return std::nullopt;
  waiting_ = true;
  return ScanRecords{after_, options_.page_records};
}

void Sweeper::PageFailed(uint64_t steady_ms) {
  waiting_ = false;
  next_page_ms_ = steady_ms + kRetryMs;
}

StoreOperation Sweeper::Forget(const StoredRecord& stored, const Record& record) {
  if (const auto minted_ms = stored.id.minted_ms()) {
    return ForgetRecords{*minted_ms, {{stored.id, stored.revision}}};
  }
  return ReplaceRecord{stored.id, stored.revision, MarkOf(record)};
}

Sweeper::Page Sweeper::TakePage(const std::vector<StoredRecord>& records, uint64_t steady_ms,
                                uint64_t wall_ms) {
  waiting_ = false;
  next_page_ms_ = steady_ms + options_.page_interval_ms;
  Page page;
  ForgetRecords forget;
  for (const StoredRecord& stored : records) {
    const auto minted_ms = stored.id.minted_ms();
    const absl::StatusOr<Record> record = DecodeRecord(stored.value);
    const bool is_mark = record.ok() && record->state == Record::State::kForgotten;
    ++(is_mark && !minted_ms ? this_round_.marks : this_round_.records);
    if (!record.ok() || (is_mark && !minted_ms)) continue;
    const bool old =
        minted_ms ? IsTooOld(stored.id, wall_ms) : record->first_seen_ms + options_.retention_ms < wall_ms;
    if (record->state == Record::State::kRunning) {
      if (old) page.suspects.push_back(stored);
    } else if (old && (minted_ms || LAMPPOST_MUTATION(kExpiryReruns)) &&
               forget.records.size() < kForgetRecordsMax) {
      if (!LAMPPOST_MUTATION(kExpiryReruns)) forget.horizon_ms = std::max(forget.horizon_ms, *minted_ms);
      forget.records.push_back({stored.id, stored.revision});
    } else if (!is_mark && (old || IsBelowWatermark(record->client_id, stored.id))) {
      page.operations.push_back(ReplaceRecord{stored.id, stored.revision, MarkOf(*record)});
    }
  }
  if (!forget.records.empty()) page.operations.push_back(std::move(forget));
  if (records.size() < options_.page_records) {
    EndRound(steady_ms);
  } else {
    after_ = records.back().id;
  }
  return page;
}

void Sweeper::EndRound(uint64_t steady_ms) {
  last_round_ = this_round_;
  this_round_ = {};
  created_ = 0;
  after_.reset();
  next_page_ms_ = steady_ms + options_.round_interval_ms;
}

size_t Sweeper::records() const {
  return std::max(last_round_.records + created_, this_round_.records);
}

size_t Sweeper::marks() const {
  return std::max(last_round_.marks, this_round_.marks);
}

absl::Status Sweeper::CheckRoom(const RequestId& id) const {
  constexpr int64_t kRetryDelayMs = 10'000;
  if (records() >= options_.records_max) {
    return MakeRetryableError(absl::StatusCode::kResourceExhausted, "REQUEST_STORE_FULL",
                              absl::StrCat("as many requests are kept as may be: ", options_.records_max),
                              kRetryDelayMs);
  }
  if (!id.minted_ms() && marks() >= options_.marks_max) {
    return MakeError(
        absl::StatusCode::kResourceExhausted, "REQUEST_STORE_FULL",
        "as many expired ids are kept in mind as may be; use UUIDs of version 7, whose age shows");
  }
  return absl::OkStatus();
}

}  // namespace lamppost::rpc
