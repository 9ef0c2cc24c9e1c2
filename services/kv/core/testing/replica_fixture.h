// Two replicas that know each other, for tests that hand one of them what the other would not send.
#ifndef LAMPPOST_SERVICES_KV_CORE_TESTING_REPLICA_FIXTURE_H_
#define LAMPPOST_SERVICES_KV_CORE_TESTING_REPLICA_FIXTURE_H_

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "services/kv/core/testing/cluster.h"
#include "services/kv/core/testing/store_audit.h"

namespace lamppost::kv::testing {

// Keeps the last answer and reply, and of all outputs how urgent they were and which state they stored.
class Recorder : public Observer {
 public:
  struct Seen {
    Urgency urgency;
    std::optional<State> state;
  };

  void OnCommitted(NodeIndex node, const Output& output, CrashPoint) override {
    outputs.push_back({output.urgency, StateIn(output.batch)});
    for (const OutgoingAnswer& answer : output.answers) last_answer = answer.answer;
    for (const Reply& reply : output.replies) last_reply = reply.result;
  }
  void OnReceived(NodeIndex, const Packet&) override {}

  std::vector<Seen> outputs;
  SyncAnswer last_answer;
  absl::StatusOr<WriteResult> last_reply;

 private:
  static std::optional<State> StateIn(const WriteBatch& batch) {
    for (const WriteBatch::Operation& operation : batch.operations()) {
      if (operation.space == Space::kMeta && operation.key == kStateKey)
        return *DecodeState(*operation.value);
    }
    return std::nullopt;
  }
};

class ReplicaTest : public ::testing::Test {
 protected:
  ReplicaTest() : cluster_(FullMesh({"A", "B"}), Tuning(), &recorder_) {
    EXPECT_TRUE(cluster_.Start(0).ok());
    EXPECT_TRUE(cluster_.Start(1).ok());
    Settle();
  }

  void Settle() {
    for (int round = 0; round < 20; ++round) {
      while (!cluster_.wire().empty()) {
        const Packet packet = cluster_.wire().front();
        cluster_.wire().pop_front();
        cluster_.Receive(packet.to, {packet});
      }
      cluster_.Advance(250);
      for (NodeIndex node = 0; node < 2; ++node) cluster_.RunUntilIdle(node);
    }
  }

  // A message as B would send it to A, with one write.
  SyncMessage Honest() const {
    SyncMessage message;
    message.clock = {cluster_.replica(0).state().max_write + 1000, cluster_.replica(1).me()};
    message.cluster = "test";
    message.boot_id = cluster_.replica(0).peers()[0].boot_id;
    message.receiver_incarnation = cluster_.replica(0).me().incarnation;
    const uint64_t counter = message.clock.counter - 1;
    message.from = {{message.clock.origin, cluster_.replica(0).heads().At(message.clock.origin)}};
    message.to = {{message.clock.origin, counter}};
    Version version;
    version.timestamp = {counter, message.clock.origin};
    version.value = Value{Value::Kind::kText, "forged"};
    message.entries = std::make_shared<std::vector<KeyedVersion>>(1, KeyedVersion{"x", version});
    return message;
  }

  static void Change(SyncMessage* message, const std::function<void(KeyedVersion*)>& change) {
    KeyedVersion entry = message->entries->front();
    change(&entry);
    message->entries = std::make_shared<std::vector<KeyedVersion>>(1, entry);
  }

  // What A says to the message; if it refuses, nothing may have changed.
  Refusal Sent(const SyncMessage& message) {
    const Heads heads = cluster_.replica(0).heads();
    cluster_.Receive(0, {Packet{1, 0, cluster_.LinkOf(1, 0), message}});
    const Refusal refusal = recorder_.last_answer.refusal;
    if (refusal != Refusal::kNone) {
      EXPECT_EQ(cluster_.replica(0).heads(), heads);
      EXPECT_TRUE(Dump(cluster_.disk(0), Tombstones::kIncluded).empty());
    }
    return refusal;
  }

  Recorder recorder_;
  Cluster cluster_;
};

}  // namespace lamppost::kv::testing

#endif  // LAMPPOST_SERVICES_KV_CORE_TESTING_REPLICA_FIXTURE_H_
