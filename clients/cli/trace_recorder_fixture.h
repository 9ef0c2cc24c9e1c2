// Processes of nodes that tell what they do, and the recorder that they tell it to.
#ifndef LAMPPOST_CLIENTS_CLI_TRACE_RECORDER_FIXTURE_H_
#define LAMPPOST_CLIENTS_CLI_TRACE_RECORDER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/trace_recorder.h"
#include "clients/diagram/history.h"
#include "services/common/error.h"

namespace lamppost::cli {

using diagram::Arrow;
using diagram::Event;
using kv::v1::TraceEvent;
using kv::v1::TraceResponse;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

inline absl::Status Gone() {
  return absl::UnavailableError("the connection is lost");
}
inline absl::Status ShutDown() {
  return MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the node is shutting down");
}

// A process of a node that tells what it does, with the clocks that it would have. What it has told since the
// last Take comes with the next.
class FakeProcess {
 public:
  FakeProcess(std::string node_id, uint64_t boot_id, uint64_t counter = 0)
      : node_id_(std::move(node_id)), boot_id_(boot_id), counter_(counter) {
    Renew();
  }

  using Vector = std::map<std::pair<std::string, uint64_t>, uint64_t>;
  struct Sent {
    std::string from;
    std::string to;
    uint64_t counter;
    Vector vector;
    kv::v1::TraceMessageKind kind;
  };

  // knows: what it tells of whom it is for; it may not know yet.
  Sent Send(const std::string& to, kv::v1::TraceMessageKind kind = kv::v1::TRACE_MESSAGE_KIND_PUSH) {
    return SendTo(to, to, kind);
  }
  Sent SendToUnknown(const std::string& to) { return SendTo(to, "", kv::v1::TRACE_MESSAGE_KIND_GREETING); }

  TraceEvent* Receive(const Sent& sent) {
    counter_ = std::max(counter_, sent.counter);
    for (const auto& [process, events] : sent.vector) {
      vector_[process] = std::max(vector_[process], events);
    }
    TraceEvent* event = Happened(kv::v1::TRACE_EVENT_KIND_RECEIVE);
    event->set_peer(sent.from);
    event->set_sent_counter(sent.counter);
    event->set_message(sent.kind);
    return event;
  }
  TraceEvent* Write(const std::string& key) {
    TraceEvent* event = Happened(kv::v1::TRACE_EVENT_KIND_WRITE);
    event->add_keys(key);
    event->set_detail(key + " = 1");
    event->set_entries(1);
    return event;
  }
  TraceEvent* Conflict(const std::string& key) {
    TraceEvent* event = Mark(kv::v1::TRACE_EVENT_KIND_CONFLICT, counter_);
    event->add_keys(key);
    return event;
  }
  TraceEvent* MarkOf(kv::v1::TraceEventKind kind, const Sent& sent) {
    TraceEvent* event = Mark(kind, sent.counter);
    event->set_peer(sent.to);
    event->set_message(sent.kind);
    return event;
  }
  // What is for it does not come in.
  void LoseAtTheDoor(const Sent& sent) {
    TraceEvent* event = Mark(kv::v1::TRACE_EVENT_KIND_DROP, sent.counter);
    event->set_peer(sent.from);
    event->set_sent_counter(sent.counter);
    event->set_message(sent.kind);
  }

  uint64_t counter() const { return counter_; }
  TraceResponse* pending() { return &pending_; }
  TraceResponse Take() {
    TraceResponse taken = std::move(pending_);
    Renew();
    return taken;
  }

 private:
  void Renew() {
    pending_ = TraceResponse();
    pending_.set_node_id(node_id_);
    pending_.set_boot_id(boot_id_);
    pending_.mutable_started_at()->set_seconds(static_cast<int64_t>(boot_id_));
  }
  TraceEvent* Mark(kv::v1::TraceEventKind kind, uint64_t counter) {
    TraceEvent* event = pending_.add_events();
    event->set_kind(kind);
    event->set_counter(counter);
    event->mutable_at()->set_seconds(1'700'000'000);
    event->mutable_at()->set_nanos(250'000);
    for (const auto& [process, events] : vector_) {
      kv::v1::VectorEntry* entry = event->add_vector();
      entry->set_node_id(process.first);
      entry->set_boot_id(process.second);
      entry->set_events(events);
    }
    return event;
  }
  TraceEvent* Happened(kv::v1::TraceEventKind kind) {
    ++vector_[{node_id_, boot_id_}];
    return Mark(kind, ++counter_);
  }
  Sent SendTo(const std::string& to, const std::string& told, kv::v1::TraceMessageKind kind) {
    TraceEvent* event = Happened(kv::v1::TRACE_EVENT_KIND_SEND);
    event->set_peer(told);
    event->set_message(kind);
    if (kind == kv::v1::TRACE_MESSAGE_KIND_PUSH) event->add_keys("x");
    return {node_id_, to, counter_, vector_, kind};
  }

  const std::string node_id_;
  const uint64_t boot_id_;
  uint64_t counter_;
  Vector vector_;
  TraceResponse pending_;
};

// "send 3", "crash 0", …: what there is of a node, in its order.
inline std::vector<std::string> LaneOf(const std::vector<Event>& events, const std::string& node) {
  static const auto* const kNames =
      new std::map<Event::Kind, std::string>{{Event::Kind::kSend, "send"},
                                             {Event::Kind::kReceive, "receive"},
                                             {Event::Kind::kWrite, "write"},
                                             {Event::Kind::kDrop, "drop"},
                                             {Event::Kind::kDelay, "delay"},
                                             {Event::Kind::kDuplicate, "duplicate"},
                                             {Event::Kind::kConflict, "conflict"},
                                             {Event::Kind::kStart, "start"},
                                             {Event::Kind::kStop, "stop"},
                                             {Event::Kind::kCrash, "crash"},
                                             {Event::Kind::kGap, "gap"}};
  std::vector<std::string> lane;
  for (const Event& event : events) {
    if (event.node == node) lane.push_back(absl::StrCat(kNames->at(event.kind), " ", event.counter));
  }
  return lane;
}

class TraceRecorderTest : public testing::Test {
 protected:
  TraceRecorderTest() : recorder_({{"A", {}}, {"B", {}}, {"C", {}}}) {}

  // Each of them tells what it has done.
  void Tell() {
    recorder_.OnMessage(0, a_.Take());
    recorder_.OnMessage(1, b_.Take());
    recorder_.OnMessage(2, c_.Take());
  }
  // The only event of A.
  Event Converted(const TraceEvent& event) {
    TraceRecorder recorder(std::vector<DirectoryEntry>{{"A", {}}});
    TraceResponse message;
    message.set_boot_id(1);
    *message.add_events() = event;
    recorder.OnMessage(0, message);
    const std::vector<Event> events = recorder.Events();
    EXPECT_THAT(events, SizeIs(1));
    return events.empty() ? Event() : events[0];
  }
  // What is made of it contradicts neither itself nor the vectors.
  diagram::History Consistent() {
    const absl::StatusOr<diagram::History> history = diagram::Build(recorder_.Events());
    EXPECT_TRUE(history.ok()) << history.status();
    if (!history.ok()) return {};
    EXPECT_THAT(history->violations, IsEmpty());
    EXPECT_THAT(diagram::CheckVectors(*history), IsEmpty());
    return *history;
  }
  static std::map<Arrow::Status, size_t> CountArrows(const diagram::History& history) {
    std::map<Arrow::Status, size_t> counts;
    for (const Arrow& arrow : history.arrows) ++counts[arrow.status];
    return counts;
  }

  TraceRecorder recorder_;
  FakeProcess a_{"A", 10};
  FakeProcess b_{"B", 20};
  FakeProcess c_{"C", 30};
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_TRACE_RECORDER_FIXTURE_H_
