#include "clients/diagram/view.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "clients/diagram/describe.h"

namespace lamppost::diagram {
namespace {

bool Matches(const std::string& key, const KeyFilter& filter) {
  switch (filter.match) {
    case KeyFilter::Match::kAll:
      return true;
    case KeyFilter::Match::kExact:
      return key == filter.key;
    case KeyFilter::Match::kPrefix:
      return absl::StartsWith(key, filter.key);
  }
  return true;
}

bool IsAnyOf(const std::vector<std::string>& keys, const KeyFilter& filter) {
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) { return Matches(key, filter); });
}

using Choice = std::vector<bool>;  // per point

void AddOtherEnds(const History& history, Choice& chosen) {
  for (const Arrow& arrow : history.arrows) {
    if (arrow.from == Arrow::kNowhere || arrow.to == Arrow::kNowhere) continue;
    if (chosen[arrow.from] || chosen[arrow.to]) chosen[arrow.from] = chosen[arrow.to] = true;
  }
}

// A message that was sent once is chosen whole; a copy may have made its sender chosen after another was
// passed.
void Complete(const History& history, Choice& chosen) {
  AddOtherEnds(history, chosen);
  AddOtherEnds(history, chosen);
}

void SetRows(const History& history, View& view) {
  std::vector<size_t> row_of(history.points.size(), 0);
  std::vector<size_t> lane_end(history.lanes.size(), 0);  // the first row that is free in a lane
  std::vector<size_t> after_send(history.points.size(), 0);
  std::vector<std::vector<size_t>> receives(history.points.size());
  for (const View::Arrow& drawn : view.arrows) {
    const Arrow& arrow = history.arrows[drawn.arrow];
    if (arrow.from != Arrow::kNowhere && arrow.to != Arrow::kNowhere)
      receives[arrow.from].push_back(arrow.to);
  }
  size_t base = 0;
  for (size_t i = 0; i < view.events.size(); ++i) {
    const size_t index = view.events[i].point;
    const Point& point = history.points[index];
    if (i > 0 && point.order != history.points[view.events[i - 1].point].order) base = view.rows;
    const size_t row = std::max({base, lane_end[point.lane], after_send[index]});
    view.events[i].row = row;
    lane_end[point.lane] = row + 1;
    for (const size_t receive : receives[index]) after_send[receive] = std::max(after_send[receive], row + 1);
    view.rows = std::max(view.rows, row + 1);
  }
}

}  // namespace

bool IsAbout(const Point& point, const KeyFilter& filter) {
  if (filter.match == KeyFilter::Match::kAll || IsAnyOf(point.event.keys, filter)) return true;
  return std::any_of(point.marks.begin(), point.marks.end(),
                     [&](const Event& mark) { return IsAnyOf(mark.keys, filter); });
}

bool IsQuiet(const Point& point) {
  return point.event.is_quiet && std::none_of(point.marks.begin(), point.marks.end(), [](const Event& mark) {
           return mark.kind == Event::Kind::kConflict;
         });
}

View Choose(const History& history, const DrawOptions& options) {
  View view;
  Choice about(history.points.size(), false);
  Choice chosen(history.points.size(), false);
  for (size_t i = 0; i < history.points.size(); ++i) {
    const Point& point = history.points[i];
    about[i] = IsOfProcess(point.event.kind) || IsAbout(point, options.keys);
    chosen[i] = about[i] && (options.quiet == Quiet::kShown || !IsQuiet(point));
  }
  Complete(history, about);
  Complete(history, chosen);

  Choice drawn(history.points.size(), false);
  for (size_t i = 0; i < history.points.size(); ++i) {
    if (about[i] && !chosen[i]) ++view.quiet_hidden;
    if (!chosen[i]) continue;
    if (view.events.size() >= options.events_max) {
      ++view.later_left_out;
      continue;
    }
    drawn[i] = true;
    view.events.push_back({i, 0});
  }
  for (size_t i = 0; i < history.arrows.size(); ++i) {
    const Arrow& arrow = history.arrows[i];
    const bool begins = arrow.from == Arrow::kNowhere ? false : drawn[arrow.from];
    const bool ends = arrow.to == Arrow::kNowhere ? false : drawn[arrow.to];
    if (begins || ends) view.arrows.push_back({i, begins && !ends && arrow.to != Arrow::kNowhere});
  }
  SetRows(history, view);
  return view;
}

}  // namespace lamppost::diagram
