#include "tests/sim/trace.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "services/kv/core/record.h"
#include "services/kv/core/testing/trace.h"

namespace lamppost::sim {
namespace {

using kv::testing::Describe;

bool IsEssential(const kv::SyncMessage& message) {
  return message.entries != nullptr && !message.entries->empty();
}

bool IsEssential(const Packet& packet) {
  if (packet.IsAnswer()) return std::get<kv::SyncAnswer>(packet.body).refusal != kv::Refusal::kNone;
  return IsEssential(std::get<kv::SyncMessage>(packet.body));
}

std::string DescribeItems(const history::Operation& operation) {
  std::string text;
  for (const history::Item& item : operation.items) {
    absl::StrAppend(&text, " ", item.key, item.value ? absl::StrCat("=", *item.value) : " deleted");
  }
  return text;
}

}  // namespace

// FNV-1a over 64-bit words.
void TraceHash::Add(std::initializer_list<uint64_t> numbers) {
  for (const uint64_t number : numbers) hash_ = (hash_ ^ number) * 0x100000001B3u;
}

void TraceHash::OnReceived(NodeIndex node, const Packet& packet, uint64_t now) {
  Add({3, node, packet.from, packet.clock().counter, packet.clock().origin.incarnation, now});
}

void TraceHash::OnRequest(NodeIndex node, const Request& request, uint64_t now) {
  Add({4, node, request.client, request.attempt, now});
}

void TraceHash::OnCommitted(NodeIndex node, const kv::Output& output) {
  Add({5, node, output.batch.operations().size(), output.batch.bytes(), output.messages.size(),
       output.answers.size(), output.replies.size()});
  for (const kv::OutgoingMessage& outgoing : output.messages) Add({outgoing.message.clock.counter});
}

void TraceHash::OnReply(NodeIndex node, const Request& request, const Reply& reply) {
  Add({6, node, request.attempt, reply.clock, reply.written.version.counter, reply.items.size()});
}

void TraceHash::OnOperation(const history::Operation& operation) {
  Add({7, operation.client, operation.start_us, operation.end_us, static_cast<uint64_t>(operation.outcome)});
}

void TraceText::Line(const std::string& what) {
  char time[32];
  std::snprintf(time, sizeof(time), "%10.3f  ", static_cast<double>(now_us()) / 1000.0);
  out_ << time << what << "\n";
}

void TraceText::OnStarted(NodeIndex node) {
  Line(absl::StrCat(NodeId(node), " starts"));
}

void TraceText::OnStopped(NodeIndex node, Loss loss, size_t lost) {
  Line(absl::StrCat(NodeId(node), " is down",
                    loss == Loss::kPower ? absl::StrCat(", ", lost, " unsynced batches lost") : ""));
}

void TraceText::OnReceived(NodeIndex node, const Packet& packet, uint64_t now) {
  if (detail_ == Detail::kEssential && !IsEssential(packet)) return;
  const std::string what = packet.IsAnswer()
                               ? Describe(std::get<kv::SyncAnswer>(packet.body))
                               : Describe(std::get<kv::SyncMessage>(packet.body), NodeId(packet.to));
  Line(absl::StrCat(NodeId(node), "<-", NodeId(packet.from), " ", what, " (clock ", now, ")"));
}

void TraceText::OnRefused(NodeIndex node, uint64_t counter, uint64_t now) {
  Line(absl::StrCat(NodeId(node), " at ", now, " refuses a message with counter ", counter));
}

void TraceText::OnCommitted(NodeIndex node, const kv::Output& output) {
  const std::string name = NodeId(node);
  for (const std::string& note : output.notes) Line(absl::StrCat(name, " notes: ", note));
  for (const std::string& text : output.warnings) Line(absl::StrCat(name, " warns: ", text));
  for (const kv::WriteBatch::Operation& operation : output.batch.operations()) {
    if (operation.space != kv::Space::kData || !operation.value) continue;
    const absl::StatusOr<kv::Version> version = kv::DecodeVersion(*operation.value);
    Line(absl::StrCat(name, " stores ", version.ok() ? Describe(operation.key, *version) : "garbage"));
  }
  for (const kv::OutgoingMessage& outgoing : output.messages) {
    if (detail_ == Detail::kEssential && !IsEssential(outgoing.message)) continue;
    const NodeIndex to = outgoing.peer < node ? outgoing.peer : outgoing.peer + 1;
    Line(absl::StrCat(name, "->", NodeId(to), " ", Describe(outgoing.message, NodeId(to))));
  }
  for (const kv::OutgoingAnswer& outgoing : output.answers) {
    if (detail_ == Detail::kEssential && outgoing.answer.refusal == kv::Refusal::kNone) continue;
    Line(absl::StrCat(name, "-> on link ", outgoing.link, " ", Describe(outgoing.answer)));
  }
  for (const kv::Reply& reply : output.replies) Line(absl::StrCat(name, " replies ", Describe(reply.result)));
}

void TraceText::OnCommitFailed(NodeIndex node, const kv::Output&) {
  Line(absl::StrCat("the disk of ", NodeId(node), " refuses a batch"));
}

void TraceText::OnOperation(const history::Operation& operation) {
  static constexpr const char* kOutcomes[] = {"ok", "failed", "unknown"};
  Line(absl::StrCat("client ", operation.client,
                    operation.kind == history::Kind::kWrite ? " writes" : " reads", DescribeItems(operation),
                    " at ", operation.node, ": ", kOutcomes[static_cast<int>(operation.outcome)], " ",
                    operation.error, operation.version.counter > 0 ? ToString(operation.version) : ""));
}

}  // namespace lamppost::sim
