// The signs of a drawing: one shape for each kind of event, and their explanation. Pure.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_SVG_GLYPH_H_
#define LAMPPOST_CLIENTS_DIAGRAM_SVG_GLYPH_H_

#include <set>
#include <string>

#include "absl/strings/string_view.h"
#include "clients/diagram/event.h"
#include "clients/diagram/layout.h"

namespace lamppost::diagram {

// In the order in which the legend explains them.
enum class Sign {
  kSend,
  kReceive,
  kWrite,
  kConflict,
  kStart,
  kStop,
  kCrash,
  kGap,
  kAway,
  kMessage,
  kDelayed,
  kCopy,
  kLost,
  kUnseen,
  kOutside,
  kRefusal,
  kQuiet,
  kCut,
};

// A drop, a delay and a duplicate have no sign of their own: their message shows them.
Sign SignOf(Event::Kind kind);

// The sign of an event.
std::string Glyph(Sign sign, Spot at);
// The cross at which a lost message ends.
std::string LostCross(Spot at);

struct Legend {
  std::string elements;
  double height = 0;
};

// The signs in use, explained in as many lines as they need.
Legend MakeLegend(const std::set<Sign>& used, Spot top_left, double width);

// The style sheet of all drawings; every rule begins with .lamppost-diagram.
absl::string_view StyleSheet();

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_SVG_GLYPH_H_
