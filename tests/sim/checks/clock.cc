#include "tests/sim/checks/clock.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lamppost::sim {

// ---- I1

void ClockCondition::Received(NodeIndex node, uint64_t counter, uint64_t now) {
  Looked();
  floors_[node] = std::max(floors_[node], counter);
  if (now <= floors_[node]) {
    Violated(absl::StrCat("node ", NodeId(node), " has received ", counter, " and its clock is at ", now,
                          ", not above ", floors_[node]));
  }
  floors_[node] = std::max(floors_[node], now);
}

void ClockCondition::Issued(NodeIndex node, uint64_t counter, const char* what) {
  Looked();
  if (counter > floors_[node]) return;
  Violated(absl::StrCat("node ", NodeId(node), " issues ", counter, " for ", what, " after ", floors_[node]));
}

void ClockCondition::OnReceived(NodeIndex node, const Packet& packet, uint64_t now) {
  Received(node, packet.clock().counter, now);
}

void ClockCondition::OnRequest(NodeIndex node, const Request& request, uint64_t now) {
  Received(node, request.clock, now);
}

// All that a group issues comes after all that was received before it.
void ClockCondition::OnAttempted(NodeIndex node, const kv::Output& output, uint64_t) {
  uint64_t latest = floors_[node];
  for (const Timestamp& version : facts().issued()) {
    Issued(node, version.counter, "a write");
    latest = std::max(latest, version.counter);
  }
  for (const kv::OutgoingMessage& outgoing : output.messages) {
    Issued(node, outgoing.message.clock.counter, "a message");
    latest = std::max(latest, outgoing.message.clock.counter);
    if (outgoing.message.entries == nullptr) continue;
    for (const kv::KeyedVersion& entry : *outgoing.message.entries) {
      Looked();
      if (entry.version.timestamp.counter < outgoing.message.clock.counter) continue;
      Violated(absl::StrCat("node ", NodeId(node), " sends ", ToString(entry.version.timestamp),
                            " in a message of ", outgoing.message.clock.counter));
    }
  }
  for (const kv::OutgoingAnswer& outgoing : output.answers) {
    Issued(node, outgoing.answer.clock.counter, "an answer");
    latest = std::max(latest, outgoing.answer.clock.counter);
  }
  floors_[node] = latest;
}

void ClockCondition::OnReply(NodeIndex node, const Request&, const Reply& reply) {
  Issued(node, reply.clock, "an answer to a client");
  floors_[node] = std::max(floors_[node], reply.clock);
}

// ---- I2

void UniqueTimestamps::OnStarted(NodeIndex node) {
  for (auto& [incarnation, life] : latest_[node]) life.before = life.issued;
}

void UniqueTimestamps::OnReceived(NodeIndex, const Packet& packet, uint64_t) {
  Life& life = latest_[packet.from][packet.clock().origin.incarnation];
  life.received = std::max(life.received, packet.clock().counter);
}

void UniqueTimestamps::OnDiskExchanged(NodeIndex node) {
  for (auto& [incarnation, life] : latest_[node]) life.issued = life.received;
}

void UniqueTimestamps::Issued(NodeIndex node, uint64_t incarnation, uint64_t counter) {
  if (incarnation == 0) return;  // not a life yet
  Looked();
  Life& life = latest_[node][incarnation];
  if (counter <= life.before) {
    Violated(absl::StrCat("node ", NodeId(node), " issues ", counter,
                          " again; an earlier process of the same life had come to ", life.before));
  }
  life.issued = std::max(life.issued, counter);
}

void UniqueTimestamps::OnAttempted(NodeIndex node, const kv::Output& output, uint64_t) {
  uint64_t latest = 0;
  for (const kv::OutgoingMessage& outgoing : output.messages) {
    Issued(node, outgoing.message.clock.origin.incarnation, outgoing.message.clock.counter);
    if (outgoing.message.clock.counter <= latest) {
      Violated(absl::StrCat("node ", NodeId(node), " sends two messages with ", latest));
    }
    latest = outgoing.message.clock.counter;
  }
  for (const kv::OutgoingAnswer& outgoing : output.answers) {
    Issued(node, outgoing.answer.clock.origin.incarnation, outgoing.answer.clock.counter);
  }
  for (const Timestamp& version : facts().issued()) Issued(node, version.origin.incarnation, version.counter);
}

void UniqueTimestamps::OnReply(NodeIndex node, const Request&, const Reply& reply) {
  Issued(node, facts().node(node).replica().me().incarnation, reply.clock);
}

// ---- I16

void OnlyEventsMoveTheClock::OnStarted(NodeIndex node) {
  expected_[node] = facts().node(node).replica().state().clock_limit;
}

void OnlyEventsMoveTheClock::Is(NodeIndex node, uint64_t least, uint64_t greatest, uint64_t now,
                                const char* what) {
  Looked();
  if (now < least || now > greatest) {
    Violated(absl::StrCat("the clock of ", NodeId(node), " was at ", expected_[node], " and is at ", now,
                          " after ", what));
  }
  expected_[node] = now;
}

void OnlyEventsMoveTheClock::Observed(NodeIndex node, uint64_t remote, uint64_t now) {
  const uint64_t next = std::max(expected_[node], remote) + 1;
  Is(node, std::min(next, expected_[node] + 1), next, now, "a message");
}

void OnlyEventsMoveTheClock::OnReceived(NodeIndex node, const Packet& packet, uint64_t now) {
  Observed(node, packet.clock().counter, now);
}

void OnlyEventsMoveTheClock::OnRequest(NodeIndex node, const Request& request, uint64_t now) {
  Observed(node, request.clock, now);
}

void OnlyEventsMoveTheClock::OnAttempted(NodeIndex node, const kv::Output& output, uint64_t now) {
  // An idle node's head may move, too.
  const uint64_t events =
      output.messages.size() + output.answers.size() + facts().issued().size() + facts().unasked() + 1;
  Is(node, expected_[node], expected_[node] + events, now, "a group");
}

void OnlyEventsMoveTheClock::OnReply(NodeIndex node, const Request&, const Reply& reply) {
  Is(node, expected_[node] + 1, expected_[node] + 1, reply.clock, "an answer");
}

// ---- I15

void ForgedCountersAreRefused::Admitted(NodeIndex node, uint64_t counter, uint64_t now) {
  Looked();
  if (counter < kFar && now < kFar) return;
  Violated(absl::StrCat("node ", NodeId(node), " has taken in a counter of ", counter, " and is at ", now));
}

void ForgedCountersAreRefused::OnReceived(NodeIndex node, const Packet& packet, uint64_t now) {
  Admitted(node, packet.clock().counter, now);
}

void ForgedCountersAreRefused::OnRequest(NodeIndex node, const Request& request, uint64_t now) {
  Admitted(node, request.clock, now);
}

void ForgedCountersAreRefused::OnRefused(NodeIndex node, uint64_t counter, uint64_t now) {
  Looked();
  if (counter >= kFar && now < kFar) return;
  Violated(absl::StrCat("node ", NodeId(node), " at ", now, " has refused a counter of ", counter));
}

}  // namespace lamppost::sim
