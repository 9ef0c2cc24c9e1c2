#include "services/rpc/storage/staged_records.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/core/coding.h"

namespace lamppost::rpc {
namespace {

using kv::Space;

constexpr char kFormatKey[] = "format";
constexpr char kStateKey[] = "state";
// A node's is a bare number.
constexpr char kFormat[] = "request-store-1";
constexpr size_t kShownBytesMax = 40;
// No server comes near it; beyond, counters could run over.
constexpr uint64_t kCounterMax = UINT64_MAX / 2;

std::string Key(const RequestId& id) {
  return std::string(id.bytes().begin(), id.bytes().end());
}

absl::Status Damaged(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT",
                   absl::StrCat("the request store is damaged: ", what));
}

absl::Status UnknownFormat(absl::string_view format) {
  const bool is_number = format.find_first_not_of("0123456789") == absl::string_view::npos;
  const std::string shown = absl::CEscape(format.substr(0, kShownBytesMax));
  return MakeError(absl::StatusCode::kFailedPrecondition, "FORMAT_UNKNOWN",
                   is_number
                       ? absl::StrCat("the data is that of a lamppost-kv node (format ", shown,
                                      "), not a request store; give another directory")
                       : absl::StrCat("the data has format \"", shown, "\", this software reads ", kFormat));
}

absl::StatusOr<StoredRecord> DecodeStored(absl::string_view key, absl::string_view value) {
  RequestId::Bytes bytes;
  if (key.size() != bytes.size()) return Damaged("a key is no request id");
  std::copy(key.begin(), key.end(), bytes.begin());
  StoredRecord stored;
  stored.id = RequestId(bytes);
  kv::Decoder decoder(value);
  stored.revision = decoder.Varint();
  if (!decoder.ok() || stored.revision == 0) {
    return Damaged(absl::StrCat("the record of ", ToString(stored.id), " has no revision"));
  }
  stored.value = std::string(decoder.rest());
  return stored;
}

}  // namespace

std::string StagedRecords::Encode(const State& state) {
  std::string text;
  kv::PutVarint(state.clock_limit, &text);
  kv::PutVarint(state.horizon_ms, &text);
  kv::PutVarint(state.revision, &text);
  return text;
}

absl::StatusOr<StagedRecords::State> StagedRecords::Decode(absl::string_view text) {
  kv::Decoder decoder(text);
  State state;
  state.clock_limit = decoder.Varint();
  state.horizon_ms = decoder.Varint();
  state.revision = decoder.Varint();
  if (!decoder.Done() || state.clock_limit > kCounterMax || state.revision > kCounterMax) {
    return Damaged("its state cannot be read");
  }
  return state;
}

absl::Status StagedRecords::Load() {
  const absl::StatusOr<std::optional<std::string>> format = storage_->Get(Space::kMeta, kFormatKey);
  if (!format.ok()) return format.status();
  if (!*format) return CreateState();
  if (**format != kFormat) return UnknownFormat(**format);
  const absl::StatusOr<std::optional<std::string>> text = storage_->Get(Space::kMeta, kStateKey);
  if (!text.ok()) return text.status();
  if (!*text) return Damaged("its state is missing");
  absl::StatusOr<State> state = Decode(**text);
  if (!state.ok()) return state.status();
  state_ = *state;
  return absl::OkStatus();
}

absl::Status StagedRecords::CreateState() {
  for (const Space space : {Space::kMeta, Space::kData}) {
    const std::unique_ptr<kv::Cursor> cursor = storage_->Scan(space, "", "");
    if (!cursor->status().ok()) return cursor->status();
    if (cursor->Valid()) return Damaged("its format is missing");
  }
  kv::WriteBatch batch;
  batch.Put(Space::kMeta, kFormatKey, kFormat);
  batch.Put(Space::kMeta, kStateKey, Encode(state_));
  return storage_->Commit(batch, kv::Durability::kSync);
}

StoreAnswer StagedRecords::Apply(const NumberedOperation& operation) {
  StoreAnswer answer;
  answer.number = operation.number;
  answer.status = std::visit([&](const auto& what) { return Do(what, &answer); }, operation.operation);
  return answer;
}

absl::Status StagedRecords::Commit() {
  kv::WriteBatch batch;
  for (auto& [id, stored] : staged_) {
    if (!stored) {
      batch.Remove(Space::kData, Key(id));
      continue;
    }
    std::string value;
    kv::PutVarint(stored->revision, &value);
    value += stored->value;
    batch.Put(Space::kData, Key(id), std::move(value));
  }
  if (state_changed_) batch.Put(Space::kMeta, kStateKey, Encode(state_));
  staged_.clear();
  state_changed_ = false;
  if (batch.empty()) return absl::OkStatus();
  return storage_->Commit(batch, kv::Durability::kSync);
}

absl::StatusOr<std::optional<StoredRecord>> StagedRecords::Get(const RequestId& id) const {
  const auto staged = staged_.find(id);
  if (staged != staged_.end()) return staged->second;
  const absl::StatusOr<std::optional<std::string>> value = storage_->Get(Space::kData, Key(id));
  if (!value.ok()) return value.status();
  if (!*value) return std::optional<StoredRecord>();
  absl::StatusOr<StoredRecord> stored = DecodeStored(Key(id), **value);
  if (!stored.ok()) return stored.status();
  return std::optional<StoredRecord>(*std::move(stored));
}

uint64_t StagedRecords::Put(const RequestId& id, const std::string& value) {
  staged_[id] = StoredRecord{id, value, ++state_.revision};
  state_changed_ = true;
  return state_.revision;
}

absl::Status StagedRecords::Do(const GetRecord& get, StoreAnswer* answer) {
  absl::StatusOr<std::optional<StoredRecord>> found = Get(get.id);
  if (!found.ok()) return found.status();
  answer->record = *std::move(found);
  return absl::OkStatus();
}

absl::Status StagedRecords::Do(const CreateRecord& create, StoreAnswer* answer) {
  absl::StatusOr<std::optional<StoredRecord>> found = Get(create.id);
  if (!found.ok()) return found.status();
  if (*found) {
    answer->verdict = StoreAnswer::Verdict::kConflict;
    answer->record = *std::move(found);
  } else if (create.id.minted_ms() && *create.id.minted_ms() <= state_.horizon_ms) {
    answer->verdict = StoreAnswer::Verdict::kExpired;
  } else {
    answer->revision = Put(create.id, create.value);
  }
  return absl::OkStatus();
}

absl::Status StagedRecords::Do(const ReplaceRecord& replace, StoreAnswer* answer) {
  absl::StatusOr<std::optional<StoredRecord>> found = Get(replace.id);
  if (!found.ok()) return found.status();
  if (*found && (*found)->revision == replace.revision) {
    answer->revision = Put(replace.id, replace.value);
  } else {
    answer->verdict = StoreAnswer::Verdict::kConflict;
    answer->record = *std::move(found);
  }
  return absl::OkStatus();
}

absl::Status StagedRecords::Do(const ForgetRecords& forget, StoreAnswer*) {
  std::vector<RequestId> removed;  // all are looked at first, so that an error leaves all as it was
  for (const auto& [id, revision] : forget.records) {
    const absl::StatusOr<std::optional<StoredRecord>> found = Get(id);
    if (!found.ok()) return found.status();
    if (*found && (*found)->revision == revision) removed.push_back(id);
  }
  for (const RequestId& id : removed) staged_[id] = std::nullopt;
  if (forget.horizon_ms > state_.horizon_ms) {
    state_.horizon_ms = forget.horizon_ms;
    state_changed_ = true;
  }
  return absl::OkStatus();
}

// Two sorted lists become one: what is stored, and what is staged over it.
absl::Status StagedRecords::Do(const ScanRecords& scan, StoreAnswer* answer) {
  // The first key behind an id is the id with a NUL byte.
  const std::string start = scan.after ? Key(*scan.after) + '\0' : "";
  const std::unique_ptr<kv::Cursor> cursor = storage_->Scan(Space::kData, start, "");
  auto staged = scan.after ? staged_.upper_bound(*scan.after) : staged_.begin();
  while (answer->records.size() < scan.records_max) {
    const bool cursor_valid = cursor->Valid();
    if (!cursor_valid && staged == staged_.end()) break;
    const bool take_staged =
        staged != staged_.end() && (!cursor_valid || Key(staged->first) <= cursor->key());
    if (take_staged) {
      if (cursor_valid && Key(staged->first) == cursor->key()) cursor->Next();
      if (staged->second) answer->records.push_back(*staged->second);
      ++staged;
      continue;
    }
    absl::StatusOr<StoredRecord> stored = DecodeStored(cursor->key(), cursor->value());
    if (!stored.ok()) return stored.status();
    answer->records.push_back(*std::move(stored));
    cursor->Next();
  }
  return cursor->status();
}

absl::Status StagedRecords::Do(const FindOwner& find, StoreAnswer* answer) {
  answer->owner_is_alive = find.owner == owner_;
  return absl::OkStatus();
}

absl::Status StagedRecords::Do(const ReserveClock& reserve, StoreAnswer*) {
  if (reserve.limit <= state_.clock_limit) return absl::OkStatus();
  state_.clock_limit = reserve.limit;
  state_changed_ = true;
  return absl::OkStatus();
}

}  // namespace lamppost::rpc
