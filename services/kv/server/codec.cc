#include "services/kv/server/codec.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/kv/core/limits.h"

namespace lamppost::kv {

using lamppost::FromProto;
using lamppost::ToProto;

namespace {

absl::Status Invalid(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
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
  std::vector<Heads::Entry> entries;
  entries.reserve(field.size());
  for (const clock::v1::Head& head : field) entries.emplace_back(FromProto(head.origin()), head.counter());
  return Heads::Of(std::move(entries));
}

void ToProto(const Heads& heads, HeadsField* field) {
  for (const auto& [origin, counter] : heads) {
    clock::v1::Head* head = field->Add();
    ToProto(origin, head->mutable_origin());
    head->set_counter(counter);
  }
}

absl::StatusOr<Heads> FromProto(const v1::Session& message) {
  constexpr int kSessionHeadsMax = 1000;
  if (message.heads_size() > kSessionHeadsMax) {
    return Invalid("SESSION_INVALID", absl::StrCat("a session has at most ", kSessionHeadsMax, " heads"));
  }
  for (const clock::v1::Head& head : message.heads()) {
    const Origin origin = FromProto(head.origin());
    const bool possible = CheckNodeId(origin.node_id).ok() && origin.incarnation != 0 && head.counter() != 0;
    if (!possible) return Invalid("SESSION_INVALID", "the session names a life or a counter that cannot be");
  }
  Heads heads = FromProto(message.heads());
  if (heads.size() != static_cast<size_t>(message.heads_size())) {
    return Invalid("SESSION_INVALID", "the session names an origin twice");
  }
  return heads;
}

void ToProto(const Heads& heads, v1::Session* message) {
  for (const auto& [origin, counter] : heads) {
    if (counter == 0) continue;
    clock::v1::Head* head = message->add_heads();
    ToProto(origin, head->mutable_origin());
    head->set_counter(counter);
  }
}

absl::StatusOr<uint64_t> TtlMs(const google::protobuf::Duration& ttl) {
  constexpr int64_t kSecondsMax = int64_t{3650} * 24 * 3600;
  constexpr int32_t kNanosPerMs = 1'000'000;
  if (ttl.nanos() <= -1'000'000'000 || ttl.nanos() >= 1'000'000'000) {
    return Invalid("TTL_INVALID", "the ttl has a whole second or more in its nanos");
  }
  if (ttl.seconds() < 0 || ttl.nanos() < 0) return Invalid("TTL_INVALID", "the ttl is negative");
  if (ttl.seconds() > kSecondsMax || (ttl.seconds() == kSecondsMax && ttl.nanos() > 0)) {
    return Invalid("TTL_INVALID", "the ttl is more than 10 years (3650 days)");
  }
  const int64_t ttl_ms = ttl.seconds() * 1000 + ttl.nanos() / kNanosPerMs;
  if (ttl_ms == 0)
    return Invalid("TTL_INVALID", "the ttl is less than 1 ms; leave it out for a value that stays");
  return static_cast<uint64_t>(ttl_ms);
}

void ToProto(uint64_t unix_ms, google::protobuf::Timestamp* message) {
  message->set_seconds(static_cast<int64_t>(unix_ms / 1000));
  message->set_nanos(static_cast<int32_t>(unix_ms % 1000) * 1'000'000);
}

namespace {

// What all requests to write have in common.
template <typename Request>
absl::StatusOr<Proposal> Complete(Proposal proposal, const Request& request) {
  absl::StatusOr<Heads> session = FromProto(request.session());
  if (!session.ok()) return session.status();
  proposal.session = *std::move(session);
  proposal.replicas = std::max<size_t>(request.replicas(), 1);
  proposal.request_id = request.request_id();
  return proposal;
}

// PutRequest and PutOperation have these in common.
template <typename Put>
absl::StatusOr<Operation> PutOf(const Put& put) {
  absl::StatusOr<Value> value = FromProto(put.value());
  if (!value.ok()) return value.status();
  Operation operation{put.key(), *std::move(value)};
  if (!put.has_ttl()) return operation;
  const absl::StatusOr<uint64_t> ttl_ms = TtlMs(put.ttl());
  if (!ttl_ms.ok()) return ttl_ms.status();
  operation.ttl_ms = *ttl_ms;
  return operation;
}

}  // namespace

absl::StatusOr<Proposal> ToProposal(const v1::PutRequest& request) {
  absl::StatusOr<Operation> put = PutOf(request);
  if (!put.ok()) return put.status();
  Proposal proposal;
  proposal.operations.push_back(*std::move(put));
  return Complete(std::move(proposal), request);
}

absl::StatusOr<Proposal> ToProposal(const v1::DeleteRequest& request) {
  Proposal proposal;
  proposal.operations.push_back({request.key(), std::nullopt});
  return Complete(std::move(proposal), request);
}

absl::StatusOr<Proposal> ToProposal(const v1::WriteRequest& request) {
  Proposal proposal;
  proposal.operations.reserve(request.operations_size());
  for (const v1::WriteOperation& operation : request.operations()) {
    switch (operation.kind_case()) {
      case v1::WriteOperation::kPut: {
        absl::StatusOr<Operation> put = PutOf(operation.put());
        if (!put.ok()) return put.status();
        proposal.operations.push_back(*std::move(put));
        break;
      }
      case v1::WriteOperation::kDelete:
        proposal.operations.push_back({operation.delete_().key(), std::nullopt});
        break;
      case v1::WriteOperation::KIND_NOT_SET:
        return Invalid("OPERATION_MISSING", "each operation needs either put or delete");
    }
  }
  return Complete(std::move(proposal), request);
}

absl::StatusOr<Proposal> ToProposal(const v1::ResolveConflictRequest& request) {
  Settlement settlement;
  settlement.key = request.key();
  if (request.has_loser()) settlement.loser = FromProto(request.loser());
  if (request.has_value()) {
    absl::StatusOr<Value> value = FromProto(request.value());
    if (!value.ok()) return value.status();
    settlement.keep = Resolution::kOtherValue;
    settlement.value = *std::move(value);
  } else if (request.keep_loser()) {
    settlement.keep = Resolution::kLoserKept;
  } else if (request.keep_winner()) {
    settlement.keep = Resolution::kWinnerKept;
  } else {
    return Invalid("RESOLUTION_MISSING", "one of keep_loser, keep_winner and value is to be set");
  }
  Proposal proposal;
  proposal.settlement = std::move(settlement);
  return Complete(std::move(proposal), request);
}

}  // namespace lamppost::kv
