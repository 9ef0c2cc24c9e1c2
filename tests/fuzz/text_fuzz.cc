// Small texts: characters, durations, what may be shown on a terminal.
#include <google/protobuf/stubs/common.h>

#include <sstream>
#include <string>

#include "clients/cli/duration.h"
#include "clients/cli/text_table.h"
#include "clients/cli/value_argument.h"
#include "services/common/utf8.h"
#include "services/kv/core/limits.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

// Judged by another implementation: what protobuf sends and takes must be what the node takes.
void CheckUtf8(absl::string_view text) {
  const bool judged =
      google::protobuf::internal::IsStructurallyValidUTF8(text.data(), static_cast<int>(text.size()));
  FUZZ_CHECK(IsUtf8(text) == judged, "protobuf has another opinion on what is UTF-8");
  if (kv::CheckKey(text).ok()) FUZZ_CHECK(judged, "a key was taken that cannot be sent");
}

void CheckDuration(absl::string_view text) {
  const absl::StatusOr<int64_t> duration_ms = cli::ParseDurationMs(text);
  if (!duration_ms.ok()) return;
  FUZZ_CHECK(*duration_ms >= 1 && *duration_ms <= cli::kDurationMsMax, "a duration out of bounds was taken");
  const absl::StatusOr<int64_t> again = cli::ParseDurationMs(std::to_string(*duration_ms) + "ms");
  FUZZ_CHECK(again.ok() && *again == *duration_ms, "a duration is another one in milliseconds");
  cli::FormatDurationMs(*duration_ms);
}

// Nothing that steers a terminal gets through.
void CheckPrintable(absl::string_view text) {
  const std::string line = Printable(text);
  FUZZ_CHECK(IsUtf8(line), "what is printed is no text");
  for (const char byte : line) {
    FUZZ_CHECK(static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f, "a control character is printed");
  }
  FUZZ_CHECK(Printable(line) == line, "what may be printed is changed");
  FUZZ_CHECK(cli::DisplayWidth(line) <= line.size(), "a text is wider than its bytes");
}

void CheckValue(absl::string_view text) {
  // @FILE reads what the user may read anyway; here it would read the machine's files.
  const bool is_file = text.size() >= 2 && text[0] == '@' && text[1] != '@';
  if (is_file) return;
  std::istringstream in{std::string(text)};
  for (const cli::ValueKind kind : {cli::ValueKind::kText, cli::ValueKind::kData}) {
    const auto value = cli::ReadValueArgument(std::string(text), kind, &in);
    if (value.ok() && value->has_text()) FUZZ_CHECK(IsUtf8(value->text()), "a text was taken that is none");
    FUZZ_CHECK(value.ok() || kind == cli::ValueKind::kText || text == "@", "bytes were refused");
  }
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = lamppost::fuzz::BytesOf(data, size);
  lamppost::fuzz::CheckUtf8(text);
  lamppost::fuzz::CheckDuration(text);
  lamppost::fuzz::CheckPrintable(text);
  lamppost::fuzz::CheckValue(text);
  return 0;
}
