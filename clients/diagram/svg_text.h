// The elements that a drawing is made of, as text. Pure.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_SVG_TEXT_H_
#define LAMPPOST_CLIENTS_DIAGRAM_SVG_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "clients/diagram/layout.h"

namespace lamppost::diagram {

// With at most one decimal.
std::string Number(double value);

enum class Anchor { kStart, kMiddle, kEnd };

// A <text>; `text` is escaped here. `style` is a class of the drawing's style sheet.
std::string TextAt(Spot at, Anchor anchor, absl::string_view style, absl::string_view text);

// What an element tells when it is pointed at, escaped; cut if it is very long.
std::string Tooltip(absl::string_view text);

std::string LineAt(Spot from, Spot to, absl::string_view style);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_SVG_TEXT_H_
