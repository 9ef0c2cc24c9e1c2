// Events for tests, with what matters to a history and nothing else.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_TESTING_EVENTS_H_
#define LAMPPOST_CLIENTS_DIAGRAM_TESTING_EVENTS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "clients/diagram/event.h"

namespace lamppost::diagram::testing {

inline Event Of(Event::Kind kind, std::string node, uint64_t counter = 0) {
  Event event;
  event.kind = kind;
  event.node = std::move(node);
  event.counter = counter;
  return event;
}

inline Event Send(const std::string& node, const std::string& to, uint64_t counter) {
  Event event = Of(Event::Kind::kSend, node, counter);
  event.message = {node, to, counter};
  event.what = "push";
  event.keys = {"x"};
  event.entries = 1;
  return event;
}

inline Event Receive(const Event& send, uint64_t counter) {
  Event event = send;
  event.kind = Event::Kind::kReceive;
  event.node = send.message.to;
  event.counter = counter;
  event.vector.clear();
  return event;
}

inline Event Write(const std::string& node, uint64_t counter, const std::string& key,
                   const std::string& value) {
  Event event = Of(Event::Kind::kWrite, node, counter);
  event.what = "write";
  event.keys = {key};
  event.entries = 1;
  event.detail = key + " = " + value;
  return event;
}

// A mark of this event.
inline Event Mark(Event::Kind kind, const Event& of) {
  Event event = of;
  event.kind = kind;
  event.vector.clear();
  return event;
}

inline Event Delay(const Event& send, uint64_t delay_ms) {
  Event event = Mark(Event::Kind::kDelay, send);
  event.delay_ms = delay_ms;
  return event;
}

inline Event Conflict(const Event& of, const std::string& key, const std::string& detail) {
  Event event = Of(Event::Kind::kConflict, of.node, of.counter);
  event.keys = {key};
  event.detail = detail;
  return event;
}

inline Event Quiet(Event event) {
  event.is_quiet = true;
  event.what = "heartbeat";
  event.keys.clear();
  event.entries = 0;
  return event;
}

}  // namespace lamppost::diagram::testing

#endif  // LAMPPOST_CLIENTS_DIAGRAM_TESTING_EVENTS_H_
