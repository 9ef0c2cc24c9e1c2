// Text of a trace made fit for a drawing: whatever bytes a key or a value has, they can neither break the
// markup nor steer the page. Pure and thread-safe.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_TEXT_H_
#define LAMPPOST_CLIENTS_DIAGRAM_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "services/common/printable.h"

namespace lamppost::diagram {

// For the text and the attributes of SVG and HTML. Expects what Printable gives.
std::string EscapeXml(absl::string_view text);

// The two together.
std::string Markup(absl::string_view text);

// How wide a line is about to be, in ems. Readers have other fonts than we do: it goes by a wide one.
double WidthEm(absl::string_view text);

// The text, or as much of its beginning as fits with an ellipsis behind it.
std::string Fit(absl::string_view text, double width_em);

// At most so many bytes, cut between characters; an ellipsis tells of the cut and comes on top.
std::string CutToBytes(absl::string_view text, size_t bytes_max);

}  // namespace lamppost::diagram

#endif  // LAMPPOST_CLIENTS_DIAGRAM_TEXT_H_
