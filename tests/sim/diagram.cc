#include "tests/sim/diagram.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/record.h"

namespace lamppost::sim {
namespace {

using diagram::Event;

const char* WhatOf(kv::Carries carries) {
  switch (carries) {
    case kv::Carries::kGreeting:
      return "greeting";
    case kv::Carries::kHeartbeat:
      return "heartbeat";
    case kv::Carries::kPush:
      return "push";
    case kv::Carries::kCatchUp:
      return "catch-up";
    case kv::Carries::kFull:
      return "full";
    case kv::Carries::kRepair:
      return "repair";
    case kv::Carries::kAnswer:
      return "answer";
    case kv::Carries::kNothing:
      break;
  }
  return "";
}

// Of clients' keys, if there are any.
const char* WhatOf(const std::vector<kv::KeyedVersion>& written) {
  const char* what = "record";
  for (const kv::KeyedVersion& entry : written) {
    if (kv::IsSystemKey(entry.key)) continue;
    if (entry.version.value) return "write";
    what = entry.version.lapsed ? "expire" : "delete";
  }
  return what;
}

const char* Explain(Mishap::Cause cause) {
  switch (cause) {
    case Mishap::Cause::kChance:
      return "by chance";
    case Mishap::Cause::kLinkFault:
      return "the link is slow or lossy";
    case Mishap::Cause::kCut:
      return "the link is cut";
    case Mishap::Cause::kGarbled:
      return "its bytes could not be read";
    case Mishap::Cause::kLinkGone:
      return "the link is gone";
    case Mishap::Cause::kNobodyThere:
      return "nobody was there";
  }
  return "";
}

Event::Kind MarkOf(Mishap::Kind kind) {
  switch (kind) {
    case Mishap::Kind::kLost:
      return Event::Kind::kDrop;
    case Mishap::Kind::kDelayed:
      return Event::Kind::kDelay;
    case Mishap::Kind::kDoubled:
      return Event::Kind::kDuplicate;
  }
  return Event::Kind::kDrop;
}

Event EventOf(Event::Kind kind, kv::TracePoint point) {
  Event event;
  event.kind = kind;
  event.counter = point.counter;
  event.message.counter = point.counter;
  event.is_answer = point.carries == kv::Carries::kAnswer;
  event.is_quiet = point.keys.empty() && point.refusal == kv::Refusal::kNone;
  event.what = point.refusal == kv::Refusal::kNone ? WhatOf(point.carries)
                                                   : absl::StrCat("refusal: ", ToString(point.refusal));
  event.keys = std::move(point.keys);
  event.entries = point.entries;
  event.detail = std::move(point.detail);
  return event;
}

Event EventOf(Event::Kind kind, const Packet& packet) {
  return std::visit([kind](const auto& body) { return EventOf(kind, kv::PointOf(body)); }, packet.body);
}

bool IsOfMessage(Event::Kind kind) {
  return kind != Event::Kind::kWrite && kind != Event::Kind::kConflict && kind != Event::Kind::kStart &&
         kind != Event::Kind::kStop && kind != Event::Kind::kCrash;
}

}  // namespace

DiagramRecorder::DiagramRecorder(const Plan& plan, Stretch stretch)
    : stretch_(stretch), machines_(plan.machines()) {
  for (NodeIndex node = 0; node < plan.machines(); ++node) {
    machines_[node].lane = lanes_.size();
    lanes_.push_back({NodeId(node), {}, 0, {}});
  }
}

DiagramRecorder::SendId DiagramRecorder::SendOf(const Packet& packet) {
  return std::visit([](const auto& body) { return SendId(body.boot_id, body.clock.counter); }, packet.body);
}

void DiagramRecorder::Add(Lane* lane, uint64_t order, Rank rank, Event event, SendId send) {
  event.node = lane->name;
  event.unix_us = static_cast<int64_t>(now_us());
  lane->highest = std::max(lane->highest, order);
  lane->entries.push_back({order, rank, std::move(event), send});
  if (++events_ >= kEventsMax && !full_since_us_) full_since_us_ = now_us();
}

// ---- The process

void DiagramRecorder::AddOfProcess(NodeIndex node, Event::Kind kind, std::string detail) {
  if (!IsInStretch()) return;
  Event event;
  event.kind = kind;
  event.detail = std::move(detail);
  Lane& lane = LaneOf(node);
  Add(&lane, lane.highest, Rank::kProcess, std::move(event));
}

void DiagramRecorder::OnStarted(NodeIndex node) {
  AddOfProcess(node, Event::Kind::kStart, "");
}

void DiagramRecorder::OnStopped(NodeIndex node, Loss loss, size_t lost) {
  machines_[node].arrived.clear();
  machines_[node].taken.clear();
  machines_[node].proposed.clear();
  AddOfProcess(node, loss == Loss::kNothing ? Event::Kind::kStop : Event::Kind::kCrash,
               loss == Loss::kPower ? absl::StrCat("the power is lost, and ", lost, " batches with it") : "");
}

void DiagramRecorder::OnDiskExchanged(NodeIndex node) {
  Machine& machine = machines_[node];
  machine.lane = lanes_.size();
  lanes_.push_back({absl::StrCat(NodeId(node), ", disk ", ++machine.disks), {}, 0, {}});
}

// ---- Messages

void DiagramRecorder::OnSent(const Packet& packet) {
  if (!IsInStretch()) return;
  const SendId id = SendOf(packet);
  sends_[id] = {machines_[packet.from].lane, machines_[packet.to].lane, false};
  Add(&LaneOf(packet.from), id.second, Rank::kEvent, EventOf(Event::Kind::kSend, packet), id);
}

void DiagramRecorder::OnMishap(const Packet& packet, const Mishap& mishap) {
  const auto sent = sends_.find(SendOf(packet));
  if (sent == sends_.end()) return;  // before the stretch
  Event mark = EventOf(MarkOf(mishap.kind), packet);
  mark.detail = Explain(mishap.cause);
  mark.delay_ms = mishap.delay_ms;
  Add(&lanes_[sent->second.from], mark.counter, Rank::kMark, std::move(mark), sent->first);
}

void DiagramRecorder::OnReceived(NodeIndex node, const Packet& packet, uint64_t now) {
  if (!packet.IsAnswer()) {
    machines_[node].arrived.push_back({now, std::get<kv::SyncMessage>(packet.body).entries});
  }
  if (!IsInStretch()) return;
  const size_t lane = machines_[node].lane;
  const SendId id = SendOf(packet);
  // A copy may come to a node that has got another disk since the first one came.
  const auto sent = sends_.try_emplace(id, Sent{machines_[packet.from].lane, lane, false}).first;
  if (!std::exchange(sent->second.has_arrived, true)) sent->second.to = lane;
  Event event = EventOf(Event::Kind::kReceive, packet);
  event.counter = now;
  Add(&lanes_[lane], now, Rank::kEvent, std::move(event), id);
}

// ---- Writes

void DiagramRecorder::OnProposed(NodeIndex node, const kv::Proposal& proposal, const kv::Heads&) {
  machines_[node].proposed[proposal.id] = proposal;
}

void DiagramRecorder::OnAttempted(NodeIndex node, const kv::Output&, uint64_t) {
  machines_[node].taken = std::exchange(machines_[node].arrived, {});
}

// The node's own versions in the batch; and those that were replaced in their own group, of which only the
// reply tells.
DiagramRecorder::Written DiagramRecorder::WrittenBy(NodeIndex node, const kv::Output& output) {
  Written written;
  for (const kv::WriteBatch::Operation& operation : output.batch.operations()) {
    if (operation.space != kv::Space::kData || !operation.value) continue;
    absl::StatusOr<kv::Version> version = kv::DecodeVersion(*operation.value);
    if (!version.ok() || version->arrival.way != kv::Arrival::Way::kWritten) continue;
    const uint64_t counter = version->timestamp.counter;
    written[counter].push_back({operation.key, *std::move(version)});
  }
  for (const kv::Reply& reply : output.replies) {
    const auto proposed = machines_[node].proposed.extract(reply.id);
    if (proposed.empty() || !reply.result.ok() || reply.result->replayed) continue;
    const auto [its, is_new] = written.try_emplace(reply.result->version.counter);
    if (!is_new) continue;
    for (const kv::Operation& operation : proposed.mapped().operations) {
      kv::KeyedVersion& entry = its->second.emplace_back();
      entry.key = operation.key;
      entry.version.value = operation.value;
    }
  }
  return written;
}

void DiagramRecorder::AddWrites(NodeIndex node, const Written& written) {
  for (const auto& [counter, entries] : written) {
    if (!LaneOf(node).written.insert(counter).second || !IsInStretch()) continue;
    kv::TracePoint point;
    point.counter = counter;
    kv::Describe(entries, &point);
    Event event = EventOf(Event::Kind::kWrite, std::move(point));
    event.message = {};
    event.what = WhatOf(entries);
    Add(&LaneOf(node), counter, Rank::kEvent, std::move(event));
    for (const kv::KeyedVersion& entry : entries) {
      if (!kv::IsConflictKey(entry.key) || !entry.version.value) continue;
      const absl::StatusOr<kv::Conflict> conflict = kv::ReadConflict(entry.key, entry.version);
      if (conflict.ok() && conflict->resolution == kv::Resolution::kOpen)
        AddConflict(node, counter, *conflict);
    }
  }
}

// At the receipt that has brought the two together; at the record of it, if that is not known.
void DiagramRecorder::AddConflict(NodeIndex node, uint64_t counter, const kv::Conflict& conflict) {
  Event mark;
  mark.kind = Event::Kind::kConflict;
  mark.counter = ArrivalOf(node, conflict).value_or(counter);
  mark.keys = {conflict.key};
  mark.detail = absl::StrCat(conflict.key, ": ", ToString(conflict.loser.timestamp), " lost to ",
                             ToString(conflict.winner.timestamp));
  Add(&LaneOf(node), mark.counter, Rank::kMark, std::move(mark));
}

std::optional<uint64_t> DiagramRecorder::ArrivalOf(NodeIndex node, const kv::Conflict& conflict) const {
  const std::vector<Arrived>& taken = machines_[node].taken;
  for (auto arrived = taken.rbegin(); arrived != taken.rend(); ++arrived) {
    if (arrived->entries == nullptr) continue;
    for (const kv::KeyedVersion& entry : *arrived->entries) {
      const Timestamp& its = entry.version.timestamp;
      if (entry.key != conflict.key) continue;
      if (its == conflict.winner.timestamp || its == conflict.loser.timestamp) return arrived->counter;
    }
  }
  return std::nullopt;
}

void DiagramRecorder::OnCommitted(NodeIndex node, const kv::Output& output) {
  AddWrites(node, WrittenBy(node, output));
  machines_[node].taken.clear();
}

// ---- The end

Event DiagramRecorder::Finish(Entry entry, const Lane& lane) const {
  Event event = std::move(entry.event);
  if (!IsOfMessage(event.kind)) return event;
  const Sent& sent = sends_.at(entry.send);
  const bool is_receipt = event.kind == Event::Kind::kReceive;
  event.message.from = lanes_[sent.from].name;
  event.message.to = is_receipt ? lane.name : lanes_[sent.to].name;
  return event;
}

// What the network tells may come late, and groups are told of when they are durable: the counters say what
// the node's order was.
std::vector<Event> DiagramRecorder::Take() {
  std::vector<Event> events;
  for (Lane& lane : lanes_) {
    std::stable_sort(lane.entries.begin(), lane.entries.end(), [](const Entry& a, const Entry& b) {
      return std::tie(a.order, a.rank) < std::tie(b.order, b.rank);
    });
    std::optional<uint64_t> latest;
    for (Entry& entry : lane.entries) {
      if (entry.rank == Rank::kEvent) latest = entry.order;
      if (entry.rank == Rank::kMark && entry.order != latest)
        continue;  // its event is outside of the stretch
      events.push_back(Finish(std::move(entry), lane));
    }
    lane.entries.clear();
  }
  return events;
}

}  // namespace lamppost::sim
