// What a replica tells of itself while it is traced.
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/replica.h"

namespace lamppost::kv {

void Replica::TraceSend(const std::string& to, SyncMessage* message) {
  TracePoint point = PointOf(*message);
  point.kind = TraceKind::kSend;
  point.peer = to;
  message->trace = tracer_.Happened(std::move(point));
}

void Replica::TraceSend(const std::string& to, SyncAnswer* answer) {
  TracePoint point = PointOf(*answer);
  point.kind = TraceKind::kSend;
  point.peer = to;
  answer->trace = tracer_.Happened(std::move(point));
}

// Whoever brings messages in has let the clock observe them; what several of them have in common since is not
// enough to tell their receipts apart.
uint64_t Replica::ReceiptCounter() {
  const uint64_t now = clock_->now();
  return now > tracer_.latest() ? now : Tick();
}

// Of a message that is not taken in, whoever may have sent it, nothing is told but that it came. A member's
// has led to what comes next all the same: to the answer that refuses it.
template <typename Message>
void Replica::TraceReceipt(const Message& message, Refusal refusal) {
  TracePoint point = PointOf(message);
  if (refusal != Refusal::kNone) {
    const Carries carries = point.carries;
    point = TracePoint();
    point.carries = carries;
  }
  point.kind = TraceKind::kReceive;
  const std::string& from = message.clock.origin.node_id;
  if (CheckNodeId(from).ok()) point.peer = from;
  point.sent_counter = message.clock.counter;
  point.counter = ReceiptCounter();
  tracer_.Received(std::move(point), MeansMember(refusal) ? message.trace : nullptr);
}

template void Replica::TraceReceipt(const SyncMessage& message, Refusal refusal);
template void Replica::TraceReceipt(const SyncAnswer& answer, Refusal refusal);

void Replica::TraceWrite(const Timestamp& version, const Proposal& proposal) {
  std::vector<KeyedVersion> written;
  bool is_shown = false;  // the value of the first client's key is
  for (const Operation& operation : proposal.operations) {
    KeyedVersion entry{operation.key, {}};
    if (!is_shown) entry.version.value = operation.value;
    is_shown |= !IsSystemKey(operation.key);
    entry.version.lapsed = operation.lapsed;
    written.push_back(std::move(entry));
  }
  TracePoint point;
  point.kind = TraceKind::kWrite;
  point.counter = version.counter;
  Describe(written, &point);
  tracer_.Happened(std::move(point));
}

void Replica::TraceConflict(const std::string& key, const Version& winner, const Version& loser) {
  TracePoint point;
  point.kind = TraceKind::kConflict;
  point.keys.push_back(key);
  point.detail = absl::StrCat(key, ": ", ToString(loser.timestamp), " lost to ", ToString(winner.timestamp));
  tracer_.Mark(std::move(point));
}

}  // namespace lamppost::kv
