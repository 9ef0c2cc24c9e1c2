// A replica among hostile or broken peers: a sequence of messages, answers, links and time.
//
// An input is a row of steps: a byte that says what happens, and what that takes. What is refused must change
// nothing, the clock must move by its rules alone, and whatever was taken must leave a store whose records
// agree and that can be opened again.
#include <string>
#include <utility>

#include "services/kv/core/limits.h"
#include "services/kv/core/testing/store_audit.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/replica_driver.h"
#include "tests/fuzz/replica_steps.h"
#include "tests/fuzz/sync_input.h"

namespace lamppost::fuzz {
namespace {

constexpr int kStepsMax = 40;

// What must not have changed, or only grown.
struct Before {
  explicit Before(const ReplicaDriver& driver)
      : state(driver.replica()->state()), clock(driver.replica()->clock()->now()) {}

  const kv::State state;
  const uint64_t clock;
};

void CheckGrown(const Before& before, const ReplicaDriver& driver) {
  const kv::Replica& replica = *driver.replica();
  const kv::State& state = replica.state();
  FUZZ_CHECK(before.state.heads.IsCoveredBy(state.heads), "a head has gone back");
  FUZZ_CHECK(before.state.incarnation <= state.incarnation, "a life is older than the one before");
  FUZZ_CHECK(before.state.clock_limit <= state.clock_limit, "the clock's reservation has gone back");
  FUZZ_CHECK(before.state.max_write <= state.max_write, "the latest write known is forgotten");
  const uint64_t clock = driver.replica()->clock()->now();
  FUZZ_CHECK(before.clock <= clock && clock <= state.clock_limit, "the clock is out of its bounds");
  FUZZ_CHECK(state.heads.Max() <= clock, "a head is ahead of the clock");
  FUZZ_CHECK(state.max_write <= clock, "a write is ahead of the clock");
  for (const auto& [origin, counter] : state.heads) {
    FUZZ_CHECK(kv::CheckNodeId(origin.node_id).ok(), "a head of no node");
  }
  for (const kv::Peer& peer : replica.peers()) {
    FUZZ_CHECK(peer.node_id.empty() || kv::CheckNodeId(peer.node_id).ok(), "a member without a name");
  }
}

void CheckUnchanged(const Before& before, const kv::Replica& replica, const kv::Output& output) {
  const kv::State& state = replica.state();
  FUZZ_CHECK(before.state.heads == state.heads, "a refused message has moved a head");
  FUZZ_CHECK(before.state.hash == state.hash, "a refused message has changed the contents");
  FUZZ_CHECK(before.state.incarnation == state.incarnation, "a refused message has ended a life");
  for (const kv::WriteBatch::Operation& operation : output.batch.operations()) {
    FUZZ_CHECK(operation.space == kv::Space::kMeta, "a refused message has written data");
  }
}

// Each event takes one counter: what is sent, and what the node writes of itself, entries of the ledger among
// it.
void CheckTicks(const Before& before, const ReplicaDriver& driver, const kv::Output& output) {
  uint64_t events = output.messages.size() + output.answers.size() + 1;
  for (const kv::WriteBatch::Operation& operation : output.batch.operations()) {
    events += operation.space == kv::Space::kData && kv::IsSystemKey(operation.key) ? 1 : 0;
  }
  FUZZ_CHECK(driver.replica()->clock()->now() <= before.clock + events,
             "the clock has moved without an event");
}

void Receive(ReplicaDriver* driver, kv::LinkId link, absl::string_view bytes) {
  const auto message = DecodeSync<kv::SyncMessage, kv::v1::SyncRequest>(bytes);
  if (!message.ok() || !driver->Observe(message->clock.counter)) return;
  driver->Advance(0);  // whatever is due is done, and not taken for the message's doing
  const Before before(*driver);
  const kv::Output output = driver->Group([&](kv::Replica* replica) { replica->Receive(link, *message); });
  FUZZ_CHECK(driver->status().ok(), "a batch cannot be stored");
  FUZZ_CHECK(output.answers.size() == 1, "a message is answered once");
  if (output.answers[0].answer.refusal != kv::Refusal::kNone) {
    CheckUnchanged(before, *driver->replica(), output);
  }
  CheckTicks(before, *driver, output);
}

void ReceiveAnswer(ReplicaDriver* driver, kv::PeerIndex peer, absl::string_view bytes) {
  const auto answer = DecodeSync<kv::SyncAnswer, kv::v1::SyncResponse>(bytes);
  if (!answer.ok() || !driver->Observe(answer->clock.counter)) return;
  driver->Advance(0);
  const Before before(*driver);
  const kv::Output output =
      driver->Group([&](kv::Replica* replica) { replica->ReceiveAnswer(peer, *answer); });
  FUZZ_CHECK(before.state.hash == driver->replica()->state().hash, "an answer has changed the contents");
  CheckTicks(before, *driver, output);
}

void Write(ReplicaDriver* driver, absl::string_view key) {
  kv::Proposal proposal;
  proposal.operations.push_back({std::string(key), kv::Value{kv::Value::Kind::kText, "v"}});
  if (kv::CheckProposal(proposal, kv::Limits()).ok()) {
    driver->Group([&](kv::Replica* replica) { replica->Propose(proposal); });
  }
}

void TakeStep(ReplicaDriver* driver, Input* input) {
  const uint8_t byte = input->Byte();
  const uint8_t which = byte / kStepKinds % 4;
  const kv::PeerIndex peer = which % 2;
  switch (static_cast<Step>(byte % kStepKinds)) {
    case Step::kMessage:
      return Receive(driver, which, input->Frame());
    case Step::kAnswer:
      return ReceiveAnswer(driver, peer, input->Frame());
    case Step::kTime:
      return driver->Advance(input->Number16());
    case Step::kWrite:
      return Write(driver, input->Frame());
    case Step::kLinkUp:
      driver->Group([=](kv::Replica* replica) { replica->LinkUp(peer); });
      return;
    case Step::kLinkDown:
      driver->Group([=](kv::Replica* replica) { replica->LinkDown(peer, "cut"); });
      return;
    case Step::kInboundDown:
      driver->Group([=](kv::Replica* replica) { replica->InboundDown(which); });
      return;
  }
}

// A node that starts again on this store is the one it was.
void CheckRestart(const ReplicaDriver& driver) {
  const auto again = kv::Replica::Open(ReplicaDriver::WithPeers(), driver.store());
  FUZZ_CHECK(again.ok(), "the store cannot be opened again");
  const kv::State& state = driver.replica()->state();
  FUZZ_CHECK((*again)->heads() == state.heads && (*again)->state().hash == state.hash,
             "the store is another one when it is opened again");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost::fuzz;
  Input input(BytesOf(data, size));
  ReplicaDriver driver(ReplicaDriver::WithPeers());
  for (int i = 0; i < kStepsMax && !input.empty(); ++i) {
    const Before before(driver);
    TakeStep(&driver, &input);
    FUZZ_CHECK(driver.status().ok(), "a batch cannot be stored");
    CheckGrown(before, driver);
  }
  FUZZ_CHECK(lamppost::kv::testing::Audit(*driver.store()).empty(), "the store's records do not agree");
  CheckRestart(driver);
  return 0;
}
