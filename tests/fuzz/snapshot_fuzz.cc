// A snapshot file: from a disk, a network, an operator's mistake.
//
// The first byte says what the rest is: a file as it is, or changes to a sound one, so that what lies behind
// the checksums is reached, too.
#include <string>

#include "services/kv/core/coding.h"
#include "services/kv/snapshot/sample.h"
#include "services/kv/snapshot/snapshot_check.h"
#include "services/kv/snapshot/snapshot_reader.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::kv {
namespace {

using lamppost::fuzz::Input;

struct Verdict {
  absl::Status status;
  uint64_t records = 0;
};

Verdict Check(absl::string_view file, size_t piece_bytes) {
  SnapshotCheck check;
  absl::Status status;
  for (size_t at = 0; at < file.size() && status.ok(); at += piece_bytes) {
    status = check.Read(file.substr(at, piece_bytes));
  }
  if (status.ok()) status = check.Finish();
  return {status, check.records()};
}

// Frames of any content with checksums that fit.
std::string Frames(Input* input, const std::string& beginning, uint64_t checksum) {
  std::string file = beginning;
  while (!input->empty()) {
    std::string frame(1, static_cast<char>(input->Byte()));
    const absl::string_view payload = input->Frame();
    PutBigEndian64(payload.size(), &frame);
    frame.append(payload.data(), payload.size());
    checksum = SnapshotChecksum(checksum, frame);
    PutBigEndian64(checksum, &frame);
    file += frame;
  }
  return file;
}

std::string SoundFile() {
  SampleStore store;
  store.Fill(30, 20);
  return store.File();
}

std::string FileOf(Input* input) {
  const uint8_t kind = input->Byte() % 4;
  if (kind == 0) return std::string(input->rest());
  std::string sound = SoundFile();
  const std::string preamble = sound.substr(0, kSnapshotMagic.size() + sizeof(uint64_t));
  if (kind == 1) return Frames(input, preamble, SnapshotChecksum(0, preamble));
  if (kind == 2) {
    // A sound header, and then anything.
    const size_t header =
        kSnapshotFrameHeadBytes + Decoder(absl::string_view(sound).substr(preamble.size() + 1)).BigEndian64();
    const std::string beginning = sound.substr(0, preamble.size() + header + kSnapshotChecksumBytes);
    const uint64_t checksum =
        Decoder(absl::string_view(beginning).substr(beginning.size() - kSnapshotChecksumBytes)).BigEndian64();
    return Frames(input, beginning, checksum);
  }
  while (!input->empty()) {
    const size_t at = input->Number16() % sound.size();
    sound[at] = static_cast<char>(sound[at] ^ input->Byte());
  }
  return sound;
}

}  // namespace
}  // namespace lamppost::kv

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost::kv;
  lamppost::fuzz::Input input(lamppost::fuzz::BytesOf(data, size));
  const bool altered = !input.empty() && data[0] % 4 == 3;
  const std::string file = FileOf(&input);
  const Verdict verdict = Check(file, file.size() + 1);
  const Verdict again = Check(file, 7);
  FUZZ_CHECK(verdict.status == again.status && verdict.records == again.records,
             "a snapshot read in pieces is another one");
  FUZZ_CHECK(!altered || verdict.status.ok() == (file == SoundFile()), "an altered snapshot passes");
  return 0;
}
