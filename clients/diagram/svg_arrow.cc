#include "clients/diagram/svg_arrow.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/diagram/describe.h"
#include "clients/diagram/svg_text.h"
#include "clients/diagram/text.h"

namespace lamppost::diagram {
namespace {

constexpr double kHeadLength = 10;
constexpr double kHeadHalfWidth = 4.2;
constexpr double kStub = 40;  // of a message from or to a node without a lane
constexpr double kDropPerGap =
    17;  // how far a message sinks on its way to the next lane if it does not arrive
constexpr double kClearance = 11;  // between a line and the events of a lane that it crosses
constexpr double kOnArrowFont = 11;

double Length(Spot a, Spot b) {
  return std::hypot(b.x - a.x, b.y - a.y);
}

// `distance` from a towards b.
Spot Towards(Spot a, Spot b, double distance) {
  const double length = std::max(Length(a, b), 1.0);
  return {a.x + (b.x - a.x) * distance / length, a.y + (b.y - a.y) * distance / length};
}

// A line that may be bent: a quadratic curve. Straight if `by` is halfway.
struct Curve {
  Spot from;
  Spot by;
  Spot to;

  Spot At(double t) const {
    const double a = (1 - t) * (1 - t);
    const double b = 2 * t * (1 - t);
    const double c = t * t;
    return {a * from.x + b * by.x + c * to.x, a * from.y + b * by.y + c * to.y};
  }
  bool IsAs(const Curve& other) const {
    const auto is_at = [](Spot a, Spot b) { return a.x == b.x && a.y == b.y; };
    return is_at(from, other.from) && is_at(by, other.by) && is_at(to, other.to);
  }
  std::string Path() const {
    const auto at = [](Spot spot) { return absl::StrCat(Number(spot.x), " ", Number(spot.y)); };
    const bool is_straight =
        std::abs((from.x + to.x) / 2 - by.x) + std::abs((from.y + to.y) / 2 - by.y) < 0.1;
    if (is_straight) return absl::StrCat("M", at(from), "L", at(to));
    return absl::StrCat("M", at(from), "Q", at(by), " ", at(to));
  }
};

Curve Straight(Spot from, Spot to) {
  return {from, {(from.x + to.x) / 2, (from.y + to.y) / 2}, to};
}

enum class End { kHead, kCross, kQuestion, kEllipsis };

// How one message is drawn.
struct Look {
  Curve curve;
  End end = End::kHead;
  std::string beside;  // the node outside
  std::string upon;    // the delay, the copy
  Sign sign = Sign::kMessage;
  bool is_thin = false;
  bool is_quiet = false;
};

class Drawer {
 public:
  Drawer(const History& history, const View& view, const Layout& layout, std::set<Sign>& used);

  std::string Draw(const View::Arrow& drawn);

 private:
  Look LookOf(const Arrow& arrow, const View::Arrow& drawn) const;
  Curve Between(Spot from, Spot to, size_t from_lane, size_t to_lane) const;
  Curve TowardsLane(Spot from, size_t from_lane, size_t to_lane) const;
  bool IsFree(const Box& box, const Curve& own) const;
  Curve Outside(const Arrow& arrow) const;
  std::string EndOf(const Look& look) const;
  std::string Upon(const Look& look);
  std::string Beside(const Look& look, const Arrow& arrow) const;

  const PlacedEvent* Placed(size_t point) const {
    if (point == Arrow::kNowhere || layout_.event_of[point] == Arrow::kNowhere) return nullptr;
    return &layout_.events[layout_.event_of[point]];
  }

  const History& history_;
  const Layout& layout_;
  std::set<Sign>& used_;
  std::vector<std::vector<double>> y_of_lane_;  // of its events, downwards
  std::vector<Box> taken_;                      // where there is text already
  std::vector<Curve> whole_;                    // the messages that have both their ends in the drawing
};

Drawer::Drawer(const History& history, const View& view, const Layout& layout, std::set<Sign>& used)
    : history_(history), layout_(layout), used_(used), y_of_lane_(history.lanes.size()) {
  for (const PlacedEvent& event : layout.events) {
    taken_.push_back(event.text);
    y_of_lane_[history.points[event.point].lane].push_back(event.spot.y);
  }
  for (const View::Arrow& drawn : view.arrows) {
    const Arrow& arrow = history.arrows[drawn.arrow];
    if (Placed(arrow.from) == nullptr || Placed(arrow.to) == nullptr) continue;
    whole_.push_back(LookOf(arrow, drawn).curve);
  }
}

// Neither text, nor a lane, nor another message's line is there.
bool Drawer::IsFree(const Box& box, const Curve& own) const {
  for (const PlacedLane& lane : layout_.lanes) {
    if (box.left < lane.x && lane.x < box.right) return false;
  }
  for (const Box& other : taken_) {
    if (box.Overlaps(other)) return false;
  }
  constexpr int kSteps = 64;
  for (const Curve& curve : whole_) {
    const Box around{std::min(curve.from.x, curve.to.x), curve.from.y - 30,
                     std::max(curve.from.x, curve.to.x), curve.to.y + 30};
    if (!box.Overlaps(around) || curve.IsAs(own)) continue;
    for (int step = 0; step <= kSteps; ++step) {
      const Spot at = curve.At(static_cast<double>(step) / kSteps);
      if (box.left < at.x && at.x < box.right && box.top < at.y && at.y < box.bottom) return false;
    }
  }
  return true;
}

// Straight, unless it would run through an event of a lane between: then it is bent around that.
Curve Drawer::Between(Spot from, Spot to, size_t from_lane, size_t to_lane) const {
  from = Towards(from, to, Metrics::kGlyph);
  to = Towards(to, from, Metrics::kGlyph + 1);
  Curve curve = Straight(from, to);
  const size_t first = std::min(from_lane, to_lane);
  const size_t last = std::max(from_lane, to_lane);
  for (size_t lane = first + 1; lane < last; ++lane) {
    const double t = (layout_.lanes[lane].x - from.x) / (to.x - from.x);
    const double y = curve.At(t).y;
    const std::vector<double>& events = y_of_lane_[lane];
    auto near = std::lower_bound(events.begin(), events.end(), y - kClearance);
    if (near == events.end() || *near > y + kClearance) continue;
    const double target = y < *near ? *near - kClearance - 3 : *near + kClearance + 3;
    curve.by.y += (target - y) / (2 * t * (1 - t));
    break;
  }
  return curve;
}

// Into the last gap before that lane, to its middle unless another line is there.
Curve Drawer::TowardsLane(Spot from, size_t from_lane, size_t to_lane) const {
  const double direction = to_lane > from_lane ? 1 : -1;
  const double all_gaps = std::abs(static_cast<double>(to_lane) - static_cast<double>(from_lane));
  const auto until = [&](double left) {
    const double gaps = all_gaps - left;
    const Spot to{from.x + direction * gaps * layout_.lane_gap, from.y + gaps * kDropPerGap};
    return Straight(Towards(from, to, Metrics::kGlyph), to);
  };
  for (const double left : {0.5, 0.6, 0.4, 0.7, 0.3, 0.78, 0.22}) {
    const Curve curve = until(left);
    const Spot& tip = curve.to;
    if (IsFree({tip.x - 12, tip.y - 12, tip.x + 12, tip.y + 12}, curve)) return curve;
  }
  return until(0.5);
}

// A stub on the side of the event where there is no text.
Curve Drawer::Outside(const Arrow& arrow) const {
  const bool is_from_here = Placed(arrow.from) != nullptr;
  const PlacedEvent& event = *Placed(is_from_here ? arrow.from : arrow.to);
  const double direction = event.side == Side::kLeft ? 1 : -1;
  if (is_from_here) {
    const Spot far{event.spot.x + direction * kStub, event.spot.y + kDropPerGap / 2};
    return Straight(Towards(event.spot, far, Metrics::kGlyph), far);
  }
  const Spot far{event.spot.x + direction * kStub, event.spot.y - kDropPerGap / 2};
  return Straight(far, Towards(event.spot, far, Metrics::kGlyph + 1));
}

Look Drawer::LookOf(const Arrow& arrow, const View::Arrow& drawn) const {
  Look look;
  const Event& event = history_.points[arrow.from != Arrow::kNowhere ? arrow.from : arrow.to].event;
  look.is_thin = event.is_quiet || IsRefusal(event);
  look.is_quiet = event.is_quiet;
  if (event.is_quiet) look.sign = Sign::kQuiet;
  if (IsRefusal(event)) look.sign = Sign::kRefusal;
  if (arrow.is_delayed) {
    look.sign = Sign::kDelayed;
    look.upon = absl::StrCat("+", arrow.delay_ms, " ms");
  }
  if (arrow.status == Arrow::Status::kArrivedAsCopy) {
    look.sign = Sign::kCopy;
    look.upon = absl::StrCat("copy", look.upon.empty() ? "" : ", ", look.upon);
  }
  if (arrow.status == Arrow::Status::kLost) look.end = End::kCross;
  if (arrow.status == Arrow::Status::kUnseen) look.end = End::kQuestion;
  if (drawn.is_cut) look.end = End::kEllipsis;

  const PlacedEvent* from = Placed(arrow.from);
  const PlacedEvent* to = Placed(arrow.to);
  const auto from_lane = history_.LaneOf(arrow.message.from);
  const auto to_lane = history_.LaneOf(arrow.message.to);
  if (from != nullptr && to != nullptr) {
    look.curve = Between(from->spot, to->spot, *from_lane, *to_lane);
  } else if (from != nullptr && to_lane.has_value() && *to_lane != *from_lane) {
    look.curve = TowardsLane(from->spot, *from_lane, *to_lane);
  } else {
    look.curve = Outside(arrow);
    look.beside = Printable(from != nullptr ? arrow.message.to : arrow.message.from);
  }
  if (!look.beside.empty() && look.end == End::kQuestion) look.end = End::kHead;
  return look;
}

std::string Drawer::EndOf(const Look& look) const {
  const Spot tip = look.curve.to;
  switch (look.end) {
    case End::kCross:
      return LostCross(tip);
    case End::kQuestion:
      return TextAt({Towards(tip, look.curve.by, -9).x, tip.y + 6}, Anchor::kMiddle, "open", "?");
    case End::kEllipsis:
      return TextAt({Towards(tip, look.curve.by, -9).x, tip.y + 3}, Anchor::kMiddle, "open", "…");
    case End::kHead:
      break;
  }
  const Spot base = Towards(tip, look.curve.by, kHeadLength);
  const double across_x = (tip.y - base.y) / kHeadLength * kHeadHalfWidth;
  const double across_y = (base.x - tip.x) / kHeadLength * kHeadHalfWidth;
  const auto at = [](double x, double y) { return absl::StrCat(Number(x), " ", Number(y)); };
  return absl::StrCat("<path class=\"head", look.is_quiet ? " quiet" : "", "\" d=\"M", at(tip.x, tip.y), "L",
                      at(base.x + across_x, base.y + across_y), "L", at(base.x - across_x, base.y - across_y),
                      "Z\"/>");
}

// On the line, where there is room; if there is none, in the middle.
std::string Drawer::Upon(const Look& look) {
  if (look.upon.empty()) return "";
  const double half = WidthEm(look.upon) * kOnArrowFont / 2 + 3;
  const auto box_at = [&](double t) {
    const Spot at = look.curve.At(t);
    return Box{at.x - half, at.y - 8, at.x + half, at.y + 8};
  };
  constexpr std::array<double, 11> kPlaces = {0.5,  0.42, 0.58, 0.34, 0.66, 0.26,
                                              0.74, 0.82, 0.18, 0.88, 0.12};
  const auto* found =
      std::find_if(kPlaces.begin(), kPlaces.end(), [&](double t) { return IsFree(box_at(t), look.curve); });
  const double best = found == kPlaces.end() ? 0.5 : *found;
  taken_.push_back(box_at(best));
  const Spot at = look.curve.At(best);
  return absl::StrCat("<rect class=\"ground\" x=\"", Number(at.x - half), "\" y=\"", Number(at.y - 7),
                      "\" width=\"", Number(2 * half), "\" height=\"14\"/>",
                      TextAt({at.x, at.y + 4}, Anchor::kMiddle, "on-arrow", look.upon));
}

// The name of the node outside, where the stub begins or ends.
std::string Drawer::Beside(const Look& look, const Arrow& arrow) const {
  if (look.beside.empty()) return "";
  const bool is_from_here = Placed(arrow.from) != nullptr;
  const Spot far = is_from_here ? look.curve.to : look.curve.from;
  const Spot near = is_from_here ? look.curve.from : look.curve.to;
  const double space = look.end == End::kCross ? 12 : 7;
  const bool is_right = far.x > near.x;
  return TextAt({far.x + (is_right ? space : -space), far.y + 4}, is_right ? Anchor::kStart : Anchor::kEnd,
                "second", Fit(look.beside, 6));
}

std::string Drawer::Draw(const View::Arrow& drawn) {
  const Arrow& arrow = history_.arrows[drawn.arrow];
  const Look look = LookOf(arrow, drawn);
  const Spot& tip = look.curve.to;
  if (look.end != End::kHead) taken_.push_back({tip.x - 10, tip.y - 10, tip.x + 10, tip.y + 10});
  std::string style = "message";
  if (look.is_thin) style += " thin";
  if (look.is_quiet) style += " quiet";
  if (arrow.is_delayed) style += " delayed";
  const bool is_copy = look.sign == Sign::kCopy;
  if (is_copy) style += " double";
  used_.insert(look.sign);
  if (look.end == End::kCross) used_.insert(Sign::kLost);
  if (look.end == End::kQuestion) used_.insert(Sign::kUnseen);
  if (look.end == End::kEllipsis) used_.insert(Sign::kCut);
  if (!look.beside.empty()) used_.insert(Sign::kOutside);

  // The line ends inside the head, so that its width does not blunt the tip.
  Curve line = look.curve;
  if (look.end == End::kHead) line.to = Towards(line.to, line.by, kHeadLength - 3);
  const std::string path = line.Path();
  std::string elements = absl::StrCat("<g class=\"arrow\" data-arrow=\"", drawn.arrow, "\"><title>",
                                      Tooltip(Describe(history_, arrow)), "</title><path class=\"", style,
                                      "\" d=\"", path, "\"/>");
  if (is_copy) absl::StrAppend(&elements, "<path class=\"core\" d=\"", path, "\"/>");
  absl::StrAppend(&elements, "<path class=\"reach\" d=\"", path, "\"/>", EndOf(look), Upon(look));
  elements += Beside(look, arrow);
  absl::StrAppend(&elements, "</g>\n");
  return elements;
}

}  // namespace

std::string DrawArrows(const History& history, const View& view, const Layout& layout, std::set<Sign>& used) {
  Drawer drawer(history, view, layout, used);
  std::string elements;
  for (const View::Arrow& arrow : view.arrows) elements += drawer.Draw(arrow);
  return elements;
}

}  // namespace lamppost::diagram
