#include "clients/diagram/svg.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/diagram/describe.h"
#include "clients/diagram/layout.h"
#include "clients/diagram/svg_arrow.h"
#include "clients/diagram/svg_glyph.h"
#include "clients/diagram/svg_text.h"
#include "clients/diagram/text.h"

namespace lamppost::diagram {
namespace {

constexpr double kMargin = 24;
constexpr double kTall = 900;  // from this height on, the nodes' names stand at the bottom, too
constexpr double kTitleFont = 18;
constexpr double kNoteFont = 11.5;
constexpr double kNoteLine = 17;

class Drawing {
 public:
  Drawing(const History& history, const DrawOptions& options)
      : history_(history), options_(options), view_(Choose(history, options)) {}

  std::string Render();

 private:
  std::string Head() const;
  std::string Lanes();
  std::string LaneHeads(double top) const;
  std::string Events();
  std::string EventAt(const PlacedEvent& event);
  std::string TextOf(const PlacedEvent& event) const;
  std::vector<std::string> Notes() const;
  std::string Foot(double top, double* height) const;
  std::string Summary() const;

  double HeadTop() const {
    double top = kMargin;
    if (!options_.title.empty()) top += 26;
    if (!options_.subtitle.empty()) top += 18;
    return top + (top > kMargin ? 10 : 0);
  }

  const History& history_;
  const DrawOptions& options_;
  const View view_;
  Layout layout_;
  std::set<Sign> used_;
};

std::string Drawing::Summary() const {
  const std::string title = options_.title.empty() ? "Space-time diagram" : options_.title;
  return absl::StrCat(title, ": ", history_.lanes.size(), " nodes, ", view_.events.size(), " events, ",
                      view_.arrows.size(), " messages");
}

std::string Drawing::Head() const {
  std::string text;
  double y = kMargin + 14;
  const double room = layout_.width - 2 * kMargin;
  if (!options_.title.empty()) {
    text += TextAt({kMargin, y}, Anchor::kStart, "title", Fit(Printable(options_.title), room / kTitleFont));
    text += '\n';
    y += 22;
  }
  if (!options_.subtitle.empty()) {
    text += TextAt({kMargin, y}, Anchor::kStart, "note", Fit(Printable(options_.subtitle), room / kNoteFont));
    text += '\n';
  }
  return text;
}

// A lane is dotted from a stop or a crash to the next start, and before a start that is its first event.
std::string Drawing::Lanes() {
  std::vector<std::vector<std::pair<double, Event::Kind>>> turns(history_.lanes.size());
  for (const PlacedEvent& event : layout_.events) {
    const Point& point = history_.points[event.point];
    if (IsOfProcess(point.event.kind)) turns[point.lane].emplace_back(event.spot.y, point.event.kind);
  }
  std::string lines;
  for (size_t lane = 0; lane < history_.lanes.size(); ++lane) {
    const std::vector<size_t>& points = history_.lanes[lane].points;
    double from = layout_.lanes_top;
    bool is_away = !points.empty() && history_.points[points[0]].event.kind == Event::Kind::kStart;
    const auto until = [&](double y) {
      if (y <= from) return;
      if (is_away) used_.insert(Sign::kAway);
      const double x = layout_.lanes[lane].x;
      lines += LineAt({x, from}, {x, y}, is_away ? "lane away" : "lane");
      from = y;
    };
    for (const auto& [y, kind] : turns[lane]) {
      until(y);
      if (kind == Event::Kind::kStart) is_away = false;
      if (kind == Event::Kind::kStop || kind == Event::Kind::kCrash) is_away = true;
    }
    until(layout_.lanes_bottom);
    lines += '\n';
  }
  return lines;
}

std::string Drawing::LaneHeads(double top) const {
  std::string heads;
  for (const PlacedLane& lane : layout_.lanes) {
    absl::StrAppend(&heads, "<rect class=\"head-box\" x=\"", Number(lane.x - lane.head_width / 2), "\" y=\"",
                    Number(top), "\" width=\"", Number(lane.head_width), "\" height=\"",
                    Number(Metrics::kHeadHeight), "\" rx=\"5\"/>",
                    TextAt({lane.x, top + 17.5}, Anchor::kMiddle, "lane-name", lane.name), "\n");
  }
  return heads;
}

// From the lane outwards: the counter, a conflict's badge, the label.
std::string Drawing::TextOf(const PlacedEvent& event) const {
  const bool is_left = event.side == Side::kLeft;
  const double direction = is_left ? -1 : 1;
  const Anchor anchor = is_left ? Anchor::kEnd : Anchor::kStart;
  std::string text;
  double x = event.spot.x + direction * Metrics::kLabelGap;
  if (!event.counter.empty()) {
    text += TextAt({x, event.spot.y + 4}, anchor, "counter", event.counter);
    x += direction * (WidthEm(event.counter) * Metrics::kCounterFont + 7);
  }
  const Point& point = history_.points[event.point];
  if (event.has_conflict && point.event.kind != Event::Kind::kConflict) {
    text += Glyph(Sign::kConflict, {x + direction * 6, event.spot.y});
    x += direction * Metrics::kBadge;
  }
  if (!event.label.empty()) text += TextAt({x, event.spot.y + 4}, anchor, "label", event.label);
  if (!event.second.empty()) {
    text += TextAt({x, event.spot.y + 4 + Metrics::kSecondLine}, anchor, "second", event.second);
  }
  return text;
}

std::string Drawing::EventAt(const PlacedEvent& event) {
  const Point& point = history_.points[event.point];
  const Sign sign = SignOf(point.event.kind);
  used_.insert(sign);
  if (event.has_conflict) used_.insert(Sign::kConflict);
  return absl::StrCat("<g class=\"event\" data-event=\"", event.point, "\"><title>", Tooltip(Describe(point)),
                      "</title><circle class=\"hit\" cx=\"", Number(event.spot.x), "\" cy=\"",
                      Number(event.spot.y), "\" r=\"12\"/>", TextOf(event), Glyph(sign, event.spot),
                      "</g>\n");
}

std::string Drawing::Events() {
  std::string text;
  for (const PlacedEvent& event : layout_.events) text += EventAt(event);
  return text;
}

std::vector<std::string> Drawing::Notes() const {
  std::vector<std::string> notes;
  if (!view_.events.empty())
    notes.push_back("The numbers are the nodes' Lamport counters; time runs downwards.");
  const std::string key = Printable(options_.keys.key);
  if (options_.keys.match == KeyFilter::Match::kExact)
    notes.push_back(absl::StrCat("Only what is about ", key, "."));
  if (options_.keys.match == KeyFilter::Match::kPrefix) {
    notes.push_back(absl::StrCat("Only what is about keys that begin with ", key, "."));
  }
  if (view_.quiet_hidden > 0) {
    notes.push_back(
        absl::StrCat(view_.quiet_hidden, " events of messages that bring nothing are not drawn."));
  }
  if (view_.later_left_out > 0) {
    notes.push_back(absl::StrCat(view_.later_left_out, " later events are left out."));
  }
  if (view_.events.empty()) notes.push_back("There is nothing to draw.");
  return notes;
}

std::string Drawing::Foot(double top, double* height) const {
  const double room = layout_.width - 2 * kMargin;
  std::string text = LineAt({kMargin, top}, {layout_.width - kMargin, top}, "rule");
  const Legend legend = MakeLegend(used_, {kMargin, top + 12}, room);
  absl::StrAppend(&text, "\n", legend.elements);
  double y = top + 12 + legend.height + 16;
  for (const std::string& note : Notes()) {
    absl::StrAppend(&text, TextAt({kMargin, y}, Anchor::kStart, "note", Fit(note, room / kNoteFont)), "\n");
    y += kNoteLine;
  }
  *height = y - kNoteLine + kMargin - top;
  return text;
}

std::string Drawing::Render() {
  layout_ = Arrange(history_, view_, HeadTop());
  std::string body = Lanes();
  body += DrawArrows(history_, view_, layout_, used_);
  body += Events();
  body += LaneHeads(layout_.head_top);
  double bottom = layout_.lanes_bottom;
  if (bottom > kTall) {
    body += LaneHeads(bottom);
    bottom += Metrics::kHeadHeight;
  }
  bottom += 20;
  double foot = 0;
  const std::string text = Foot(bottom, &foot);
  const std::string width = Number(layout_.width);
  const std::string height = Number(bottom + foot);
  return absl::StrCat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lamppost-diagram\" role=\"img\" aria-label=\"",
      Markup(Summary()), "\" width=\"", width, "\" height=\"", height, "\" viewBox=\"0 0 ", width, " ",
      height, "\">\n<title>", Markup(Summary()), "</title>\n<style>", StyleSheet(),
      "</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n", Head(), body, text, "</svg>\n");
}

}  // namespace

std::string RenderSvg(const History& history, const DrawOptions& options) {
  return Drawing(history, options).Render();
}

}  // namespace lamppost::diagram
