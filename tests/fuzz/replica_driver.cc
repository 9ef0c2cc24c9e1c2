#include "tests/fuzz/replica_driver.h"

#include <algorithm>
#include <utility>

#include "services/kv/core/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sync_input.h"

namespace lamppost::fuzz {

kv::ReplicaOptions ReplicaDriver::Alone() {
  kv::ReplicaOptions options;
  options.node_id = "B";
  options.cluster = "c";
  options.boot_id = 2;
  options.life_seed = 7;
  options.requests_max = 4;
  options.chunk_bytes = 64;
  options.window_bytes = 512;
  options.live_gather_bytes = 128;
  return options;
}

kv::ReplicaOptions ReplicaDriver::WithPeers() {
  kv::ReplicaOptions options = Alone();
  options.peer_addresses = {"a", "c"};
  return options;
}

ReplicaDriver::ReplicaDriver(const kv::ReplicaOptions& options)
    : ReplicaDriver(options, std::make_unique<kv::MemoryStorage>()) {
  FUZZ_CHECK(status_.ok(), "an empty store cannot be opened");
  store_is_sound_ = true;
}

ReplicaDriver::ReplicaDriver(const kv::ReplicaOptions& options, std::unique_ptr<kv::MemoryStorage> storage)
    : storage_(std::move(storage)) {
  absl::StatusOr<std::unique_ptr<kv::Replica>> replica = kv::Replica::Open(options, storage_.get());
  status_ = replica.status();
  if (!replica.ok()) return;
  replica_ = *std::move(replica);
  Advance(0);  // the first group makes counters available
  Advance(0);
}

void ReplicaDriver::Advance(uint64_t duration_ms) {
  now_ms_ += duration_ms;
  Group([](kv::Replica*) {});
}

kv::Output ReplicaDriver::Group(absl::FunctionRef<void(kv::Replica*)> inputs) {
  if (!replica_) return {};
  replica_->Begin(now_ms_, now_ms_);
  inputs(replica_.get());
  kv::Output output = replica_->TakeOutput();
  status_ = storage_->Commit(output.batch, kv::Durability::kSync);
  if (!status_.ok()) {
    replica_.reset();
    return {};
  }
  replica_->Committed();
  replica_->Flushed(replica_->heads());
  if (store_is_sound_) Check(output);
  return output;
}

bool ReplicaDriver::Observe(uint64_t counter) {
  LamportClock* const clock = replica_->clock();
  const uint64_t before = clock->now();
  LamportClock::Observed observed = clock->Observe(counter);
  if (observed == LamportClock::Observed::kNeedsReservation) {
    Group([counter](kv::Replica* replica) { replica->ReserveClock(counter + LamportClock::kBlock); });
    if (!replica_) return false;
    observed = clock->Observe(counter);
    FUZZ_CHECK(observed == LamportClock::Observed::kOk, "a reservation was not enough");
  }
  if (observed == LamportClock::Observed::kTooFarAhead) {
    FUZZ_CHECK(clock->now() == before, "a refused counter has moved the clock");
    return false;
  }
  FUZZ_CHECK(clock->now() > counter, "an observed counter is not below the clock");
  return true;
}

// A node says only what its peers can read, and nothing ahead of its clock.
void ReplicaDriver::Check(const kv::Output& output) const {
  const uint64_t clock = replica_->clock()->now();
  for (const kv::OutgoingMessage& outgoing : output.messages) {
    const auto got = SendAndDecode<kv::SyncMessage, kv::v1::SyncRequest>(outgoing.message);
    FUZZ_CHECK(got.ok() && Same(*got, outgoing.message), "a message does not come through");
    FUZZ_CHECK(outgoing.message.clock.counter <= clock, "a message is ahead of the clock");
  }
  for (const kv::OutgoingAnswer& outgoing : output.answers) {
    const auto got = SendAndDecode<kv::SyncAnswer, kv::v1::SyncResponse>(outgoing.answer);
    FUZZ_CHECK(got.ok() && Same(*got, outgoing.answer), "an answer does not come through");
    FUZZ_CHECK(outgoing.answer.clock.counter <= clock, "an answer is ahead of the clock");
  }
}

}  // namespace lamppost::fuzz
