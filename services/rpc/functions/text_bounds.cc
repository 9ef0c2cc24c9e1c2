#include "services/rpc/functions/text_bounds.h"

#include "services/common/utf8.h"

namespace lamppost::rpc {
namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";

}  // namespace

std::string Utf8Prefix(absl::string_view text, size_t bytes_max) {
  std::string valid;
  while (!text.empty()) {
    const size_t bytes = FirstUtf8Character(text).bytes;
    const absl::string_view next = bytes > 0 ? text.substr(0, bytes) : kReplacement;
    if (valid.size() + next.size() > bytes_max) break;
    valid.append(next.data(), next.size());
    text.remove_prefix(bytes > 0 ? bytes : 1);
  }
  return valid;
}

std::string Utf8Suffix(absl::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    text.remove_prefix(text.size() - bytes_max);
    // The rest of a character that was cut.
    for (int i = 0; i < 3 && !text.empty() && (static_cast<unsigned char>(text[0]) & 0xc0) == 0x80; ++i) {
      text.remove_prefix(1);
    }
  }
  // A bad byte becomes three.
  std::string valid = Utf8Prefix(text, 3 * bytes_max);
  if (valid.size() <= bytes_max) return valid;
  size_t cut = valid.size() - bytes_max;
  while (cut < valid.size() && (static_cast<unsigned char>(valid[cut]) & 0xc0) == 0x80) ++cut;
  return valid.substr(cut);
}

}  // namespace lamppost::rpc
