// The files of a data directory before RocksDB opens it: a byte says which are there; the contents of
// CURRENT, the MANIFEST and a log follow.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "services/kv/storage/data_directory.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

namespace fs = std::filesystem;

// One for the process, emptied before each input; in memory where there is such a place.
class Directory {
 public:
  Directory() {
    const char* base = getenv("TEST_TMPDIR");
    std::string name = (base != nullptr ? base : fs::exists("/dev/shm") ? "/dev/shm" : "/tmp");
    name += "/data_directory_fuzz.XXXXXX";
    FUZZ_CHECK(mkdtemp(name.data()) != nullptr, "no temporary directory");
    path_ = name;
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const std::string& path() const { return path_; }

  void Put(const char* name, absl::string_view content) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << content;
  }
  void Empty() const {
    for (const fs::directory_entry& entry : fs::directory_iterator(path_)) fs::remove_all(entry.path());
  }

 private:
  std::string path_;
};

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  static const fuzz::Directory directory;
  directory.Empty();
  fuzz::Input input(fuzz::BytesOf(data, size));
  const uint8_t files = input.Byte();
  const absl::string_view current = input.Frame();
  const absl::string_view manifest = input.Frame();
  if ((files & 0x01) != 0) directory.Put("CURRENT", current);
  if ((files & 0x02) != 0) directory.Put("MANIFEST-000001", manifest);
  if ((files & 0x04) != 0) directory.Put("000002.log", input.rest());
  if ((files & 0x08) != 0) directory.Put("000003.sst", "");
  if ((files & 0x10) != 0) directory.Put("notes.txt", "");
  const absl::Status status = kv::CheckDataFiles(directory.path());
  const bool database = (files & 0x01) != 0;
  const bool foreign = (files & 0x10) != 0;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      FUZZ_CHECK(database || (files & 0x1c) == 0, "files of no database pass for none");
      FUZZ_CHECK(!database || (files & 0x08) == 0 || (files & 0x04) != 0, "a lost log passes");
      break;
    case absl::StatusCode::kFailedPrecondition:
      FUZZ_CHECK(!database && foreign, "a database is called foreign");
      break;
    default:
      FUZZ_CHECK(status.code() == absl::StatusCode::kDataLoss, "damaged files are not DATA_LOSS");
  }
  return 0;
}
