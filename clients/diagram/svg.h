// A history as a space-time diagram in SVG: lanes downwards, an arrow for each message. It tells everything
// by shape and text; colour only helps. No scripts, nothing from elsewhere. Pure; the same history gives the
// same bytes.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_SVG_H_
#define LAMPPOST_CLIENTS_DIAGRAM_SVG_H_

#include <string>

#include "clients/diagram/history.h"
#include "clients/diagram/view.h"

namespace lamppost::diagram {

// A file of its own, UTF-8. Each drawn event is an element with data-event, its index in History::points, and
// each message one with data-arrow, its index in History::arrows. Texts of the trace are cut, so the size is
// bounded by the number of events.
std::string RenderSvg(const History& history, const DrawOptions& options);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_SVG_H_
