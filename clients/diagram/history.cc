#include "clients/diagram/history.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/diagram/describe.h"
#include "clients/diagram/text.h"
#include "services/common/error.h"

namespace lamppost::diagram {
namespace {

absl::Status Invalid(const Event& event, absl::string_view why) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "TRACE_INVALID",
      Printable(absl::StrCat(NameOf(event.kind), " ", event.counter, " of node '", event.node, "': ", why)));
}

bool IsOfMessage(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::kSend:
    case Event::Kind::kReceive:
    case Event::Kind::kDrop:
    case Event::Kind::kDelay:
    case Event::Kind::kDuplicate:
      return true;
    default:
      return false;
  }
}

absl::Status Check(const Event& event) {
  if (event.node.empty()) return Invalid(event, "it has no node");
  if (!IsOfMessage(event.kind)) return absl::OkStatus();
  if (event.message.from.empty() || event.message.to.empty()) return Invalid(event, "it names no message");
  const bool is_receive = event.kind == Event::Kind::kReceive;
  if ((is_receive ? event.message.to : event.message.from) != event.node) {
    return Invalid(event, is_receive ? "the message is to another node" : "the message is from another node");
  }
  return absl::OkStatus();
}

// What is left of an event of which only a mark is in the trace.
Event StandIn(Event mark) {
  if (mark.kind != Event::Kind::kConflict) mark.kind = Event::Kind::kSend;
  return mark;
}

// Points are known here by their index in the order in which they came; Sorted() gives them their last one.
class Builder {
 public:
  explicit Builder(std::vector<Event> events) { Take(std::move(events)); }

  bool IsTooLarge() const { return points_.size() > kSeenMax / std::max<size_t>(1, lanes_.size()); }

  History Finish() {
    SetOrders();
    MatchMessages();
    CheckCounters();
    Sort();
    Renumber();
    SetSeen();
    if (violations_ > History::kViolationsMax) {
      history_.violations.push_back(
          absl::StrCat("and ", violations_ - History::kViolationsMax, " more of the kind"));
    }
    return std::move(history_);
  }

 private:
  void Take(std::vector<Event> events);
  void TakeMark(size_t lane, Event mark);
  void SetOrders();
  void MatchMessages();
  void CheckCounters();
  void Sort();
  size_t NextLane(const std::vector<size_t>& next);
  void Renumber();
  void SetSeen();

  bool IsPlaced(size_t point) const { return rank_[point] != Arrow::kNowhere; }
  void Violation(std::string line) {
    if (violations_++ < History::kViolationsMax) history_.violations.push_back(Printable(line));
  }
  std::string Name(size_t point) const {
    const Event& event = points_[point].event;
    return absl::StrCat("the ", NameOf(event.kind), " ", event.counter, " at ", event.node);
  }

  std::vector<Point> points_;
  std::vector<std::vector<size_t>> lanes_;
  std::vector<size_t> arrow_to_;  // per point, the arrow that ends there
  std::vector<size_t> rank_;      // per point, its place in the order of all
  std::map<MessageId, std::vector<uint64_t>> delays_ms_;
  std::map<MessageId, size_t> drops_;
  size_t violations_ = 0;
  History history_;
};

void Builder::Take(std::vector<Event> events) {
  std::map<std::string, size_t> lane_of;
  for (const Event& event : events) lane_of[event.node] = 0;
  for (auto& [node, lane] : lane_of) {
    lane = history_.lanes.size();
    history_.lanes.push_back({node, {}});
  }
  lanes_.resize(lane_of.size());
  for (Event& event : events) {
    const size_t lane = lane_of[event.node];
    if (IsMark(event.kind)) {
      TakeMark(lane, std::move(event));
      continue;
    }
    Point point;
    point.event = std::move(event);
    point.lane = lane;
    point.place = lanes_[lane].size();
    lanes_[lane].push_back(points_.size());
    points_.push_back(std::move(point));
  }
}

void Builder::TakeMark(size_t lane, Event mark) {
  if (mark.kind == Event::Kind::kDelay) delays_ms_[mark.message].push_back(mark.delay_ms);
  if (mark.kind == Event::Kind::kDrop) ++drops_[mark.message];
  // What was noticed of the process may stand between an event and its mark.
  const auto last = std::find_if(lanes_[lane].rbegin(), lanes_[lane].rend(),
                                 [this](size_t point) { return !IsOfProcess(points_[point].event.kind); });
  if (last == lanes_[lane].rend() || points_[*last].event.counter != mark.counter) {
    Point point;
    point.event = StandIn(mark);
    point.lane = lane;
    point.place = lanes_[lane].size();
    point.marks.push_back(std::move(mark));
    lanes_[lane].push_back(points_.size());
    points_.push_back(std::move(point));
    return;
  }
  points_[*last].marks.push_back(std::move(mark));
}

void Builder::SetOrders() {
  uint64_t highest = 0;
  for (const Point& point : points_) highest = std::max(highest, point.event.counter);
  for (const std::vector<size_t>& lane : lanes_) {
    const bool has_events = std::any_of(
        lane.begin(), lane.end(), [this](size_t point) { return !IsOfProcess(points_[point].event.kind); });
    uint64_t after = has_events ? highest : 0;
    for (auto it = lane.rbegin(); it != lane.rend(); ++it) {
      Point& point = points_[*it];
      if (!IsOfProcess(point.event.kind)) after = point.event.counter;
      if (point.event.kind == Event::Kind::kStart) point.order = after;
    }
    uint64_t before = 0;
    for (const size_t index : lane) {
      Point& point = points_[index];
      if (!IsOfProcess(point.event.kind)) point.order = point.event.counter;
      point.order = before = std::max(before, point.order);
    }
  }
}

void Builder::MatchMessages() {
  std::map<MessageId, size_t> sends;
  for (const std::vector<size_t>& lane : lanes_) {
    for (const size_t point : lane) {
      const Event& event = points_[point].event;
      if (event.kind != Event::Kind::kSend) continue;
      if (!sends.emplace(event.message, point).second) Violation(Name(point) + " has been there before");
      if (event.message.counter != event.counter) {
        Violation(absl::StrCat(Name(point), " is of a message with the counter ", event.message.counter));
      }
    }
  }
  arrow_to_.assign(points_.size(), Arrow::kNowhere);
  std::map<MessageId, size_t> copies;
  const auto add = [this](const MessageId& message, Arrow::Status status, size_t from, size_t to,
                          size_t copy) {
    Arrow arrow{message, status, from, to};
    if (const auto delays = delays_ms_.find(message); delays != delays_ms_.end()) {
      arrow.is_delayed = true;
      arrow.delay_ms = delays->second[std::min(copy, delays->second.size() - 1)];
    }
    history_.arrows.push_back(arrow);
  };
  for (const std::vector<size_t>& lane : lanes_) {
    for (const size_t point : lane) {
      const Event& event = points_[point].event;
      if (event.kind != Event::Kind::kReceive) continue;
      const size_t copy = copies[event.message]++;
      const auto send = sends.find(event.message);
      const size_t from = send == sends.end() ? Arrow::kNowhere : send->second;
      Arrow::Status status = copy == 0 ? Arrow::Status::kArrived : Arrow::Status::kArrivedAsCopy;
      if (from == Arrow::kNowhere) status = Arrow::Status::kFromOutside;
      arrow_to_[point] = history_.arrows.size();
      add(event.message, status, from, point, copy);
    }
  }
  for (const auto& [message, from] : sends) {
    const auto drops = drops_.find(message);
    const bool is_lost = drops != drops_.end();
    const size_t arrived = copies.count(message) == 0 ? 0 : copies[message];
    if (!is_lost && arrived > 0) continue;
    add(message, is_lost ? Arrow::Status::kLost : Arrow::Status::kUnseen, from, Arrow::kNowhere, arrived);
  }
}

void Builder::CheckCounters() {
  for (const std::vector<size_t>& lane : lanes_) {
    size_t last = Arrow::kNowhere;
    for (const size_t point : lane) {
      if (IsOfProcess(points_[point].event.kind)) continue;
      if (last != Arrow::kNowhere && points_[point].event.counter <= points_[last].event.counter) {
        Violation(absl::StrCat(Name(point), " comes after ", Name(last), ", which is not smaller"));
      }
      last = point;
    }
  }
  for (const Arrow& arrow : history_.arrows) {
    if (arrow.to == Arrow::kNowhere) continue;
    const uint64_t sent =
        arrow.from == Arrow::kNowhere ? arrow.message.counter : points_[arrow.from].event.counter;
    if (sent < points_[arrow.to].event.counter) continue;
    Violation(absl::StrCat(Name(arrow.to), " is of a message that ", arrow.message.from, " sent at ", sent,
                           ", which is not smaller"));
  }
}

// The lane whose next point is to be placed: of those that wait for no message, the first by (order, lane).
// If all wait, they wait for each other, and one arrow has to give way.
size_t Builder::NextLane(const std::vector<size_t>& next) {
  size_t first = Arrow::kNowhere;
  size_t first_ready = Arrow::kNowhere;
  const auto is_before = [&](size_t lane, size_t other) {
    return other == Arrow::kNowhere ||
           points_[lanes_[lane][next[lane]]].order < points_[lanes_[other][next[other]]].order;
  };
  for (size_t lane = 0; lane < lanes_.size(); ++lane) {
    if (next[lane] == lanes_[lane].size()) continue;
    if (is_before(lane, first)) first = lane;
    const size_t arrow = arrow_to_[lanes_[lane][next[lane]]];
    const size_t from = arrow == Arrow::kNowhere ? Arrow::kNowhere : history_.arrows[arrow].from;
    const bool is_ready = from == Arrow::kNowhere || IsPlaced(from);
    if (is_ready && is_before(lane, first_ready)) first_ready = lane;
  }
  if (first_ready != Arrow::kNowhere) return first_ready;
  const size_t point = lanes_[first][next[first]];
  history_.arrows[arrow_to_[point]].is_ignored = true;
  Violation(absl::StrCat(Name(point), " is of a message that was sent only after it"));
  return first;
}

void Builder::Sort() {
  rank_.assign(points_.size(), Arrow::kNowhere);
  std::vector<size_t> next(lanes_.size(), 0);
  for (size_t rank = 0; rank < points_.size(); ++rank) {
    const size_t lane = NextLane(next);
    rank_[lanes_[lane][next[lane]++]] = rank;
  }
}

void Builder::Renumber() {
  std::vector<Point> sorted(points_.size());
  for (size_t point = 0; point < points_.size(); ++point) sorted[rank_[point]] = std::move(points_[point]);
  for (size_t lane = 0; lane < lanes_.size(); ++lane) {
    for (const size_t point : lanes_[lane]) history_.lanes[lane].points.push_back(rank_[point]);
  }
  for (Arrow& arrow : history_.arrows) {
    if (arrow.from != Arrow::kNowhere) arrow.from = rank_[arrow.from];
    if (arrow.to != Arrow::kNowhere) arrow.to = rank_[arrow.to];
  }
  std::stable_sort(history_.arrows.begin(), history_.arrows.end(), [](const Arrow& a, const Arrow& b) {
    return std::make_pair(std::min(a.from, a.to), a.to) < std::make_pair(std::min(b.from, b.to), b.to);
  });
  history_.points = std::move(sorted);
}

void Builder::SetSeen() {
  std::vector<size_t> sender(history_.points.size(), Arrow::kNowhere);
  for (const Arrow& arrow : history_.arrows) {
    if (arrow.to != Arrow::kNowhere && !arrow.is_ignored) sender[arrow.to] = arrow.from;
  }
  for (size_t index = 0; index < history_.points.size(); ++index) {
    Point& point = history_.points[index];
    point.seen.assign(history_.lanes.size(), 0);
    if (point.place > 0)
      point.seen = history_.points[history_.lanes[point.lane].points[point.place - 1]].seen;
    if (sender[index] != Arrow::kNowhere) {
      const std::vector<uint32_t>& sent = history_.points[sender[index]].seen;
      for (size_t lane = 0; lane < sent.size(); ++lane)
        point.seen[lane] = std::max(point.seen[lane], sent[lane]);
    }
    point.seen[point.lane] = static_cast<uint32_t>(point.place + 1);
  }
}

}  // namespace

std::optional<size_t> History::LaneOf(const std::string& node) const {
  const auto lane = std::lower_bound(lanes.begin(), lanes.end(), node,
                                     [](const Lane& a, const std::string& b) { return a.node < b; });
  if (lane == lanes.end() || lane->node != node) return std::nullopt;
  return static_cast<size_t>(lane - lanes.begin());
}

Relation RelationOf(const History& history, size_t point, size_t other) {
  if (point == other) return Relation::kSelf;
  const Point& a = history.points[point];
  const Point& b = history.points[other];
  if (a.seen[b.lane] > b.place) return Relation::kPast;
  return b.seen[a.lane] > a.place ? Relation::kFuture : Relation::kConcurrent;
}

absl::StatusOr<History> Build(std::vector<Event> events) {
  for (const Event& event : events) {
    if (absl::Status status = Check(event); !status.ok()) return status;
  }
  Builder builder(std::move(events));
  if (builder.IsTooLarge()) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TRACE_TOO_LARGE",
                     absl::StrCat("the events times the nodes are more than ", kSeenMax));
  }
  return builder.Finish();
}

}  // namespace lamppost::diagram
