// The file that `lamppost load` reads: lines, then the JSON in each.
#include <sstream>
#include <string>

#include "absl/strings/strip.h"
#include "clients/cli/json_lines.h"
#include "clients/cli/line_reader.h"
#include "services/common/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::cli {
namespace {

// What `dump` writes of an entry, `load` reads as the same one.
void CheckEntry(absl::string_view line) {
  const absl::StatusOr<kv::v1::PutOperation> put = ParseEntryLine(line);
  if (!put.ok()) return;
  FUZZ_CHECK(IsUtf8(put->key()), "a key was taken that cannot be sent");
  FUZZ_CHECK(put->value().kind_case() != kv::v1::Value::KIND_NOT_SET, "a line without a value was taken");
  const std::string written = EntryLine(put->key(), put->value());
  FUZZ_CHECK(!written.empty() && written.find('\n') == written.size() - 1, "an entry is not one line");
  const absl::StatusOr<kv::v1::PutOperation> again = ParseEntryLine(absl::StripSuffix(written, "\n"));
  FUZZ_CHECK(again.ok(), "a line that was written cannot be read");
  kv::v1::PutOperation lasting = *put;
  lasting.clear_ttl();  // a dump has the time when it expires, and that is no part of this
  FUZZ_CHECK(again->SerializeAsString() == lasting.SerializeAsString(), "an entry has become another one");
}

void CheckOperation(absl::string_view line) {
  const absl::StatusOr<kv::v1::WriteOperation> operation = ParseOperationLine(line);
  if (!operation.ok()) return;
  FUZZ_CHECK(operation->has_put() || operation->has_delete_(), "an operation that does nothing was taken");
}

// The lines are those of the bytes, no more and no fewer.
void CheckLines(absl::string_view bytes) {
  constexpr size_t kBytesMax = 200;
  std::istringstream in{std::string(bytes)};
  LineReader reader(&in, kBytesMax);
  absl::string_view rest = bytes;
  absl::string_view line;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(&line);
    const size_t end = rest.find('\n');
    const absl::string_view expected = absl::StripSuffix(rest.substr(0, end), "\r");
    if (!more.ok()) {
      FUZZ_CHECK(expected.size() > kBytesMax, "a line was refused that is not too long");
      return;
    }
    FUZZ_CHECK(*more == !rest.empty(), "there are more lines, or fewer, than there are");
    if (!*more) break;
    FUZZ_CHECK(line == expected, "a line is not what stands there");
    CheckEntry(line);
    CheckOperation(line);
    rest = end == absl::string_view::npos ? absl::string_view() : rest.substr(end + 1);
    FUZZ_CHECK(reader.bytes_read() == bytes.size() - rest.size(), "the bytes read are miscounted");
  }
}

}  // namespace
}  // namespace lamppost::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes = lamppost::fuzz::BytesOf(data, size);
  lamppost::cli::CheckEntry(bytes);
  lamppost::cli::CheckLines(bytes);
  return 0;
}
