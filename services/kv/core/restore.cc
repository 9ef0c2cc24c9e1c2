#include "services/kv/core/restore.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

// In the place of the format's version while the store is incomplete. Whoever opens it says so.
constexpr absl::string_view kUnfinished = "of an unfinished restore";

absl::Status Damaged(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "SNAPSHOT_DAMAGED",
                   absl::StrCat("the snapshot is damaged: ", what));
}

class NoCursor : public Cursor {
 public:
  bool Valid() const override { return false; }
  void Next() override {}
  absl::string_view key() const override { return {}; }
  absl::string_view value() const override { return {}; }
  absl::Status status() const override { return absl::OkStatus(); }
};

}  // namespace

// The keys ascend, so each comes once: there is never anything to read.
class Restoration::NothingStored : public StoreReader {
 public:
  absl::StatusOr<std::optional<std::string>> Get(Space, absl::string_view) const override {
    return std::optional<std::string>();
  }
  std::unique_ptr<Cursor> Scan(Space, absl::string_view, absl::string_view) const override {
    return std::make_unique<NoCursor>();
  }
  std::unique_ptr<Cursor> ScanReverse(Space, absl::string_view, absl::string_view) const override {
    return std::make_unique<NoCursor>();
  }
};

Restoration::Restoration(Identity identity, State snapshot)
    : identity_(std::move(identity)),
      snapshot_(std::move(snapshot)),
      nothing_(std::make_unique<NothingStored>()),
      table_(nothing_.get(), &state_) {
  state_.heads = snapshot_.heads;
  state_.forgotten = snapshot_.forgotten;
  // Not the snapshot's limit, which was reserved far ahead: a new life issues no timestamp twice anyway.
  state_.clock_limit =
      std::max({snapshot_.max_write, snapshot_.heads.Max(), snapshot_.forgotten.Max(), uint64_t{1}});
  // The directory is not a new one, though nothing has been written in it by this node: a member that was
  // removed must not come back by a restore.
  state_.birth = snapshot_.heads.NewestIncarnation(identity_.node_id);
}

absl::Status Restoration::Add(const std::string& key, Version version) {
  if (key.empty() || key <= last_key_) return Damaged("its keys are not in order");
  if (version.timestamp.counter > snapshot_.max_write) {
    return Damaged(absl::StrCat("it holds a version at ", ToString(version.timestamp),
                                ", and its node had seen none above ", snapshot_.max_write));
  }
  last_key_ = key;
  pending_bytes_ += key.size() + (version.value ? version.value->bytes.size() : 0) + sizeof(Version);
  version.arrival = {Arrival::Way::kRestored, "", 0};
  return table_.Apply(key, std::move(version)).status();
}

WriteBatch Restoration::TakeBatch() {
  WriteBatch batch;
  if (!begun_) batch.Put(Space::kMeta, std::string(kFormatKey), std::string(kUnfinished));
  begun_ = true;
  table_.WriteTo(&batch);
  table_.Committed();
  pending_bytes_ = 0;
  return batch;
}

absl::StatusOr<WriteBatch> Restoration::Finish() {
  WriteBatch batch = TakeBatch();
  if (state_.keys != snapshot_.keys || state_.tombstones != snapshot_.tombstones) {
    return Damaged(absl::StrCat("it holds ", state_.keys, " keys and ", state_.tombstones,
                                " deleted ones, and should hold ", snapshot_.keys, " and ",
                                snapshot_.tombstones));
  }
  if (!(state_.hash == snapshot_.hash)) return Damaged("its content hash is not that of its contents");
  state_.max_write = snapshot_.max_write;
  batch.Put(Space::kMeta, std::string(kFormatKey), absl::StrCat(kFormatVersion));
  batch.Put(Space::kMeta, std::string(kIdentityKey), EncodeIdentity(identity_));
  batch.Put(Space::kMeta, std::string(kStateKey), EncodeState(state_));
  return batch;
}

}  // namespace lamppost::kv
