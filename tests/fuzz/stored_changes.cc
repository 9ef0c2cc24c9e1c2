#include "tests/fuzz/stored_changes.h"

#include <optional>
#include <string>

#include "services/kv/core/messages.h"
#include "services/kv/core/record.h"
#include "services/kv/core/replica.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replica_driver.h"

namespace lamppost::fuzz {
namespace {

kv::WriteBatch Everything(const kv::StoreReader& store) {
  kv::WriteBatch batch;
  for (const kv::Space space : kSpaces) {
    const auto cursor = store.Scan(space, "", "");
    for (; cursor->Valid(); cursor->Next()) {
      batch.Put(space, std::string(cursor->key()), std::string(cursor->value()));
    }
  }
  return batch;
}

kv::WriteBatch MakeSound() {
  ReplicaDriver driver(ReplicaDriver::WithPeers());
  driver.Group([](kv::Replica* replica) { replica->LinkUp(0); });
  kv::SyncAnswer answer;
  answer.clock = {1, {"A", uint64_t{1} << 32}};
  answer.cluster = "c";
  driver.Group([&](kv::Replica* replica) { replica->ReceiveAnswer(0, answer); });
  driver.Advance(5000);
  driver.Group([](kv::Replica* replica) {
    replica->Propose({1, {{"k", kv::Value{kv::Value::Kind::kText, "v"}}}, "first"});
    replica->Propose({2, {{"gone", std::nullopt}}, ""});
  });
  return Everything(*driver.store());
}

}  // namespace

std::unique_ptr<kv::MemoryStorage> SoundStore() {
  static const kv::WriteBatch* const sound = new kv::WriteBatch(MakeSound());
  auto storage = std::make_unique<kv::MemoryStorage>();
  FUZZ_CHECK(storage->Commit(*sound, kv::Durability::kSync).ok(), "the sound store cannot be made");
  return storage;
}

}  // namespace lamppost::fuzz
