// RocksDB's log files, as the check before the start reads them.
//
// An input that begins with an even byte is a log. One with an odd byte describes one: records, at the log's
// beginning or where its first block ends, then either where a crash cuts it (which must pass) or a bit that
// flips (which must not).
#include <algorithm>
#include <string>

#include "services/kv/storage/log_check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/log_writer.h"

namespace lamppost::fuzz {
namespace {

bool Passes(absl::string_view log) {
  const absl::Status status = kv::CheckLogContent(log, "000001.log");
  FUZZ_CHECK(status.ok() || status.code() == absl::StatusCode::kDataLoss, "a damaged log is not DATA_LOSS");
  return status.ok();
}

// A byte of a record, not of the zeros that fill a block.
bool IsUsed(const LogWriter& writer, size_t at) {
  return std::none_of(
      writer.fillers().begin(), writer.fillers().end(),
      [at](const LogWriter::Filler& filler) { return at >= filler.begin && at < filler.end; });
}

// All but the last few bytes of a block.
LogWriter NearlyABlock() {
  LogWriter writer;
  writer.Append(std::string(LogWriter::kBlockBytes - 100, 'x'));
  return writer;
}

void CheckDescribed(Input* input) {
  static const LogWriter* const nearly_a_block = new LogWriter(NearlyABlock());
  const uint8_t how = input->Byte();
  const bool cut = how % 2 == 0;
  const size_t place = input->Number16();
  const uint8_t bit = input->Byte() % 8;
  LogWriter writer = how / 2 % 2 == 0 ? LogWriter() : *nearly_a_block;
  while (!input->empty() && writer.log().size() < LogWriter::kBlockBytes * 5 / 4) {
    // Most records are short; a few are as long as blocks, and those hold nothing that could be a record's
    // type: the search for one would take too long for a million inputs.
    const uint8_t length = input->Byte();
    const uint8_t fill = input->Byte();
    if (length < 250) {
      writer.Append(std::string(length + size_t{1}, static_cast<char>(fill)));
    } else {
      writer.Append(std::string((length - size_t{249}) * 6000, static_cast<char>(fill | 0x80)));
    }
  }
  const std::string& log = writer.log();
  FUZZ_CHECK(Passes(log), "a sound log is refused");
  if (log.empty()) return;
  const size_t at = log.size() - 1 - place % log.size();
  if (cut) {
    FUZZ_CHECK(Passes(absl::string_view(log).substr(0, at)), "a torn tail is refused");
    return;
  }
  std::string damaged = log;
  damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
  FUZZ_CHECK(!Passes(damaged) || !IsUsed(writer, at), "a flipped bit passes");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost::fuzz;
  Input input(BytesOf(data, size));
  if (input.Byte() % 2 == 0) {
    Passes(input.rest());
  } else {
    CheckDescribed(&input);
  }
  return 0;
}
