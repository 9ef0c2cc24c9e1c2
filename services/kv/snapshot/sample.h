// A small store for tests, and its snapshot file.
#ifndef LAMPPOST_SERVICES_KV_SNAPSHOT_SAMPLE_H_
#define LAMPPOST_SERVICES_KV_SNAPSHOT_SAMPLE_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/kv/core/table.h"
#include "services/kv/snapshot/snapshot_writer.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::kv {

class SampleStore {
 public:
  SampleStore() : table_(&storage_, &state_) {
    state_.clock_limit = 1 << 20;
    state_.incarnation = origin_.incarnation;
    state_.birth = origin_.incarnation;
  }

  // Each write has the next counter. No value: the key is deleted.
  void Write(const std::string& key, std::optional<std::string> text) {
    Version version;
    version.timestamp = {++counter_, origin_};
    if (text) version.value = Value{Value::Kind::kText, *std::move(text)};
    state_.heads.Raise(origin_, counter_);
    table_.Apply(key, std::move(version)).status().IgnoreError();
    WriteBatch batch;
    table_.WriteTo(&batch);
    batch.Put(Space::kMeta, std::string(kStateKey), EncodeState(state_));
    storage_.Commit(batch, Durability::kSync).IgnoreError();
    table_.Committed();
  }
  // Keys key0000, key0001, … with values of that size; every tenth is deleted again.
  void Fill(int keys, size_t value_bytes) {
    for (int i = 0; i < keys; ++i) {
      const std::string number = absl::StrCat(i);
      const std::string key = absl::StrCat("key", std::string(4 - number.size(), '0'), number);
      Write(key, std::string(value_bytes, static_cast<char>('a' + i % 26)));
      if (i % 10 == 9) Write(key, std::nullopt);
    }
  }

  SnapshotHeader Header() const { return {"c", origin_.node_id, 1'700'000'000'000, state_}; }
  SnapshotWriter Writer() const { return SnapshotWriter(Header(), storage_.Snapshot()); }
  std::string File(size_t piece_bytes = 1 << 16) const {
    SnapshotWriter writer = Writer();
    std::string file;
    while (true) {
      const auto piece = writer.Next(piece_bytes);
      if (!piece.ok() || piece->empty()) return file;
      file += *piece;
    }
  }

  State* state() { return &state_; }
  const MemoryStorage& storage() const { return storage_; }

 private:
  const Origin origin_{"A", uint64_t{1} << 32 | 5};
  MemoryStorage storage_;
  State state_;
  Table table_;
  uint64_t counter_ = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SNAPSHOT_SAMPLE_H_
