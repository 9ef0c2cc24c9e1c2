// Records of calls that are not what the software wrote: in the local store, in etcd, as text. Each gives a
// Status; nothing runs because of one that says it has run, or that cannot be read.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "etcd/rpc.pb.h"
#include "services/common/error.h"
#include "services/kv/storage/memory_storage.h"
#include "services/rpc/core/record.h"
#include "services/rpc/core/testing/engine_server.h"
#include "services/rpc/server/codec.h"
#include "services/rpc/storage/etcd_codec.h"
#include "services/rpc/storage/staged_records.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

using rpc::testing::EngineServer;
using rpc::testing::IdAt;
using rpc::testing::kWallMs;

constexpr int kChangesMax = 64;
const rpc::RequestId kId = IdAt(kWallMs, 1);

bool IsRecord(const absl::StatusOr<rpc::Record>& record, rpc::Record::State state) {
  return record.ok() && record->state == state;
}

// True if the one JSON is the other one, but for members that it has beside.
bool HoldsAll(const rpc::Json& json, const rpc::Json& other) {
  if (!json.is_object() || !other.is_object()) return json == other;
  for (const auto& [name, value] : other.items()) {
    if (!json.contains(name) || !HoldsAll(json[name], value)) return false;
  }
  return true;
}

// What can be read is read alike when it is written again.
void CheckText(absl::string_view text) {
  const absl::StatusOr<rpc::Record> record = rpc::DecodeRecord(text);
  FUZZ_CHECK(record.ok() || ErrorReason(record.status()) == "DATA_CORRUPT", "bad text is no damage");
  if (!record.ok()) return;
  const std::string encoded = rpc::Encode(*record);
  const absl::StatusOr<rpc::Record> again = rpc::DecodeRecord(encoded);
  FUZZ_CHECK(again.ok() && rpc::Encode(*again) == encoded,
             "a record is another one when it is written again");
  FUZZ_CHECK(again->state == record->state && again->method == record->method &&
                 again->fingerprint == record->fingerprint && again->owner == record->owner &&
                 again->run == record->run && again->repeat == record->repeat &&
                 again->client_id == record->client_id && again->first_seen_ms == record->first_seen_ms &&
                 again->started == record->started && again->outcome == record->outcome,
             "a record has changed");
  FUZZ_CHECK(
      HoldsAll(rpc::ParseJson(text, text.size()).value(), rpc::ParseJson(encoded, encoded.size()).value()),
      "a record was read as another one");
  rpc::v1::Outcome outcome;
  const absl::Status sent = rpc::ToProto(record->outcome, &outcome);
  FUZZ_CHECK(sent.ok() || ErrorReason(sent) == "DATA_CORRUPT", "a record's outcome is refused otherwise");
}

// A call and a question that meet the record.
void CheckEngine(absl::string_view text) {
  const absl::StatusOr<rpc::Record> record = rpc::DecodeRecord(text);
  rpc::RecordTable table;
  table.Apply(rpc::CreateRecord{kId, std::string(text)});
  EngineServer server(&table, "B");
  const rpc::CallerId looker = server.Look(kId);
  const absl::StatusOr<rpc::CallInfo> info = server.LookReplyOf(looker);
  FUZZ_CHECK(record.ok() || ErrorReason(info.status()) == "DATA_CORRUPT", "a damaged record is not told of");
  const rpc::CallerId caller = server.Call(kId, "again");
  server.Settle();
  server.Pass(1000);
  if (!record.ok()) {
    FUZZ_CHECK(server.HasReply(caller) && ErrorReason(server.ReplyOf(caller).status()) == "DATA_CORRUPT",
               "a call meets a damaged record and goes on");
  }
  const bool may_run = IsRecord(record, rpc::Record::State::kRunning) &&
                       record->repeat == rpc::Repeat::kIdempotent && record->owner != "B";
  FUZZ_CHECK(may_run || server.starts().empty(), "a record has made a function run");
  FUZZ_CHECK(table.records().count(kId) == 1, "a call has removed a record");
  if (!server.HasReply(caller)) return;
  const absl::StatusOr<rpc::CallReply>& reply = server.ReplyOf(caller);
  FUZZ_CHECK(reply.ok() || !ErrorReason(reply.status()).empty(), "a refusal without a reason");
  const bool done = IsRecord(record, rpc::Record::State::kDone);
  if (done && reply.ok()) FUZZ_CHECK(reply->outcome == record->outcome, "another outcome than was kept");
}

// One of each kind of operation.
std::vector<rpc::StoreOperation> Operations() {
  const rpc::RequestId other = IdAt(kWallMs, 2);
  return {rpc::GetRecord{kId},
          rpc::CreateRecord{kId, "a"},
          rpc::CreateRecord{other, "b"},
          rpc::CreateRecord{rpc::testing::RandomId(3), "c"},
          rpc::ReplaceRecord{other, 1, "d"},
          rpc::ScanRecords{std::nullopt, 2},
          rpc::ScanRecords{kId, 100},
          rpc::ForgetRecords{kWallMs - 1, {{kId, 1}, {other, 2}}},
          rpc::FindOwner{"me"},
          rpc::ReserveClock{1000}};
}

void CheckAnswer(const rpc::StoreOperation& operation, const rpc::StoreAnswer& answer) {
  const bool damaged = answer.status.code() == absl::StatusCode::kDataLoss;
  FUZZ_CHECK(answer.status.ok() || damaged, "a damaged store is not DATA_LOSS");
  if (!answer.status.ok()) return;
  const bool writes = std::holds_alternative<rpc::CreateRecord>(operation) ||
                      std::holds_alternative<rpc::ReplaceRecord>(operation);
  const bool written = writes && answer.verdict == rpc::StoreAnswer::Verdict::kDone;
  FUZZ_CHECK(!written || answer.revision != 0, "a record without a revision was written");
  FUZZ_CHECK(!answer.record || answer.record->revision != 0, "a record without a revision was read");
  for (const rpc::StoredRecord& record : answer.records) {
    FUZZ_CHECK(record.revision != 0, "a record without a revision was found");
  }
  if (const auto* scan = std::get_if<rpc::ScanRecords>(&operation)) {
    FUZZ_CHECK(answer.records.size() <= scan->records_max, "more was found than was asked for");
  }
}

// A small sound store, changed: a byte for the space (and whether the key is removed), the key, the value.
void Damage(Input* input, kv::MemoryStorage* storage) {
  for (int i = 0; i < kChangesMax && !input->empty(); ++i) {
    const uint8_t byte = input->Byte();
    const kv::Space space = byte % 2 == 0 ? kv::Space::kMeta : kv::Space::kData;
    std::string key(input->Frame());
    kv::WriteBatch batch;
    if (byte >= 128) {
      batch.Remove(space, std::move(key));
    } else {
      batch.Put(space, std::move(key), std::string(input->Frame()));
    }
    storage->Commit(batch, kv::Durability::kSync).IgnoreError();
  }
}

// An engine starts on it and keeps its clock in it, as the driver has it do.
void CheckClock(rpc::StagedRecords* records) {
  LamportClock clock(records->clock_limit());
  rpc::EngineOptions options;
  options.origin = {"me", 1};
  rpc::Engine engine(options, &clock, "me", rpc::testing::TestRegistry());
  for (int i = 0; i < 10; ++i) {
    const rpc::EngineOutput output = engine.TakeOutput();
    if (output.operations.empty()) break;
    FUZZ_CHECK(i < 5, "an engine reserves its clock again and again");
    for (const rpc::NumberedOperation& each : output.operations) {
      engine.StoreAnswered(records->Apply(each), {1000, kWallMs});
    }
  }
  FUZZ_CHECK(clock.Tick().has_value(), "an engine has started that has no time left");
}

void CheckStore(Input* input) {
  kv::MemoryStorage storage;
  {
    rpc::StagedRecords sound(&storage, "me");
    FUZZ_CHECK(sound.Load().ok(), "an empty store was refused");
    sound.Apply({1, rpc::CreateRecord{kId, "text"}});
    FUZZ_CHECK(sound.Commit().ok(), "a sound store takes nothing");
  }
  Damage(input, &storage);
  rpc::StagedRecords records(&storage, "me");
  if (const absl::Status status = records.Load(); !status.ok()) {
    FUZZ_CHECK(!ErrorReason(status).empty(), "a store is refused without a reason");
    return;
  }
  uint64_t number = 0;
  for (const rpc::StoreOperation& operation : Operations()) {
    const rpc::StoreAnswer answer = records.Apply({++number, operation});
    FUZZ_CHECK(answer.number == number, "another operation was answered");
    CheckAnswer(operation, answer);
  }
  FUZZ_CHECK(records.Commit().ok(), "a commit to memory failed");
  CheckClock(&records);
}

void CheckEtcd(absl::string_view bytes) {
  etcdserverpb::TxnResponse response;
  if (!response.ParseFromString(std::string(bytes))) return;
  const rpc::EtcdCodec codec("fleet");
  for (const rpc::StoreOperation& operation : Operations()) {
    codec.Encode(operation);
    const rpc::StoreAnswer answer = codec.Decode({7, operation}, response);
    FUZZ_CHECK(answer.number == 7, "another operation was answered");
    CheckAnswer(operation, answer);
  }
  const absl::StatusOr<uint64_t> clock = codec.DecodeReadClock(response);
  FUZZ_CHECK(clock.ok() || !ErrorReason(clock.status()).empty(), "a clock is refused without a reason");
  FUZZ_CHECK(!clock.ok() || *clock <= UINT64_MAX / 2, "a clock at its end was taken");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  fuzz::Input input(fuzz::BytesOf(data, size));
  switch (input.Byte() % 3) {
    case 0:
      fuzz::CheckText(input.rest());
      fuzz::CheckEngine(input.rest());
      break;
    case 1:
      fuzz::CheckStore(&input);
      break;
    default:
      fuzz::CheckEtcd(input.rest());
  }
  return 0;
}
