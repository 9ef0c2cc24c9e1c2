// Where everything of a drawing stands. Lengths are SVG's user units, pixels at a zoom of one; x goes to the
// right, y downwards. Pure.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_LAYOUT_H_
#define LAMPPOST_CLIENTS_DIAGRAM_LAYOUT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "clients/diagram/history.h"
#include "clients/diagram/view.h"

namespace lamppost::diagram {

enum class Side { kLeft, kRight };

struct Spot {
  double x = 0;
  double y = 0;
};

struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;

  bool Overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

// Sizes that layout and drawing share.
struct Metrics {
  static constexpr double kGlyph = 6;         // radius of an event
  static constexpr double kLabelGap = 15;     // from the lane to what is written beside an event
  static constexpr double kBadge = 17;        // what a conflict's badge takes of a line
  static constexpr double kCounterFont = 11;  // bold
  static constexpr double kLabelFont = 12;
  static constexpr double kSecondFont = 10.5;
  static constexpr double kHeadFont = 13;
  static constexpr double kHeadHeight = 26;
  static constexpr double kSecondLine = 13;  // from a label to its second line
};

struct PlacedEvent {
  size_t point = 0;  // index into History::points
  Spot spot;
  Side side = Side::kRight;  // of the lane, where its text is
  std::string counter;       // these are visible characters, not escaped, cut to what there is room for
  std::string label;
  std::string second;
  bool has_conflict = false;
  Box text;  // around all of it
};

struct PlacedLane {
  double x = 0;
  std::string name;  // cut
  double head_width = 0;
};

struct Layout {
  double width = 0;
  double head_top = 0;
  double lanes_top = 0;
  double lanes_bottom = 0;
  double lane_gap = 0;  // from a lane to the next
  std::vector<PlacedLane> lanes;
  std::vector<PlacedEvent> events;  // as in the view
  std::vector<size_t> event_of;     // per point of the history, its index in events, or Arrow::kNowhere
};

// head_top is where the lanes' heads begin.
Layout Arrange(const History& history, const View& view, double head_top);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_LAYOUT_H_
