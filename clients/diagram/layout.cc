#include "clients/diagram/layout.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/diagram/describe.h"
#include "clients/diagram/text.h"

namespace lamppost::diagram {
namespace {

constexpr double kRowHeight = 31;
constexpr double kFirstRow = 26;  // from a lane's top to its first row
constexpr double kLastRow = 24;   // from its last row to its end
constexpr double kMargin = 24;
constexpr double kLabelSpace = 7;  // between counter and label
constexpr double kBetween = 14;    // between two labels that face each other
constexpr double kWidthMin = 560;  // the legend wants some
constexpr double kGapMin = 190;
constexpr double kGapMax = 270;
constexpr double kOuterMin = 64;  // a message to or from outside needs as much
constexpr double kOuterMax = 290;

// What stands before the label, seen from the lane.
double Lead(const PlacedEvent& event) {
  double width = Metrics::kLabelGap;
  if (!event.counter.empty()) width += WidthEm(event.counter) * Metrics::kCounterFont + kLabelSpace;
  return width + (event.has_conflict ? Metrics::kBadge : 0);
}

double LabelWidth(const PlacedEvent& event) {
  return std::max(WidthEm(event.label) * Metrics::kLabelFont, WidthEm(event.second) * Metrics::kSecondFont);
}

bool HasConflict(const Point& point) {
  return point.event.kind == Event::Kind::kConflict ||
         std::any_of(point.marks.begin(), point.marks.end(),
                     [](const Event& mark) { return mark.kind == Event::Kind::kConflict; });
}

class Arranger {
 public:
  Arranger(const History& history, const View& view) : history_(history), view_(view) {}

  Layout Run(double head_top) {
    layout_.head_top = head_top;
    layout_.lanes_top = head_top + Metrics::kHeadHeight;
    AddEvents();
    ChooseSides();
    PlaceLanes();
    PlaceRows();
    CutLabels();
    return std::move(layout_);
  }

 private:
  void AddEvents();
  void ChooseSides();
  void PlaceLanes();
  void PlaceRows();
  void CutLabels();
  static void Cut(PlacedEvent& event, double room);

  size_t LaneOf(const PlacedEvent& event) const { return history_.points[event.point].lane; }
  bool IsOuter(const PlacedEvent& event) const {
    return event.side == Side::kLeft ? LaneOf(event) == 0 : LaneOf(event) + 1 == history_.lanes.size();
  }
  // The space between two lanes that its text is in: that to the right of the lane with this number.
  size_t GapOf(const PlacedEvent& event) const {
    return event.side == Side::kLeft ? LaneOf(event) - 1 : LaneOf(event);
  }

  const History& history_;
  const View& view_;
  Layout layout_;
  // By row and gap between lanes, how wide the texts there are.
  std::map<std::pair<size_t, size_t>, std::vector<double>> facing_;
  double outer_[2] = {kOuterMin, kOuterMin};  // room for text left of the first lane and right of the last
};

void Arranger::AddEvents() {
  layout_.event_of.assign(history_.points.size(), Arrow::kNowhere);
  for (const View::Event& drawn : view_.events) {
    const Point& point = history_.points[drawn.point];
    PlacedEvent event;
    event.point = drawn.point;
    if (!IsOfProcess(point.event.kind)) event.counter = absl::StrCat(point.event.counter);
    event.label = LabelOf(point);
    event.second = SecondLabelOf(point);
    event.has_conflict = HasConflict(point);
    layout_.event_of[drawn.point] = layout_.events.size();
    layout_.events.push_back(std::move(event));
  }
}

// Outside at the outermost lanes; else where the event has no arrow.
void Arranger::ChooseSides() {
  std::vector<int> pull(layout_.events.size(), 0);  // above zero: the arrows are on the right
  for (const View::Arrow& drawn : view_.arrows) {
    const Arrow& arrow = history_.arrows[drawn.arrow];
    const auto from = history_.LaneOf(arrow.message.from);
    const auto to = history_.LaneOf(arrow.message.to);
    if (!from.has_value() || !to.has_value()) continue;
    const int direction = *to > *from ? 1 : -1;
    for (const auto& [point, sign] : {std::make_pair(arrow.from, 1), std::make_pair(arrow.to, -1)}) {
      if (point == Arrow::kNowhere || layout_.event_of[point] == Arrow::kNowhere) continue;
      pull[layout_.event_of[point]] += direction * sign;
    }
  }
  for (size_t i = 0; i < layout_.events.size(); ++i) {
    PlacedEvent& event = layout_.events[i];
    const size_t lane = LaneOf(event);
    const bool is_last = lane + 1 == history_.lanes.size();
    const bool is_left = !is_last && (lane == 0 || pull[i] > 0);
    event.side = is_left ? Side::kLeft : Side::kRight;
  }
}

void Arranger::PlaceLanes() {
  double inner = kGapMin;
  for (size_t i = 0; i < layout_.events.size(); ++i) {
    const PlacedEvent& event = layout_.events[i];
    const double width = Lead(event) + LabelWidth(event);
    if (IsOuter(event)) {
      double& room = outer_[event.side == Side::kLeft ? 0 : 1];
      room = std::max(room, width);
      continue;
    }
    std::vector<double>& widths = facing_[{view_.events[i].row, GapOf(event)}];
    widths.push_back(width);
    const double together = widths.size() > 1 ? widths[0] + widths[1] + kBetween : width + kMargin;
    inner = std::max(inner, together);
  }
  for (double& room : outer_) room = std::min(room, kOuterMax);
  layout_.lane_gap = std::min(inner, kGapMax);
  const size_t count = history_.lanes.size();
  const double lanes_width = count < 2 ? 0 : static_cast<double>(count - 1) * layout_.lane_gap;
  const double needed = kMargin + outer_[0] + lanes_width + outer_[1] + kMargin;
  layout_.width = std::max(needed, kWidthMin);
  double x = kMargin + outer_[0] + (layout_.width - needed) / 2;
  for (const Lane& lane : history_.lanes) {
    const double room = count < 2 ? 2 * kOuterMin : layout_.lane_gap - kMargin;
    PlacedLane placed;
    placed.x = x;
    placed.name = Fit(Printable(lane.node), (room - kMargin) / Metrics::kHeadFont);
    placed.head_width = std::max(46.0, WidthEm(placed.name) * Metrics::kHeadFont + kMargin);
    layout_.lanes.push_back(std::move(placed));
    x += layout_.lane_gap;
  }
}

void Arranger::PlaceRows() {
  std::vector<double> height(view_.rows, kRowHeight);
  for (size_t i = 0; i < layout_.events.size(); ++i) {
    if (!layout_.events[i].second.empty()) height[view_.events[i].row] = kRowHeight + Metrics::kSecondLine;
  }
  std::vector<double> y_of(view_.rows + 1, layout_.lanes_top + kFirstRow);
  for (size_t row = 0; row < view_.rows; ++row) y_of[row + 1] = y_of[row] + height[row];
  for (size_t i = 0; i < layout_.events.size(); ++i) {
    PlacedEvent& event = layout_.events[i];
    event.spot = {layout_.lanes[LaneOf(event)].x, y_of[view_.events[i].row]};
  }
  const double last = view_.rows == 0 ? layout_.lanes_top + kFirstRow : y_of[view_.rows] - kRowHeight;
  layout_.lanes_bottom = last + kLastRow;
}

// Two texts that face each other in one row share the space between their lanes: a short one leaves the rest
// to the other.
void Arranger::CutLabels() {
  for (size_t i = 0; i < layout_.events.size(); ++i) {
    PlacedEvent& event = layout_.events[i];
    double room = outer_[event.side == Side::kLeft ? 0 : 1];
    if (!IsOuter(event)) {
      const std::vector<double>& widths = facing_[{view_.events[i].row, GapOf(event)}];
      room = layout_.lane_gap - Metrics::kLabelGap;
      if (widths.size() > 1) {
        const double other = widths[0] + widths[1] - (Lead(event) + LabelWidth(event));
        room = std::max((layout_.lane_gap - kBetween) / 2, layout_.lane_gap - kBetween - other);
      }
    }
    Cut(event, room);
  }
}

void Arranger::Cut(PlacedEvent& event, double room) {
  const double lead = Lead(event);
  const double left = std::max(0.0, room - lead) + 0.5;  // the widest one, which has made the room, fits
  event.label = Fit(event.label, left / Metrics::kLabelFont);
  event.second = Fit(event.second, left / Metrics::kSecondFont);
  const double width = lead + LabelWidth(event);
  const double below = event.second.empty() ? 7 : 7 + Metrics::kSecondLine;
  const Spot& at = event.spot;
  event.text = event.side == Side::kLeft ? Box{at.x - width, at.y - 8, at.x + 8, at.y + below}
                                         : Box{at.x - 8, at.y - 8, at.x + width, at.y + below};
}

}  // namespace

Layout Arrange(const History& history, const View& view, double head_top) {
  return Arranger(history, view).Run(head_top);
}

}  // namespace lamppost::diagram
