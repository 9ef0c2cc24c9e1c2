#include "services/kv/snapshot/restore_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/kv/core/limits.h"
#include "services/kv/core/restore.h"
#include "services/kv/snapshot/snapshot_check.h"
#include "services/kv/snapshot/snapshot_reader.h"
#include "services/kv/storage/rocksdb_storage.h"

namespace lamppost::kv {
namespace {

namespace fs = std::filesystem;
using ProgressFn = std::function<void(uint64_t, uint64_t)>;

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kBatchBytes = size_t{1} << 20;

absl::Status Unreadable(absl::StatusCode code, const std::string& file, absl::string_view why) {
  return MakeError(code, "FILE_UNREADABLE", absl::StrCat("cannot read ", file, ": ", why));
}

// A file read from its beginning to its end.
class InputFile {
 public:
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Unreadable(absl::StatusCode::kInvalidArgument, path, std::strerror(errno));
    std::unique_ptr<InputFile> file(new InputFile(path, fd));
    struct stat info {};
    // It is read twice.
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
      return Unreadable(absl::StatusCode::kInvalidArgument, path, "it is no regular file");
    }
    file->size_ = static_cast<uint64_t>(info.st_size);
    return file;
  }
  ~InputFile() { close(fd_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // Gives the whole content to `take`, piece by piece.
  template <typename Take>
  absl::Status ReadAll(const ProgressFn& on_progress, Take take) {
    std::vector<char> buffer(kReadBytes);
    uint64_t done = 0;
    while (true) {
      const ssize_t size = pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(done));
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return Unreadable(absl::StatusCode::kUnavailable, path_, std::strerror(errno));
      if (size == 0) return absl::OkStatus();
      const absl::Status status = take(absl::string_view(buffer.data(), static_cast<size_t>(size)));
      if (!status.ok()) return status;
      done += static_cast<uint64_t>(size);
      if (on_progress) on_progress(done, size_);
    }
  }

 private:
  InputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  const std::string path_;
  const int fd_;
  uint64_t size_ = 0;
};

absl::StatusOr<SnapshotFacts> Verify(InputFile* file, const ProgressFn& on_progress) {
  SnapshotCheck check;
  absl::Status status =
      file->ReadAll(on_progress, [&check](absl::string_view bytes) { return check.Read(bytes); });
  if (status.ok()) status = check.Finish();
  if (!status.ok()) return status;
  return SnapshotFacts{*check.header(), check.records(), check.bytes()};
}

// Stores what the snapshot holds.
class Builder : public SnapshotSink {
 public:
  Builder(Identity identity, RocksDbStorage* storage) : identity_(std::move(identity)), storage_(storage) {}

  absl::Status Begin(const SnapshotHeader& header) override {
    restoration_ = std::make_unique<Restoration>(identity_, header.state);
    return storage_->Commit(restoration_->TakeBatch(), Durability::kSync);
  }
  absl::Status Add(const std::string& key, Version version) override {
    if (absl::Status status = restoration_->Add(key, std::move(version)); !status.ok()) return status;
    if (restoration_->pending_bytes() < kBatchBytes) return absl::OkStatus();
    return storage_->Commit(restoration_->TakeBatch(), Durability::kInterval);
  }
  absl::Status Finish() {
    absl::StatusOr<WriteBatch> last = restoration_->Finish();
    if (!last.ok()) return last.status();
    return storage_->Commit(*last, Durability::kSync);
  }

 private:
  const Identity identity_;
  RocksDbStorage* const storage_;
  std::unique_ptr<Restoration> restoration_;
};

absl::Status Build(InputFile* file, RocksDbStorage* storage, Identity identity) {
  Builder builder(std::move(identity), storage);
  SnapshotReader reader(&builder);
  absl::Status status = file->ReadAll({}, [&reader](absl::string_view bytes) { return reader.Read(bytes); });
  // The file may have changed since it was checked.
  if (status.ok()) status = reader.Finish();
  return status.ok() ? builder.Finish() : status;
}

bool IsOurs(const fs::directory_entry& entry) {
  return entry.path().filename() != "lost+found";  // what a file system of its own begins with
}

absl::Status NotEmpty(const std::string& directory, absl::string_view what) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "DATA_DIR_NOT_EMPTY",
      absl::StrCat(directory, " is not empty (", what, "); a restore takes a missing or an empty directory"));
}

absl::Status CheckEmpty(const std::string& directory) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error == std::errc::no_such_file_or_directory) return absl::OkStatus();
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (!IsOurs(*entries)) continue;
    return NotEmpty(directory, entries->path().filename().string());
  }
  if (!error) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "DATA_DIR_UNUSABLE",
                   absl::StrCat("cannot use ", directory, ": ", error.message()));
}

// The topmost folder that a restore into `directory` would make; empty if the directory is there.
fs::path FirstMissing(const std::string& directory) {
  std::error_code error;
  fs::path path = fs::absolute(directory, error).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  fs::path missing;
  for (; !path.empty() && !fs::exists(path, error); path = path.parent_path()) missing = path;
  return missing;
}

void RemoveAll(const std::string& directory, const fs::path& first_missing) {
  std::error_code ignored;
  if (!first_missing.empty()) {
    fs::remove_all(first_missing, ignored);
    return;
  }
  std::vector<fs::path> made;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (IsOurs(entry)) made.push_back(entry.path());
  }
  for (const fs::path& path : made) fs::remove_all(path, ignored);
}

// What fails here takes away only what it has made: a node may have been started on the directory while the
// file was looked through.
absl::Status BuildIn(const std::string& directory, InputFile* file, Identity identity) {
  if (absl::Status status = CheckEmpty(directory); !status.ok()) return status;
  const fs::path first_missing = FirstMissing(directory);
  absl::StatusOr<std::unique_ptr<RocksDbStorage>> storage = RocksDbStorage::Open(directory, {});
  if (!storage.ok()) {
    if (ErrorReason(storage.status()) != "DATA_DIR_IN_USE") RemoveAll(directory, first_missing);
    return storage.status();
  }
  if ((*storage)->Scan(Space::kMeta, "", "")->Valid()) return NotEmpty(directory, "a node's data");
  absl::Status status = Build(file, storage->get(), std::move(identity));
  storage->reset();
  if (!status.ok()) RemoveAll(directory, first_missing);
  return status;
}

}  // namespace

absl::StatusOr<SnapshotFacts> VerifySnapshotFile(const std::string& file, const ProgressFn& on_progress) {
  absl::StatusOr<std::unique_ptr<InputFile>> input = InputFile::Open(file);
  if (!input.ok()) return input.status();
  return Verify(input->get(), on_progress);
}

absl::StatusOr<SnapshotFacts> RestoreDirectory(const RestorePlan& plan) {
  if (absl::Status status = CheckNodeId(plan.node_id); !status.ok()) return status;
  if (!plan.cluster.empty()) {
    if (absl::Status status = CheckCluster(plan.cluster); !status.ok()) return status;
  }
  if (absl::Status status = CheckEmpty(plan.data_directory); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<InputFile>> input = InputFile::Open(plan.file);
  if (!input.ok()) return input.status();
  absl::StatusOr<SnapshotFacts> facts = Verify(input->get(), plan.on_progress);
  if (!facts.ok()) return facts.status();
  const std::string cluster = plan.cluster.empty() ? facts->header.cluster : plan.cluster;
  const absl::Status status = BuildIn(plan.data_directory, input->get(), {plan.node_id, cluster});
  if (!status.ok()) return status;
  return facts;
}

}  // namespace lamppost::kv
