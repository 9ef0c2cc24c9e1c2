// The lines of `lamppost load`, from the file's bytes to the puts that are sent: whatever is taken is told by
// `dump` in a line that is taken again for the same.
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "clients/cli/json_format.h"
#include "clients/cli/json_lines.h"
#include "clients/cli/line_reader.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::cli {
namespace {

void Load(absl::string_view bytes) {
  std::istringstream in{std::string(bytes)};
  LineReader lines(&in);
  absl::string_view line;
  while (true) {
    const absl::StatusOr<bool> more = lines.Next(&line);
    if (!more.ok() || !*more) break;
    if (absl::StripAsciiWhitespace(line).empty()) continue;
    absl::StatusOr<kv::v1::PutOperation> put = ParseEntryLine(line);
    if (!put.ok()) break;
    kv::v1::KeyValue entry;
    entry.set_key(put->key());
    *entry.mutable_value() = put->value();
    const absl::StatusOr<kv::v1::PutOperation> again = ParseEntryLine(Line(EntryJson(entry)));
    FUZZ_CHECK(again.ok(), "what was dumped cannot be loaded");
    FUZZ_CHECK(again->key() == put->key(), "a key comes back as another one");
    FUZZ_CHECK(again->value().SerializeAsString() == put->value().SerializeAsString(),
               "a value comes back as another one");
  }
}

}  // namespace
}  // namespace lamppost::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lamppost::cli::Load(lamppost::fuzz::BytesOf(data, size));
  return 0;
}
