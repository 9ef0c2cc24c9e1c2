// The messages of a drawing. Pure.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_SVG_ARROW_H_
#define LAMPPOST_CLIENTS_DIAGRAM_SVG_ARROW_H_

#include <set>
#include <string>

#include "clients/diagram/history.h"
#include "clients/diagram/layout.h"
#include "clients/diagram/svg_glyph.h"
#include "clients/diagram/view.h"

namespace lamppost::diagram {

// All messages of the view, one element each. Adds the signs that they use to `used`.
std::string DrawArrows(const History& history, const View& view, const Layout& layout, std::set<Sign>& used);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_SVG_ARROW_H_
