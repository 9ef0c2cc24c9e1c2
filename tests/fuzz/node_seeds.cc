#include <memory>
#include <utility>

#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/common/clock_proto.h"
#include "services/kv/core/record.h"
#include "services/kv/server/sync_codec.h"
#include "services/kv/snapshot/sample.h"
#include "services/kv/snapshot/snapshot_format.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/log_writer.h"
#include "tests/fuzz/replica_driver.h"
#include "tests/fuzz/replica_steps.h"
#include "tests/fuzz/seeds.h"
#include "tests/fuzz/stored_changes.h"

namespace lamppost::fuzz {
namespace {

namespace v1 = ::lamppost::kv::v1;

const Origin kA{"A", uint64_t{1} << 32 | 5};
const Origin kC{"C", uint64_t{3} << 32 | 6};

std::string Bytes(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

kv::Value Text(std::string bytes) {
  return {kv::Value::Kind::kText, std::move(bytes)};
}

template <typename Message, typename Sent>
std::string Wire(const Sent& sent) {
  Message message;
  kv::ToProto(sent, &message);
  return message.SerializeAsString();
}

std::string StepOf(Step kind, int which, const std::string& rest) {
  return Bytes({static_cast<int>(kind) + kStepKinds * which}) + rest;
}
std::string MessageStep(int link, const kv::SyncMessage& message) {
  return StepOf(Step::kMessage, link, FrameOf(Wire<v1::SyncRequest>(message)));
}
std::string AnswerStep(int peer, const kv::SyncAnswer& answer) {
  return StepOf(Step::kAnswer, peer, FrameOf(Wire<v1::SyncResponse>(answer)));
}

kv::SyncAnswer AnswerOf(const Origin& origin, uint64_t counter) {
  kv::SyncAnswer answer;
  answer.clock = {counter, origin};
  answer.cluster = "c";
  answer.boot_id = 1;
  answer.heads = answer.durable_heads = {{origin, counter - 1}};
  answer.sequence = 1;
  return answer;
}

// The life that a ReplicaDriver::WithPeers takes when its peers have answered: the same at each run.
uint64_t FirstLife() {
  ReplicaDriver driver(ReplicaDriver::WithPeers());
  driver.Advance(5000);
  return driver.replica()->me().incarnation;
}

// From A to the node under test: two live entries, one with a request id.
kv::SyncMessage Push(uint64_t counter, const kv::Heads& from, uint64_t to) {
  kv::SyncMessage message;
  message.clock = {counter, kA};
  message.cluster = "c";
  message.boot_id = 1;
  message.receiver_incarnation = FirstLife();
  message.from = from;
  message.to = {{kA, to}};
  kv::Version put{
      {to, kA}, Text("v"), kv::Seen({{kC, 2}}, to), {"id-1", 77, kv::RequestTag::Before::kPresent}};
  kv::Version tombstone{{to, kA}, std::nullopt, {}, {}};
  message.entries = std::make_shared<std::vector<kv::KeyedVersion>>(
      std::vector<kv::KeyedVersion>{{"k", put}, {"gone", tombstone}});
  message.sequence = 1;
  return message;
}

// A chunk of a catch-up that is not the last, with another origin's write.
kv::SyncMessage Chunk() {
  kv::SyncMessage message = Push(40, {}, 20);
  message.to = {{kA, 30}, {kC, 9}};
  kv::Version relayed{{9, kC}, kv::Value{kv::Value::Kind::kData, std::string("\0\xff", 2)}, {}, {}};
  message.entries =
      std::make_shared<std::vector<kv::KeyedVersion>>(std::vector<kv::KeyedVersion>{{"relayed", relayed}});
  message.last = false;
  message.progress = 9;
  return message;
}

// Both peers become known, the life is decided; then come the steps.
std::string Meet() {
  return StepOf(Step::kLinkUp, 0, "") + StepOf(Step::kLinkUp, 1, "") + AnswerStep(0, AnswerOf(kA, 5)) +
         AnswerStep(1, AnswerOf(kC, 5)) + StepOf(Step::kTime, 0, Bytes({0x88, 0x13}));
}

void AddSyncSeeds(std::vector<Seed>* seeds) {
  seeds->push_back({"sync_codec", "push", Bytes({0}) + Wire<v1::SyncRequest>(Push(20, {}, 12))});
  seeds->push_back({"sync_codec", "answer", Bytes({1}) + Wire<v1::SyncResponse>(AnswerOf(kA, 7))});
  const std::string live = Meet() + MessageStep(0, Push(20, {}, 12)) + StepOf(Step::kWrite, 0, FrameOf("k")) +
                           StepOf(Step::kTime, 0, Bytes({0, 2})) + MessageStep(0, Push(30, {{kA, 12}}, 25)) +
                           AnswerStep(0, AnswerOf(kA, 31));
  seeds->push_back({"replica_sync", "live", live});
  kv::SyncMessage end = Push(60, {{kA, 9}}, 30);
  end.progress = 30;
  kv::SyncAnswer gap = AnswerOf(kC, 50);
  gap.refusal = kv::Refusal::kGap;
  const std::string catch_up = Meet() + MessageStep(1, Chunk()) + StepOf(Step::kInboundDown, 1, "") +
                               MessageStep(2, end) + StepOf(Step::kWrite, 0, FrameOf("other")) +
                               AnswerStep(1, gap) + StepOf(Step::kTime, 0, Bytes({0, 4})) +
                               StepOf(Step::kLinkDown, 1, "");
  seeds->push_back({"replica_sync", "catch_up", catch_up});
}

// What once was a finding; docs/testing.md says of which kinds.
void AddSyncFindings(std::vector<Seed>* seeds) {
  v1::SyncRequest wire;
  kv::ToProto(Push(20, {}, 12), &wire);
  wire.mutable_entries(0)->clear_request_id();
  seeds->push_back({"sync_codec", "finding_tag_without_id", Bytes({0}) + wire.SerializeAsString()});
  kv::ToProto(Push(20, {}, 12), &(wire = {}));
  *wire.add_origins() = wire.origins(0);
  while (wire.entries(0).seen_size() < wire.origins_size()) wire.mutable_entries(0)->add_seen(9);
  seeds->push_back({"sync_codec", "finding_origin_twice", Bytes({0}) + wire.SerializeAsString()});

  const Origin last_life{"B", uint64_t{UINT32_MAX} << 32};
  kv::SyncMessage forged = Push(20, {}, 12);
  forged.to.Raise(last_life, 1);
  kv::SyncAnswer fenced = AnswerOf(kA, 31);
  fenced.refusal = kv::Refusal::kFenced;
  fenced.heads.Raise(last_life, 1);
  seeds->push_back(
      {"replica_sync", "finding_last_life", Meet() + MessageStep(0, forged) + AnswerStep(0, fenced)});
  seeds->push_back({"replica_sync", "finding_name",
                    StepOf(Step::kLinkUp, 0, "") + AnswerStep(0, AnswerOf({"no name", 1}, 5))});
}

void AddRecordSeeds(std::vector<Seed>* seeds) {
  const kv::Version version{{12, kA}, Text("v"), kv::Seen({{kC, 2}}, 12), {"id-1", 77}};
  kv::State state;
  state.clock_limit = 1 << 20;
  state.incarnation = kA.incarnation;
  state.heads = {{kA, 12}, {kC, 3}};
  state.keys = 1;
  state.max_write = 12;
  seeds->push_back({"records", "version", kv::EncodeVersion(version)});
  seeds->push_back({"records", "state", kv::EncodeState(state)});
  const auto change = [](int space, absl::string_view key, absl::string_view value) {
    return Bytes({space}) + FrameOf(key) + FrameOf(value);
  };
  state.heads = {{kA, 12}, {{"B", FirstLife()}, 9}};
  seeds->push_back({"stored_replica", "changes",
                    change(0, kv::kStateKey, kv::EncodeState(state)) +
                        change(0, kv::kMembersKey, kv::EncodeMembers({{"c", "C"}})) +
                        change(1, "k", kv::EncodeVersion(version)) +
                        change(2, kv::EncodeIndexKey(version.timestamp, "k"), "") +
                        change(3, Bytes({0, 0, 0, 0, 0, 0, 0, 1}),
                               kv::EncodeRequest({version.request, version.timestamp})) +
                        Bytes({1 + kRemoval}) + FrameOf("gone")});
  state.clock_limit = UINT64_MAX - 1000;
  seeds->push_back(
      {"stored_replica", "finding_last_counter", change(0, kv::kStateKey, kv::EncodeState(state))});

  kv::Version untagged = version;
  untagged.value.reset();
  untagged.request = {};
  std::string bytes = kv::EncodeVersion(untagged);
  bytes[0] = static_cast<char>(bytes[0] | 0x10);   // a request follows:
  bytes += Bytes({0, 1, 2, 3, 4, 5, 6, 7, 8, 1});  // no id, a fingerprint, the key was there
  seeds->push_back({"records", "finding_tag_without_id", bytes});
  untagged.seen = kv::Seen(std::vector<kv::Seen::Entry>{{kC, 2}, {kA, 1}});
  seeds->push_back({"records", "finding_origins_out_of_order", kv::EncodeVersion(untagged)});
}

void AddRequestSeeds(std::vector<Seed>* seeds) {
  v1::WriteRequest write;
  write.add_operations()->mutable_put()->set_key("k");
  write.mutable_operations(0)->mutable_put()->mutable_value()->set_data("\x01\xff");
  write.add_operations()->mutable_delete_()->set_key("gone");
  write.set_request_id("id-1");
  ToProto(Timestamp{3, kA}, write.mutable_clock());
  seeds->push_back({"requests", "write", Bytes({2}) + write.SerializeAsString()});
  v1::ScanRequest scan;
  scan.set_start_key("a");
  scan.set_end_key("c");
  scan.set_page_size(2);
  scan.set_page_bytes_max(100);
  scan.set_page_token("YWE=");
  seeds->push_back({"requests", "scan", Bytes({3}) + scan.SerializeAsString()});
}

void AddFileSeeds(std::vector<Seed>* seeds) {
  LogWriter writer;
  writer.Append("a record of a log");
  writer.Append("another one");
  seeds->push_back({"log_check", "log", Bytes({0}) + writer.log()});
  // A flipped bit in the second of four records, the first of which reaches over two blocks.
  seeds->push_back({"log_check", "described", Bytes({1, 3, 60, 0, 3, 200, 'a', 9, 'b', 20, 'c', 5, 'd'})});
  seeds->push_back({"data_directory", "database",
                    Bytes({0x07}) + FrameOf("MANIFEST-000001\n") + FrameOf(writer.log()) + writer.log()});
}

void AddSnapshotSeeds(std::vector<Seed>* seeds) {
  kv::SampleStore store;
  store.Fill(10, 8);
  seeds->push_back({"snapshot", "file", Bytes({0}) + store.File()});
  seeds->push_back({"snapshot", "frames",
                    Bytes({1, 'H'}) + FrameOf(kv::EncodeSnapshotHeader(store.Header())) + Bytes({'F'}) +
                        FrameOf(std::string(17, '\0'))});
  std::string records = Bytes({1, 'k'});  // a key; then its version, as a string
  const std::string version = kv::EncodeVersion({{12, kA}, Text("v"), {}, {}});
  records += Bytes({static_cast<int>(version.size())}) + version;
  seeds->push_back(
      {"snapshot", "records",
       Bytes({2, 'B'}) + FrameOf(records) + Bytes({'F'}) + FrameOf(Bytes({1}) + std::string(16, '\0'))});
  seeds->push_back({"snapshot", "altered", Bytes({3, 40, 0, 1, 44, 1, 128})});
}

}  // namespace

std::vector<Seed> NodeSeeds() {
  std::vector<Seed> seeds;
  AddSyncSeeds(&seeds);
  AddSyncFindings(&seeds);
  AddRecordSeeds(&seeds);
  AddRequestSeeds(&seeds);
  AddFileSeeds(&seeds);
  AddSnapshotSeeds(&seeds);
  return seeds;
}

}  // namespace lamppost::fuzz
