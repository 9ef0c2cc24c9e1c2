#include "services/kv/server/codec.h"

#include <memory>
#include <utility>
#include <vector>

#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/kv/core/coding.h"

namespace lamppost::kv {

using lamppost::FromProto;
using lamppost::ToProto;

namespace {

absl::Status Invalid(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

// A peer's seen list is bounded by what a record can hold well; a longer one is not ours.
constexpr int kSeenMax = 10000;

absl::StatusOr<KeyedVersion> EntryFromProto(const v1::Version& message) {
  KeyedVersion entry;
  entry.key = message.key();
  entry.version.timestamp = FromProto(message.timestamp());
  if (message.has_value()) {
    absl::StatusOr<Value> value = FromProto(message.value());
    if (!value.ok()) return value.status();
    entry.version.value = *std::move(value);
  }
  if (message.seen_size() > kSeenMax)
    return Invalid("MESSAGE_INVALID", "a version has seen too many origins");
  std::vector<Seen::Entry> lags;
  lags.reserve(message.seen_size());
  for (const v1::Seen& seen : message.seen()) lags.emplace_back(FromProto(seen.origin()), seen.lag());
  entry.version.seen = Seen(std::move(lags));
  entry.version.request.id = message.request_id();
  entry.version.request.fingerprint = message.request_fingerprint();
  entry.version.request.before =
      message.replaced_value() ? RequestTag::Before::kPresent : RequestTag::Before::kAbsent;
  return entry;
}

void EntryToProto(const KeyedVersion& entry, v1::Version* message) {
  const Version& version = entry.version;
  message->set_key(entry.key);
  ToProto(version.timestamp, message->mutable_timestamp());
  if (version.value) ToProto(*version.value, message->mutable_value());
  for (const auto& [origin, lag] : version.seen.lags()) {
    v1::Seen* seen = message->add_seen();
    ToProto(origin, seen->mutable_origin());
    seen->set_lag(lag);
  }
  if (version.request.id.empty()) return;
  message->set_request_id(version.request.id);
  message->set_request_fingerprint(version.request.fingerprint);
  message->set_replaced_value(version.request.before == RequestTag::Before::kPresent);
}

// The core's refusals and the protocol's have the same numbers.
static_assert(static_cast<int>(Refusal::kGap) == v1::SYNC_REFUSAL_GAP);
static_assert(static_cast<int>(Refusal::kOtherLife) == v1::SYNC_REFUSAL_OTHER_LIFE);
static_assert(static_cast<int>(Refusal::kFenced) == v1::SYNC_REFUSAL_FENCED);
static_assert(static_cast<int>(Refusal::kClusterMismatch) == v1::SYNC_REFUSAL_CLUSTER_MISMATCH);
static_assert(static_cast<int>(Refusal::kUnknownMember) == v1::SYNC_REFUSAL_UNKNOWN_MEMBER);
static_assert(static_cast<int>(Refusal::kDuplicateNodeId) == v1::SYNC_REFUSAL_DUPLICATE_NODE_ID);
static_assert(static_cast<int>(Refusal::kSelf) == v1::SYNC_REFUSAL_SELF);
static_assert(static_cast<int>(Refusal::kStorage) == v1::SYNC_REFUSAL_STORAGE);
static_assert(static_cast<int>(Refusal::kClock) == v1::SYNC_REFUSAL_CLOCK);
static_assert(static_cast<int>(Refusal::kInvalid) == v1::SYNC_REFUSAL_INVALID);

// One that a newer peer may send is no better than an invalid one.
Refusal RefusalFromProto(v1::SyncRefusal refusal) {
  return v1::SyncRefusal_IsValid(refusal) ? static_cast<Refusal>(refusal) : Refusal::kInvalid;
}

}  // namespace

absl::StatusOr<Value> FromProto(const v1::Value& message) {
  switch (message.kind_case()) {
    case v1::Value::kText:
      return Value{Value::Kind::kText, message.text()};
    case v1::Value::kData:
      return Value{Value::Kind::kData, message.data()};
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return Invalid("VALUE_MISSING", "a value needs either text or data");
}

void ToProto(const Value& value, v1::Value* message) {
  if (value.kind == Value::Kind::kText) {
    message->set_text(value.bytes);
  } else {
    message->set_data(value.bytes);
  }
}

Heads FromProto(const HeadsField& field) {
  Heads heads;
  for (const clock::v1::Head& head : field) heads.Raise(FromProto(head.origin()), head.counter());
  return heads;
}

void ToProto(const Heads& heads, HeadsField* field) {
  for (const auto& [origin, counter] : heads) {
    clock::v1::Head* head = field->Add();
    ToProto(origin, head->mutable_origin());
    head->set_counter(counter);
  }
}

absl::StatusOr<Proposal> ToProposal(const v1::PutRequest& request) {
  absl::StatusOr<Value> value = FromProto(request.value());
  if (!value.ok()) return value.status();
  Proposal proposal;
  proposal.operations.push_back({request.key(), *std::move(value)});
  proposal.request_id = request.request_id();
  return proposal;
}

absl::StatusOr<Proposal> ToProposal(const v1::DeleteRequest& request) {
  Proposal proposal;
  proposal.operations.push_back({request.key(), std::nullopt});
  proposal.request_id = request.request_id();
  return proposal;
}

absl::StatusOr<Proposal> ToProposal(const v1::WriteRequest& request) {
  Proposal proposal;
  proposal.operations.reserve(request.operations_size());
  for (const v1::WriteOperation& operation : request.operations()) {
    switch (operation.kind_case()) {
      case v1::WriteOperation::kPut: {
        absl::StatusOr<Value> value = FromProto(operation.put().value());
        if (!value.ok()) return value.status();
        proposal.operations.push_back({operation.put().key(), *std::move(value)});
        break;
      }
      case v1::WriteOperation::kDelete:
        proposal.operations.push_back({operation.delete_().key(), std::nullopt});
        break;
      case v1::WriteOperation::KIND_NOT_SET:
        return Invalid("OPERATION_MISSING", "each operation needs either put or delete");
    }
  }
  proposal.request_id = request.request_id();
  return proposal;
}

absl::StatusOr<SyncMessage> FromProto(const v1::SyncRequest& message) {
  SyncMessage sync;
  sync.clock = FromProto(message.clock());
  sync.cluster = message.cluster();
  sync.boot_id = message.boot_id();
  sync.receiver_incarnation = message.receiver_incarnation();
  sync.from = FromProto(message.from());
  sync.to = FromProto(message.to());
  if (message.entries_size() > 0) {
    auto entries = std::make_shared<std::vector<KeyedVersion>>();
    entries->reserve(message.entries_size());
    for (const v1::Version& version : message.entries()) {
      absl::StatusOr<KeyedVersion> entry = EntryFromProto(version);
      if (!entry.ok()) return entry.status();
      entries->push_back(*std::move(entry));
    }
    sync.entries = std::move(entries);
  }
  sync.last = message.last();
  sync.progress = message.progress();
  sync.sequence = message.sequence();
  return sync;
}

void ToProto(const SyncMessage& sync, v1::SyncRequest* message) {
  ToProto(sync.clock, message->mutable_clock());
  message->set_cluster(sync.cluster);
  message->set_boot_id(sync.boot_id);
  message->set_receiver_incarnation(sync.receiver_incarnation);
  ToProto(sync.from, message->mutable_from());
  ToProto(sync.to, message->mutable_to());
  if (sync.entries) {
    message->mutable_entries()->Reserve(static_cast<int>(sync.entries->size()));
    for (const KeyedVersion& entry : *sync.entries) EntryToProto(entry, message->add_entries());
  }
  message->set_last(sync.last);
  message->set_progress(sync.progress);
  message->set_sequence(sync.sequence);
}

absl::StatusOr<SyncAnswer> FromProto(const v1::SyncResponse& message) {
  SyncAnswer answer;
  answer.clock = FromProto(message.clock());
  answer.refusal = RefusalFromProto(message.refusal());
  answer.cluster = message.cluster();
  answer.boot_id = message.boot_id();
  answer.heads = FromProto(message.heads());
  answer.durable_heads = FromProto(message.durable_heads());
  answer.pending = FromProto(message.pending());
  answer.progress = FromProto(message.progress());
  answer.sequence = message.sequence();
  Decoder hash(message.content_hash());
  answer.content_hash.high = hash.BigEndian64();
  answer.content_hash.low = hash.BigEndian64();
  if (!hash.Done()) return Invalid("MESSAGE_INVALID", "a content hash has 16 bytes");
  return answer;
}

void ToProto(const SyncAnswer& answer, v1::SyncResponse* message) {
  ToProto(answer.clock, message->mutable_clock());
  message->set_refusal(static_cast<v1::SyncRefusal>(answer.refusal));
  message->set_cluster(answer.cluster);
  message->set_boot_id(answer.boot_id);
  ToProto(answer.heads, message->mutable_heads());
  ToProto(answer.durable_heads, message->mutable_durable_heads());
  ToProto(answer.pending, message->mutable_pending());
  ToProto(answer.progress, message->mutable_progress());
  message->set_sequence(answer.sequence);
  PutBigEndian64(answer.content_hash.high, message->mutable_content_hash());
  PutBigEndian64(answer.content_hash.low, message->mutable_content_hash());
}

}  // namespace lamppost::kv
