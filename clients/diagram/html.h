// A history as one page that needs nothing else, neither files nor a network: the drawing of svg.h, and on
// top of it what one event knew, looking things up by key, and zooming. Pure; the same history gives the same
// bytes.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_HTML_H_
#define LAMPPOST_CLIENTS_DIAGRAM_HTML_H_

#include <string>

#include "clients/diagram/history.h"
#include "clients/diagram/view.h"

namespace lamppost::diagram {

// UTF-8. Holds the drawing with and the one without quiet messages, each of at most options.events_max
// events; options.quiet says which one is seen first. Texts of the trace are cut to 1 KiB each, so the size
// is bounded by the number of events.
//
// The element "history" of the page holds the events as JSON, for scripts and tests:
//   lanes    [{node, points: number of its points in the whole history}]
//   events   [{id: data-event, lane, place, kind, is_of_process, counter: decimal string, seen: [per lane],
//            is_quiet, keys, facts: [[name, text]…]}], those that are in one of the drawings
//   arrows   [{id: data-arrow, from, to, status, text}], from and to being ids of events, or null
//   complete whether every event of the history is there
std::string RenderHtml(const History& history, const DrawOptions& options);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_HTML_H_
