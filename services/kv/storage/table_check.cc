#include "services/kv/storage/table_check.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "rocksdb/options.h"
#include "rocksdb/sst_file_reader.h"
#include "services/common/error.h"

namespace lamppost::kv {
namespace {

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class PacedFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  PacedFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file, Pace* pace)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), pace_(pace) {}

  rocksdb::IOStatus Read(uint64_t offset, size_t size, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* debug) const override {
    if (!pace_->Take(size)) return rocksdb::IOStatus::Aborted("stopped");
    return FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, debug);
  }

 private:
  Pace* const pace_;
};

class PacedFiles : public rocksdb::FileSystemWrapper {
 public:
  explicit PacedFiles(Pace* pace) : FileSystemWrapper(rocksdb::FileSystem::Default()), pace_(pace) {}

  const char* Name() const override { return "PacedFiles"; }
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSRandomAccessFile> file;
    rocksdb::IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, &file, debug);
    if (!status.ok()) return status;
    file->InvalidateCache(0, 0)
        .PermitUncheckedError();  // what the system has kept of it shows no damaged disk
    *result = std::make_unique<PacedFile>(std::move(file), pace_);
    return status;
  }

 private:
  Pace* const pace_;
};

// What the disk gives wrongly, or cannot give. Of a system call that failed RocksDB keeps the text alone; and
// that files cannot be opened just now says nothing of what is in them.
bool IsDamage(const rocksdb::Status& status) {
  if (status.IsCorruption()) return true;
  return status.IsIOError() && absl::EndsWith(status.ToString(), std::strerror(EIO));
}

absl::Status FromCheck(const rocksdb::Status& status, const std::string& path, const Pace& pace) {
  if (status.ok()) return absl::OkStatus();
  if (pace.IsStopped()) return absl::CancelledError("stopped");
  if (IsDamage(status)) {
    return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT",
                     absl::StrCat("the table ", path, " is damaged: ", status.ToString()));
  }
  return MakeError(absl::StatusCode::kUnavailable, "STORAGE_FAILED",
                   absl::StrCat("the table ", path, " cannot be looked at: ", status.ToString()));
}

}  // namespace

bool Pace::Take(uint64_t bytes) {
  absl::MutexLock lock(&mutex_);
  if (stopped_ || bytes_per_second_ == 0) return !stopped_;
  const int64_t now_us = NowUs();
  free_at_us_ = std::max(free_at_us_, now_us);
  const int64_t wait_us = free_at_us_ - now_us;
  free_at_us_ += static_cast<int64_t>(bytes * 1'000'000 / bytes_per_second_);
  mutex_.AwaitWithTimeout(absl::Condition(&stopped_), absl::Microseconds(wait_us));
  return !stopped_;
}

bool Pace::Sleep(absl::Duration duration) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stopped_), duration);
}

void Pace::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
}

bool Pace::IsStopped() const {
  absl::MutexLock lock(&mutex_);
  return stopped_;
}

absl::Status CheckTableFile(const std::string& path, Pace* pace) {
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(std::make_shared<PacedFiles>(pace));
  rocksdb::Options options;
  options.env = env.get();
  rocksdb::SstFileReader reader(options);
  rocksdb::Status status = reader.Open(path);
  if (status.ok()) {
    rocksdb::ReadOptions reading;
    reading.verify_checksums = true;
    reading.fill_cache = false;
    reading.readahead_size = size_t{256} << 10;
    status = reader.VerifyChecksum(reading);
  }
  return FromCheck(status, path, *pace);
}

}  // namespace lamppost::kv
