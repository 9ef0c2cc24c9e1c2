#include "services/kv/server/trace_codec.h"

#include <memory>

#include "services/kv/core/limits.h"

namespace lamppost::kv {
namespace {

v1::TraceEventKind KindToProto(TraceKind kind) {
  switch (kind) {
    case TraceKind::kSend:
      return v1::TRACE_EVENT_KIND_SEND;
    case TraceKind::kReceive:
      return v1::TRACE_EVENT_KIND_RECEIVE;
    case TraceKind::kWrite:
      return v1::TRACE_EVENT_KIND_WRITE;
    case TraceKind::kConflict:
      return v1::TRACE_EVENT_KIND_CONFLICT;
    case TraceKind::kDrop:
      return v1::TRACE_EVENT_KIND_DROP;
    case TraceKind::kDelay:
      return v1::TRACE_EVENT_KIND_DELAY;
    case TraceKind::kDuplicate:
      return v1::TRACE_EVENT_KIND_DUPLICATE;
  }
  return v1::TRACE_EVENT_KIND_UNSPECIFIED;
}

v1::TraceMessageKind MessageToProto(Carries carries) {
  switch (carries) {
    case Carries::kNothing:
      return v1::TRACE_MESSAGE_KIND_UNSPECIFIED;
    case Carries::kGreeting:
      return v1::TRACE_MESSAGE_KIND_GREETING;
    case Carries::kHeartbeat:
      return v1::TRACE_MESSAGE_KIND_HEARTBEAT;
    case Carries::kPush:
      return v1::TRACE_MESSAGE_KIND_PUSH;
    case Carries::kCatchUp:
      return v1::TRACE_MESSAGE_KIND_CATCH_UP;
    case Carries::kFull:
      return v1::TRACE_MESSAGE_KIND_FULL;
    case Carries::kRepair:
      return v1::TRACE_MESSAGE_KIND_REPAIR;
    case Carries::kAnswer:
      return v1::TRACE_MESSAGE_KIND_ANSWER;
  }
  return v1::TRACE_MESSAGE_KIND_UNSPECIFIED;
}

}  // namespace

void ToProto(const VectorClock& vector, VectorField* field) {
  for (const auto& [process, events] : vector) {
    v1::VectorEntry* entry = field->Add();
    entry->set_node_id(process.node_id);
    entry->set_boot_id(process.boot_id);
    entry->set_events(events);
  }
}

Trace TraceFromProto(const VectorField& field) {
  if (field.empty() || field.size() > static_cast<int>(kVectorEntriesMax)) return nullptr;
  auto vector = std::make_shared<VectorClock>();
  for (const v1::VectorEntry& entry : field) {
    if (!CheckNodeId(entry.node_id()).ok()) return nullptr;
    (*vector)[{entry.node_id(), entry.boot_id()}] = entry.events();
  }
  return vector;
}

void ToProto(const TracePoint& point, v1::TraceEvent* event) {
  event->set_kind(KindToProto(point.kind));
  event->set_counter(point.counter);
  event->set_peer(point.peer);
  event->set_sent_counter(point.sent_counter);
  event->set_message(MessageToProto(point.carries));
  if (point.refusal != Refusal::kNone) event->set_refusal(ToString(point.refusal));
  for (const std::string& key : point.keys) event->add_keys(key);
  event->set_entries(point.entries);
  event->set_detail(point.detail);
  event->set_delay_ms(point.delay_ms);
  ToProto(*point.vector, event->mutable_vector());
}

}  // namespace lamppost::kv
