#include "clients/cli/text_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lamppost::cli {
namespace {

const char* EscapeOf(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kBusy:
      return "\x1b[33m";
    case Style::kBad:
      return "\x1b[31m";
  }
  return "";
}

}  // namespace

std::string Styled(absl::string_view text, Style style, Colour colour) {
  if (colour == Colour::kOff || style == Style::kPlain) return std::string(text);
  return absl::StrCat(EscapeOf(style), text, "\x1b[0m");
}

size_t DisplayWidth(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

std::string TextTable::Render(Colour colour, size_t column_width_max) const {
  std::vector<size_t> widths;
  for (const std::vector<Cell>& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], std::min(DisplayWidth(row[i].text), column_width_max));
    }
  }
  std::string text;
  for (const std::vector<Cell>& row : rows_) {
    size_t cells = row.size();
    while (cells > 0 && row[cells - 1].text.empty()) --cells;
    for (size_t i = 0; i < cells; ++i) {
      absl::StrAppend(&text, Styled(row[i].text, row[i].style, colour));
      if (i + 1 == cells) break;
      const size_t width = DisplayWidth(row[i].text);
      text.append(widths[i] > width ? widths[i] - width + 2 : 2, ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace lamppost::cli
