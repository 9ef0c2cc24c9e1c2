#include "clients/diagram/svg_text.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/diagram/text.h"

namespace lamppost::diagram {

std::string Number(double value) {
  const double rounded = std::round(value * 10) / 10;
  if (rounded == std::round(rounded)) return absl::StrFormat("%.0f", std::abs(rounded) == 0 ? 0 : rounded);
  return absl::StrFormat("%.1f", rounded);
}

std::string TextAt(Spot at, Anchor anchor, absl::string_view style, absl::string_view text) {
  absl::string_view anchored;
  if (anchor == Anchor::kMiddle) anchored = " text-anchor=\"middle\"";
  if (anchor == Anchor::kEnd) anchored = " text-anchor=\"end\"";
  return absl::StrCat("<text class=\"", style, "\" x=\"", Number(at.x), "\" y=\"", Number(at.y), "\"",
                      anchored, ">", Markup(text), "</text>");
}

std::string Tooltip(absl::string_view text) {
  constexpr size_t kBytesMax = 512;
  return Markup(CutToBytes(text, kBytesMax));
}

std::string LineAt(Spot from, Spot to, absl::string_view style) {
  return absl::StrCat("<line class=\"", style, "\" x1=\"", Number(from.x), "\" y1=\"", Number(from.y),
                      "\" x2=\"", Number(to.x), "\" y2=\"", Number(to.y), "\"/>");
}

}  // namespace lamppost::diagram
