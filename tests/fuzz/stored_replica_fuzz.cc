// A store whose records are not what the software wrote: a replica opened on it gives a Status or works on;
// it never ends the process.
//
// An input is a row of changes to a small sound store: a byte for the space (and whether the key is removed),
// the key and, unless it is removed, the value.
#include <memory>
#include <string>
#include <utility>

#include "services/kv/core/store.h"
#include "services/kv/server/scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replica_driver.h"
#include "tests/fuzz/stored_changes.h"

namespace lamppost::fuzz {
namespace {

constexpr int kChangesMax = 64;

void Damage(Input* input, kv::MemoryStorage* storage) {
  for (int i = 0; i < kChangesMax && !input->empty(); ++i) {
    const uint8_t byte = input->Byte();
    const kv::Space space = kSpaces[byte % kSpaceCount];
    std::string key(input->Frame());
    kv::WriteBatch batch;
    if (byte >= kRemoval) {
      batch.Remove(space, std::move(key));
    } else {
      batch.Put(space, std::move(key), std::string(input->Frame()));
    }
    // Refused if it puts an index key that is there, or removes one that is not.
    storage->Commit(batch, kv::Durability::kSync).IgnoreError();
  }
}

// The ways of a replica through its store: the state, own writes over what is there, a catch-up of a peer
// that has nothing, a peer's writes.
void Work(ReplicaDriver* driver) {
  driver->Group([](kv::Replica* replica) { replica->LinkUp(0); });
  kv::SyncAnswer answer;
  answer.clock = {1, {"A", uint64_t{1} << 32}};
  answer.cluster = "c";
  answer.boot_id = 1;
  answer.sequence = 1;
  driver->Group([&](kv::Replica* replica) { replica->ReceiveAnswer(0, answer); });
  driver->Advance(5000);  // the life is decided, with the other peer or without
  driver->Group([](kv::Replica* replica) {
    replica->Propose({1, {{"k", kv::Value{kv::Value::Kind::kText, "new"}}, {"other", std::nullopt}}, "id"});
  });
  for (int i = 0; i < 4; ++i) driver->Advance(300);
  if (driver->replica() == nullptr) return;
  kv::SyncMessage message;
  message.clock = {driver->replica()->clock()->now(), {"A", uint64_t{1} << 32}};
  message.cluster = "c";
  message.boot_id = 1;
  message.receiver_incarnation = driver->replica()->state().incarnation;
  message.to = {{message.clock.origin, message.clock.counter}};
  message.entries = std::make_shared<std::vector<kv::KeyedVersion>>(
      std::vector<kv::KeyedVersion>{{"k", {message.clock, std::nullopt, {}, {}}}});
  driver->Group([&](kv::Replica* replica) { replica->Receive(1, message); });
}

void Read(const kv::Store& store) {
  kv::v1::ScanRequest request;
  kv::v1::ScanResponse response;
  const kv::PublishedHeads heads;
  kv::ReadSession session(&heads);
  const absl::Status status = kv::ScanPage(store, request, &session, &response);
  FUZZ_CHECK(status.ok() || status.code() == absl::StatusCode::kDataLoss, "damaged data is not DATA_LOSS");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  fuzz::Input input(fuzz::BytesOf(data, size));
  std::unique_ptr<kv::MemoryStorage> storage = fuzz::SoundStore();
  fuzz::Damage(&input, storage.get());
  fuzz::ReplicaDriver driver(fuzz::ReplicaDriver::WithPeers(), std::move(storage));
  if (driver.replica() != nullptr) {
    fuzz::Work(&driver);
  } else {
    const absl::StatusCode code = driver.status().code();
    FUZZ_CHECK(code == absl::StatusCode::kDataLoss || code == absl::StatusCode::kFailedPrecondition ||
                   code == absl::StatusCode::kInternal,
               "a store is refused by another code");
  }
  fuzz::Read(*driver.store());
  return 0;
}
