#include "clients/diagram/testing/random_trace.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/diagram/testing/events.h"

namespace lamppost::diagram::testing {
namespace {

using Vector = std::map<std::string, uint64_t>;

struct Node {
  std::string name;
  std::string process;
  int processes = 1;
  bool is_up = true;
  uint64_t counter = 0;
  Vector vector;
  std::vector<Event> events;
};

struct InFlight {
  Event send;
  Vector vector;
  int copies = 1;
};

class Cluster {
 public:
  Cluster(uint64_t seed, size_t nodes) : random_(seed), nodes_(nodes) {
    for (size_t i = 0; i < nodes; ++i) {
      nodes_[i].name = nodes_[i].process = std::string(1, static_cast<char>('A' + i));
      nodes_[i].counter = Below(6);
      nodes_[i].vector[nodes_[i].process] = Below(3);  // as if it had been running for a while
    }
  }

  void Step() {
    Node& node = nodes_[Below(nodes_.size())];
    const uint64_t dice = Below(20);
    if (!node.is_up) {
      if (dice < 8) Start(node);
    } else if (dice < 4) {
      Event& event = Tick(node, Write(node.name, 0, absl::StrCat("k", Below(4)), absl::StrCat(dice)));
      if (dice == 0) node.events.push_back(Conflict(event, "k1", "one lost to another"));
    } else if (dice < 11) {
      SendFrom(node);
    } else if (dice < 18) {
      Deliver();
    } else {
      Stumble(node);
    }
  }

  std::vector<Event> Take() {
    std::vector<Event> all;
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
      all.insert(all.end(), node->events.begin(), node->events.end());
    }
    return all;
  }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }

  // The event as the node's next one.
  Event& Tick(Node& node, Event event) {
    event.counter = node.counter += 1 + Below(2);
    if (event.kind == Event::Kind::kSend) event.message.counter = event.counter;
    ++node.vector[node.process];
    event.vector = node.vector;
    node.events.push_back(std::move(event));
    return node.events.back();
  }

  void SendFrom(Node& node) {
    const Node& to = nodes_[Below(nodes_.size())];
    if (to.name == node.name) return;
    Event send = Send(node.name, to.name, 0);
    if (Below(3) == 0) send = Quiet(send);
    send = Tick(node, send);
    InFlight message{send, node.vector, 1};
    const uint64_t fate = Below(10);
    if (fate == 0) {
      node.events.push_back(Mark(Event::Kind::kDrop, send));
      return;
    }
    if (fate == 1) {
      node.events.push_back(Mark(Event::Kind::kDuplicate, send));
      message.copies = 2;
    }
    if (fate == 2) node.events.push_back(Delay(send, 100));
    in_flight_.push_back(std::move(message));
  }

  void Deliver() {
    if (in_flight_.empty()) return;
    const size_t which = Below(in_flight_.size());
    InFlight& message = in_flight_[which];
    Node& to = *std::find_if(nodes_.begin(), nodes_.end(),
                             [&](const Node& node) { return node.name == message.send.message.to; });
    if (to.is_up) {
      to.counter = std::max(to.counter, message.send.counter);
      for (const auto& [process, count] : message.vector) {
        to.vector[process] = std::max(to.vector[process], count);
      }
      Tick(to, Receive(message.send, 0));
    }
    if (--message.copies == 0) in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void Stumble(Node& node) {
    switch (Below(3)) {
      case 0:
        node.events.push_back(Of(Event::Kind::kGap, node.name));
        break;
      default:
        node.events.push_back(Of(Below(2) == 0 ? Event::Kind::kCrash : Event::Kind::kStop, node.name));
        node.is_up = false;
    }
  }

  // Of its counter it has kept a bound; what it had seen, only sometimes.
  void Start(Node& node) {
    node.events.push_back(Of(Event::Kind::kStart, node.name));
    node.is_up = true;
    node.counter += Below(20);
    node.process = absl::StrCat(node.name, "/", ++node.processes);
    if (Below(2) == 0) node.vector.clear();
  }

  std::mt19937_64 random_;
  std::vector<Node> nodes_;
  std::vector<InFlight> in_flight_;
};

}  // namespace

std::vector<Event> RandomTrace(uint64_t seed, size_t nodes, size_t steps) {
  Cluster cluster(seed, nodes);
  for (size_t step = 0; step < steps; ++step) cluster.Step();
  return cluster.Take();
}

}  // namespace lamppost::diagram::testing
