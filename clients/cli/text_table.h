// Columns of text for people. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_TEXT_TABLE_H_
#define LAMPPOST_CLIENTS_CLI_TEXT_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "clients/cli/io.h"
#include "services/common/printable.h"

namespace lamppost::cli {

enum class Style { kPlain, kBold, kGood, kBusy, kBad };

// The text with an escape sequence around it, if colour is on.
std::string Styled(absl::string_view text, Style style, Colour colour);

// Characters, not bytes.
size_t DisplayWidth(absl::string_view text);

struct Cell {
  Cell(std::string text_in, Style style_in = Style::kPlain) : text(std::move(text_in)), style(style_in) {}
  Cell(const char* text_in) : text(text_in) {}

  std::string text;
  Style style = Style::kPlain;
};

class TextTable {
 public:
  void Add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  // Every row a line, every column as wide as its widest cell, two spaces between, none at the end.
  // A cell wider than column_width_max moves only its own row.
  std::string Render(Colour colour, size_t column_width_max = 60) const;

 private:
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_TEXT_TABLE_H_
