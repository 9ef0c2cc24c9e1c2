#include "clients/diagram/svg_glyph.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "clients/diagram/svg_text.h"
#include "clients/diagram/text.h"

namespace lamppost::diagram {
namespace {

constexpr double kLegendRow = 22;
constexpr double kLegendEvent = 26;  // room for an event's sign
constexpr double kLegendLine = 48;   // and for a message's
constexpr double kLegendSpace = 26;  // between two
constexpr double kLegendFont = 11.5;

std::string Circle(Spot at, double radius, absl::string_view style) {
  return absl::StrCat("<circle class=\"", style, "\" cx=\"", Number(at.x), "\" cy=\"", Number(at.y),
                      "\" r=\"", Number(radius), "\"/>");
}

std::string Path(absl::string_view style, absl::string_view path) {
  return absl::StrCat("<path class=\"", style, "\" d=\"", path, "\"/>");
}

// "x y", moved from `at`.
std::string At(Spot at, double dx, double dy) {
  return absl::StrCat(Number(at.x + dx), " ", Number(at.y + dy));
}

std::string Cross(Spot at, double arm, absl::string_view style) {
  return Path(style, absl::StrCat("M", At(at, -arm, -arm), "L", At(at, arm, arm), "M", At(at, -arm, arm), "L",
                                  At(at, arm, -arm)));
}

std::string Square(Spot at) {
  constexpr double kHalf = 5.5;
  return absl::StrCat("<rect class=\"solid\" x=\"", Number(at.x - kHalf), "\" y=\"", Number(at.y - kHalf),
                      "\" width=\"", Number(2 * kHalf), "\" height=\"", Number(2 * kHalf), "\"/>");
}

std::string Diamond(Spot at) {
  constexpr double kArm = 8;
  return absl::StrCat(Path("diamond", absl::StrCat("M", At(at, 0, -kArm), "L", At(at, kArm, 0), "L",
                                                   At(at, 0, kArm), "L", At(at, -kArm, 0), "Z")),
                      TextAt({at.x, at.y + 3.8}, Anchor::kMiddle, "bang", "!"));
}

std::string ZigZag(Spot at) {
  return absl::StrCat(
      Path("blank", absl::StrCat("M", At(at, 0, -9), "L", At(at, 0, 9))),
      Path("zigzag", absl::StrCat("M", At(at, 0, -10), "L", At(at, 6, -6), "L", At(at, -6, -1), "L",
                                  At(at, 6, 3), "L", At(at, -6, 8), "L", At(at, 0, 11))));
}

// A message's line with its end, as in the drawing.
std::string MessageSample(Sign sign, Spot at) {
  const Spot from{at.x - 18, at.y};
  const Spot to{at.x + 18, at.y};
  const auto head = [&to](absl::string_view style) {
    return Path(style, absl::StrCat("M", At(to, 0, 0), "L", At(to, -9, -4), "L", At(to, -9, 4), "Z"));
  };
  const Spot neck{to.x - 7, to.y};
  switch (sign) {
    case Sign::kDelayed:
      return absl::StrCat(LineAt(from, neck, "message delayed"), head("head"));
    case Sign::kCopy:
      return absl::StrCat(LineAt(from, neck, "message double"), LineAt(from, neck, "core"), head("head"));
    case Sign::kLost:
      return absl::StrCat(LineAt(from, at, "message"), LostCross({at.x + 6, at.y}));
    case Sign::kUnseen:
      return absl::StrCat(LineAt(from, {at.x + 4, at.y}, "message"),
                          TextAt({at.x + 12, at.y + 4.5}, Anchor::kMiddle, "open", "?"));
    case Sign::kOutside:
      return absl::StrCat(LineAt({at.x - 6, at.y}, neck, "message"), Circle({at.x - 12, at.y}, 1.3, "dot"),
                          Circle({at.x - 17, at.y}, 1.3, "dot"), head("head"));
    case Sign::kRefusal:
      return absl::StrCat(LineAt(from, neck, "message thin"), head("head"));
    case Sign::kQuiet:
      return absl::StrCat(LineAt(from, neck, "message thin quiet"), head("head quiet"));
    case Sign::kCut:
      return absl::StrCat(LineAt(from, {at.x + 4, at.y}, "message"),
                          TextAt({at.x + 12, at.y + 2}, Anchor::kMiddle, "open", "…"));
    default:
      return absl::StrCat(LineAt(from, neck, "message"), head("head"));
  }
}

std::string Sample(Sign sign, Spot at) {
  if (sign == Sign::kAway) return LineAt({at.x, at.y - 10}, {at.x, at.y + 10}, "lane away");
  if (sign > Sign::kAway) return MessageSample(sign, at);
  return Glyph(sign, at);
}

absl::string_view Meaning(Sign sign) {
  switch (sign) {
    case Sign::kSend:
      return "sends";
    case Sign::kReceive:
      return "receives";
    case Sign::kWrite:
      return "writes";
    case Sign::kConflict:
      return "conflict: two writes, neither knew the other";
    case Sign::kStart:
      return "starts";
    case Sign::kStop:
      return "stops";
    case Sign::kCrash:
      return "crashes";
    case Sign::kGap:
      return "events may be missing";
    case Sign::kAway:
      return "not running";
    case Sign::kMessage:
      return "message";
    case Sign::kDelayed:
      return "delayed message";
    case Sign::kCopy:
      return "second copy of a message";
    case Sign::kLost:
      return "lost message";
    case Sign::kUnseen:
      return "not seen to arrive";
    case Sign::kOutside:
      return "from or to a node outside";
    case Sign::kRefusal:
      return "refusal";
    case Sign::kQuiet:
      return "brings nothing";
    case Sign::kCut:
      return "arrives later";
  }
  return "";
}

}  // namespace

Sign SignOf(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::kReceive:
      return Sign::kReceive;
    case Event::Kind::kWrite:
      return Sign::kWrite;
    case Event::Kind::kConflict:
      return Sign::kConflict;
    case Event::Kind::kStart:
      return Sign::kStart;
    case Event::Kind::kStop:
      return Sign::kStop;
    case Event::Kind::kCrash:
      return Sign::kCrash;
    case Event::Kind::kGap:
      return Sign::kGap;
    default:
      return Sign::kSend;
  }
}

std::string Glyph(Sign sign, Spot at) {
  switch (sign) {
    case Sign::kReceive:
      return Circle(at, Metrics::kGlyph - 0.5, "solid");
    case Sign::kWrite:
      return Square(at);
    case Sign::kConflict:
      return Diamond(at);
    case Sign::kStart:
      return LineAt({at.x - 9, at.y}, {at.x + 9, at.y}, "bar");
    case Sign::kStop:
      return absl::StrCat(LineAt({at.x - 9, at.y - 2.5}, {at.x + 9, at.y - 2.5}, "bar slim"),
                          LineAt({at.x - 9, at.y + 2.5}, {at.x + 9, at.y + 2.5}, "bar slim"));
    case Sign::kCrash:
      return Cross(at, 7, "cross");
    case Sign::kGap:
      return ZigZag(at);
    default:
      return Circle(at, Metrics::kGlyph - 1, "hollow");
  }
}

std::string LostCross(Spot at) {
  return absl::StrCat(Cross(at, 5.5, "cross around"), Cross(at, 5.5, "cross"));
}

Legend MakeLegend(const std::set<Sign>& used, Spot top_left, double width) {
  Legend legend;
  Spot at = top_left;
  at.y += kLegendRow / 2;
  for (const Sign sign : used) {
    const double room = sign > Sign::kAway ? kLegendLine : kLegendEvent;
    const double needed = room + WidthEm(Meaning(sign)) * kLegendFont;
    if (at.x > top_left.x && at.x + needed > top_left.x + width) {
      at = {top_left.x, at.y + kLegendRow};
    }
    absl::StrAppend(&legend.elements, "<g>", Sample(sign, {at.x + (room - 6) / 2, at.y}),
                    TextAt({at.x + room, at.y + 4}, Anchor::kStart, "note", Meaning(sign)), "</g>\n");
    at.x += needed + kLegendSpace;
  }
  legend.height = used.empty() ? 0 : at.y + kLegendRow / 2 - top_left.y;
  return legend;
}

absl::string_view StyleSheet() {
  return R"(
.lamppost-diagram { font-family: "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif; }
.lamppost-diagram text { fill: #1c2733; }
.lamppost-diagram .paper { fill: #ffffff; }
.lamppost-diagram .title { font-size: 18px; font-weight: 600; }
.lamppost-diagram .note { font-size: 11.5px; fill: #52606d; }
.lamppost-diagram .rule { stroke: #d5dbe1; stroke-width: 1; }
.lamppost-diagram .head-box { fill: #f2f5f8; stroke: #66788a; stroke-width: 1.2; }
.lamppost-diagram .lane-name { font-size: 13px; font-weight: 600; }
.lamppost-diagram .lane { stroke: #98a5b3; stroke-width: 2; }
.lamppost-diagram .away { stroke-width: 1.5; stroke-dasharray: 1.5 5; stroke-linecap: round; }
.lamppost-diagram .counter { font-size: 11px; font-weight: 700; }
.lamppost-diagram .label { font-size: 12px; }
.lamppost-diagram .second { font-size: 10.5px; fill: #52606d; }
.lamppost-diagram .counter, .lamppost-diagram .label, .lamppost-diagram .second {
  paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
.lamppost-diagram .hollow { fill: #ffffff; stroke: #1c2733; stroke-width: 2; }
.lamppost-diagram .solid { fill: #1c2733; stroke: #1c2733; stroke-width: 1; }
.lamppost-diagram .bar { stroke: #1c2733; stroke-width: 4; }
.lamppost-diagram .slim { stroke-width: 2; }
.lamppost-diagram .zigzag { fill: none; stroke: #1c2733; stroke-width: 1.6; stroke-linejoin: bevel; }
.lamppost-diagram .blank { stroke: #ffffff; stroke-width: 5; }
.lamppost-diagram .cross { fill: none; stroke: #b8400a; stroke-width: 3.2; stroke-linecap: round; }
.lamppost-diagram .around { stroke: #ffffff; stroke-width: 7; }
.lamppost-diagram .diamond { fill: #b8400a; stroke: #ffffff; stroke-width: 1; }
.lamppost-diagram .bang { font-size: 11px; font-weight: 700; fill: #ffffff; }
.lamppost-diagram .message { fill: none; stroke: #15599c; stroke-width: 1.7; }
.lamppost-diagram .delayed { stroke-dasharray: 7 4; }
.lamppost-diagram .double { stroke-width: 4.6; }
.lamppost-diagram .core { fill: none; stroke: #ffffff; stroke-width: 1.8; }
.lamppost-diagram .thin { stroke-width: 0.9; }
.lamppost-diagram .double.thin { stroke-width: 3.2; }
.lamppost-diagram .message.quiet { stroke: #7b8896; }
.lamppost-diagram .head { fill: #15599c; }
.lamppost-diagram .head.quiet { fill: #7b8896; }
.lamppost-diagram .dot { fill: #15599c; }
.lamppost-diagram .open { font-size: 13px; font-weight: 700; fill: #15599c; }
.lamppost-diagram .ground { fill: #ffffff; }
.lamppost-diagram .on-arrow { font-size: 11px; font-weight: 600; fill: #15599c; }
.lamppost-diagram .hit { fill: none; stroke: none; pointer-events: all; }
.lamppost-diagram .reach { fill: none; stroke: none; stroke-width: 11; pointer-events: stroke; }
)";
}

}  // namespace lamppost::diagram
