#include "clients/cli/trace_recorder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/error.h"

namespace lamppost::cli {
namespace {

constexpr char kNobody[] = "?";

using diagram::Event;
using kv::v1::TraceEvent;

int64_t MicrosOf(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000 + time.nanos() / 1000;
}

Event::Kind KindOf(kv::v1::TraceEventKind kind) {
  switch (kind) {
    case kv::v1::TRACE_EVENT_KIND_RECEIVE:
      return Event::Kind::kReceive;
    case kv::v1::TRACE_EVENT_KIND_WRITE:
      return Event::Kind::kWrite;
    case kv::v1::TRACE_EVENT_KIND_CONFLICT:
      return Event::Kind::kConflict;
    case kv::v1::TRACE_EVENT_KIND_DROP:
      return Event::Kind::kDrop;
    case kv::v1::TRACE_EVENT_KIND_DELAY:
      return Event::Kind::kDelay;
    case kv::v1::TRACE_EVENT_KIND_DUPLICATE:
      return Event::Kind::kDuplicate;
    default:
      return Event::Kind::kSend;
  }
}

std::string WhatOf(const TraceEvent& event) {
  switch (event.message()) {
    case kv::v1::TRACE_MESSAGE_KIND_GREETING:
      return "greeting";
    case kv::v1::TRACE_MESSAGE_KIND_HEARTBEAT:
      return "heartbeat";
    case kv::v1::TRACE_MESSAGE_KIND_PUSH:
      return "push";
    case kv::v1::TRACE_MESSAGE_KIND_CATCH_UP:
      return "catch-up";
    case kv::v1::TRACE_MESSAGE_KIND_FULL:
      return "full";
    case kv::v1::TRACE_MESSAGE_KIND_REPAIR:
      return "repair";
    case kv::v1::TRACE_MESSAGE_KIND_ANSWER:
      return event.refusal().empty() ? "answer" : absl::StrCat("refusal: ", event.refusal());
    default:
      return event.keys().empty() ? "record" : "write";
  }
}

// What brings nothing, refuses nothing, and records nothing but what the nodes keep for themselves.
bool IsQuiet(const TraceEvent& event) {
  if (event.kind() == kv::v1::TRACE_EVENT_KIND_CONFLICT || !event.refusal().empty()) return false;
  return event.keys().empty();
}

bool IsMarkOfSending(const TraceEvent& event) {
  return event.kind() == kv::v1::TRACE_EVENT_KIND_DROP || event.kind() == kv::v1::TRACE_EVENT_KIND_DELAY ||
         event.kind() == kv::v1::TRACE_EVENT_KIND_DUPLICATE;
}

Event EventOf(const std::string& node_id, const TraceEvent& told) {
  Event event;
  event.kind = KindOf(told.kind());
  event.node = node_id;
  event.counter = told.counter();
  event.unix_us = MicrosOf(told.at());
  event.is_answer = told.message() == kv::v1::TRACE_MESSAGE_KIND_ANSWER;
  event.is_quiet = IsQuiet(told);
  event.what = WhatOf(told);
  event.keys.assign(told.keys().begin(), told.keys().end());
  event.entries = told.entries();
  event.detail = told.detail();
  event.delay_ms = told.delay_ms();
  if (told.kind() == kv::v1::TRACE_EVENT_KIND_WRITE || told.kind() == kv::v1::TRACE_EVENT_KIND_CONFLICT)
    return event;
  if (told.kind() != kv::v1::TRACE_EVENT_KIND_RECEIVE && told.sent_counter() == 0) {
    event.message = {node_id, told.peer(), told.counter()};
    return event;
  }
  event.message = {told.peer(), node_id, told.sent_counter()};
  if (told.kind() != kv::v1::TRACE_EVENT_KIND_DROP) return event;
  // Lost at the receiver's door: it says something of the sending.
  event.node = told.peer();
  event.counter = told.sent_counter();
  return event;
}

Event NoticeOf(Event::Kind kind, const std::string& node_id, int64_t unix_us, std::string detail) {
  Event event;
  event.kind = kind;
  event.node = node_id;
  event.unix_us = unix_us;
  event.detail = std::move(detail);
  return event;
}

// A sender that did not know yet whom it was speaking to: the receiver does, if it was traced, whether it has
// got the message or lost it at its door.
void NameReceivers(std::vector<Event>* events) {
  std::map<std::pair<std::string, uint64_t>, std::string> receivers;
  for (const Event& event : *events) {
    if (!event.message.to.empty()) receivers[{event.message.from, event.message.counter}] = event.message.to;
  }
  for (Event& event : *events) {
    const auto receiver = receivers.find({event.message.from, event.message.counter});
    if (event.message.to.empty() && receiver != receivers.end()) event.message.to = receiver->second;
    if (event.message.from.empty() && !event.message.to.empty()) event.message.from = kNobody;
    if (event.message.to.empty() && !event.message.from.empty()) event.message.to = kNobody;
  }
}

}  // namespace

TraceRecorder::TraceRecorder(std::vector<DirectoryEntry> nodes) {
  for (DirectoryEntry& entry : nodes) {
    Node node;
    node.node_id = std::move(entry.node_id);
    nodes_.push_back(std::move(node));
  }
}

void TraceRecorder::OnMessage(size_t node_index, const kv::v1::TraceResponse& message) {
  absl::MutexLock lock(&mutex_);
  Node& node = nodes_[node_index];
  const bool is_known = !node.processes.empty() && node.processes.back().boot_id == message.boot_id();
  if (!is_known) {
    Process process;
    process.boot_id = message.boot_id();
    process.started_unix_us = MicrosOf(message.started_at());
    node.processes.push_back(std::move(process));
  }
  Process& process = node.processes.back();
  const bool misses = message.left_out() > 0 || process.is_broken;
  const bool is_told = !process.gaps.empty() && process.gaps.back() == process.events.size();
  if (misses && !is_told) process.gaps.push_back(process.events.size());
  process.is_broken = false;
  for (const TraceEvent& event : message.events()) {
    if (events_++ < kEventsMax) process.events.push_back(event);
  }
}

void TraceRecorder::OnBroken(size_t node_index, const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  Node& node = nodes_[node_index];
  node.last = status;
  if (node.processes.empty()) {
    if (node.missed_unix_us == 0) node.missed_unix_us = absl::ToUnixMicros(absl::Now());
    return;
  }
  if (node.processes.back().is_broken) return;
  node.processes.back().is_broken = true;
  node.processes.back().ended = status;
  node.processes.back().ended_unix_us = absl::ToUnixMicros(absl::Now());
}

bool TraceRecorder::AwaitAll(int64_t timeout_ms) {
  const auto all = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [](const Node& node) { return !node.processes.empty(); });
  };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&all), absl::Milliseconds(timeout_ms));
}

std::map<std::string, absl::Status> TraceRecorder::Silent() const {
  absl::MutexLock lock(&mutex_);
  std::map<std::string, absl::Status> silent;
  for (const Node& node : nodes_) {
    if (node.processes.empty()) silent[node.node_id] = node.last;
  }
  return silent;
}

bool TraceRecorder::IsFull() const {
  absl::MutexLock lock(&mutex_);
  return events_ > kEventsMax;
}

// "A", and of its later processes "A/2", …: in the order in which they have told of themselves; then those
// that only others know of.
TraceRecorder::ProcessNames TraceRecorder::NamesOfProcesses() const {
  ProcessNames names;
  std::map<std::string, size_t> counts;
  const auto name = [&](const std::string& node_id, uint64_t boot_id) {
    const auto [it, is_new] = names.try_emplace({node_id, boot_id});
    if (!is_new) return;
    const size_t number = ++counts[node_id];
    it->second = number == 1 ? node_id : absl::StrCat(node_id, "/", number);
  };
  for (const Node& node : nodes_) {
    for (const Process& process : node.processes) name(node.node_id, process.boot_id);
  }
  for (const Node& node : nodes_) {
    for (const Process& process : node.processes) {
      for (const TraceEvent& event : process.events) {
        for (const kv::v1::VectorEntry& entry : event.vector()) name(entry.node_id(), entry.boot_id());
      }
    }
  }
  return names;
}

// What becomes of messages is told behind the events of its group, or by the receiver at whose door one was
// lost; it belongs behind the sending.
TraceRecorder::Marks TraceRecorder::MarksOfSendings() const {
  Marks marks;
  for (const Node& node : nodes_) {
    for (const Process& process : node.processes) {
      for (const TraceEvent& told : process.events) {
        if (IsMarkOfSending(told)) {
          Event mark = EventOf(node.node_id, told);
          marks.emplace(std::pair(mark.message.from, mark.message.counter), mark);
        }
      }
    }
  }
  return marks;
}

void TraceRecorder::AddEvents(const Node& node, const Process& process, const ProcessNames& names,
                              const Marks& marks, std::vector<Event>* events) const {
  auto gap = process.gaps.begin();
  for (size_t i = 0; i <= process.events.size(); ++i) {
    if (gap != process.gaps.end() && *gap == i) {
      events->push_back(NoticeOf(Event::Kind::kGap, node.node_id, 0, "events may be missing"));
      ++gap;
    }
    if (i == process.events.size() || IsMarkOfSending(process.events[i])) continue;
    Event event = EventOf(node.node_id, process.events[i]);
    for (const kv::v1::VectorEntry& entry : process.events[i].vector()) {
      event.vector[names.at({entry.node_id(), entry.boot_id()})] = entry.events();
    }
    events->push_back(event);
    if (event.kind != Event::Kind::kSend) continue;
    const auto [first, last] = marks.equal_range({event.message.from, event.message.counter});
    for (auto mark = first; mark != last; ++mark) events->push_back(mark->second);
  }
}

// What the trace knows of how a process began. The first one ran before the trace did, unless it was missed
// at first and has started since: by the clocks of two hosts, which is good enough for a mark.
void TraceRecorder::AddBeginning(const Node& node, const Process& process, std::vector<Event>* events) {
  const bool is_first = &process == &node.processes.front();
  if (is_first && node.missed_unix_us == 0) return;
  if (is_first && process.started_unix_us < node.missed_unix_us) {
    events->push_back(NoticeOf(Event::Kind::kGap, node.node_id, 0, "not reached before"));
    return;
  }
  events->push_back(NoticeOf(Event::Kind::kStart, node.node_id, process.started_unix_us,
                             is_first ? "started" : "started again"));
}

std::vector<Event> TraceRecorder::Events() const {
  absl::MutexLock lock(&mutex_);
  const ProcessNames names = NamesOfProcesses();
  const Marks marks = MarksOfSendings();
  std::vector<Event> events;
  for (const Node& node : nodes_) {
    if (node.processes.empty()) {
      events.push_back(NoticeOf(Event::Kind::kGap, node.node_id, 0, "never reached"));
    }
    for (const Process& process : node.processes) {
      AddBeginning(node, process, &events);
      AddEvents(node, process, names, marks, &events);
      if (!process.is_broken) continue;
      const bool in_order = ErrorReason(process.ended) == "SHUTTING_DOWN";
      events.push_back(NoticeOf(in_order ? Event::Kind::kStop : Event::Kind::kCrash, node.node_id,
                                process.ended_unix_us, in_order ? "stopped" : "gone without a word"));
    }
  }
  NameReceivers(&events);
  return events;
}

}  // namespace lamppost::cli
