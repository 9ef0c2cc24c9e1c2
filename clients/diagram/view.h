// What of a history is drawn, and in which row. Pure.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_VIEW_H_
#define LAMPPOST_CLIENTS_DIAGRAM_VIEW_H_

#include <cstddef>
#include <string>
#include <vector>

#include "clients/diagram/history.h"

namespace lamppost::diagram {

// Messages that bring nothing, such as heartbeats, and answers that refuse nothing.
enum class Quiet { kHidden, kShown };

struct KeyFilter {
  enum class Match { kAll, kExact, kPrefix };

  Match match = Match::kAll;
  std::string key;
};

struct DrawOptions {
  std::string title;     // may be empty
  std::string subtitle;  // may be empty
  Quiet quiet = Quiet::kHidden;
  // Messages, writes and conflicts about such keys; starts, crashes and gaps of nodes are drawn all the same.
  KeyFilter keys;
  size_t events_max = 2'000;  // the first ones; the drawing says how many are left out
};

struct View {
  struct Event {
    size_t point = 0;  // index into History::points
    size_t row = 0;    // from 0, downwards
  };
  struct Arrow {
    size_t arrow = 0;  // index into History::arrows
    // Where it leads has been left out, being among the later ones.
    bool is_cut = false;
  };

  std::vector<Event> events;  // in the history's order
  std::vector<Arrow> arrows;  // in the history's order
  size_t rows = 0;
  size_t quiet_hidden = 0;    // events that only Quiet::kHidden keeps from being drawn
  size_t later_left_out = 0;  // events beyond events_max
};

// Where a message is drawn, both its ends are. An event is in a lower row than whatever happened before it
// and than any with a smaller counter; events with one counter in different lanes share a row.
View Choose(const History& history, const DrawOptions& options);

// Whether the event, or a mark of it, is about such a key.
bool IsAbout(const Point& point, const KeyFilter& filter);

// Messages that bring nothing, unless something came of them.
bool IsQuiet(const Point& point);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_VIEW_H_
