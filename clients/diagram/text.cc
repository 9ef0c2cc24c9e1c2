#include "clients/diagram/text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/common/printable.h"
#include "services/common/utf8.h"

namespace lamppost::diagram {
namespace {

constexpr char kEllipsis[] = "…";

// The first character of a text that is not empty; a byte that is none stands for itself.
size_t FirstBytes(absl::string_view text) {
  return std::max<size_t>(1, FirstUtf8Character(text).bytes);
}

double CharacterEm(absl::string_view character) {
  const char32_t c = FirstUtf8Character(character).code_point;
  if (c >= 0x1100) return c < 0x2e80 ? 0.8 : 1.05;  // Hangul, Han and their like are square
  if (c > 0x7e) return 0.68;
  const auto is_one_of = [c](absl::string_view set) {
    return set.find(static_cast<char>(c)) != absl::string_view::npos;
  };
  if (is_one_of(" .,:;'|!ijlI")) return 0.36;
  if (is_one_of("ftr()[]/\\-\"")) return 0.44;
  if (is_one_of("mwMW@%")) return 0.98;
  return c >= 'A' && c <= 'Z' ? 0.72 : 0.64;
}

}  // namespace

std::string EscapeXml(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

std::string Markup(absl::string_view text) {
  return EscapeXml(Printable(text));
}

double WidthEm(absl::string_view text) {
  double width_em = 0;
  while (!text.empty()) {
    const size_t bytes = FirstBytes(text);
    width_em += CharacterEm(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return width_em;
}

std::string Fit(absl::string_view text, double width_em) {
  if (WidthEm(text) <= width_em) return std::string(text);
  double left_em = width_em - WidthEm(kEllipsis);
  size_t kept = 0;
  while (kept < text.size()) {
    const size_t bytes = FirstBytes(text.substr(kept));
    left_em -= CharacterEm(text.substr(kept, bytes));
    if (left_em < 0) break;
    kept += bytes;
  }
  while (kept > 0 && text[kept - 1] == ' ') --kept;
  return absl::StrCat(text.substr(0, kept), kEllipsis);
}

std::string CutToBytes(absl::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  size_t kept = 0;
  while (kept + FirstBytes(text.substr(kept)) <= bytes_max) kept += FirstBytes(text.substr(kept));
  return absl::StrCat(text.substr(0, kept), kEllipsis);
}

}  // namespace lamppost::diagram
