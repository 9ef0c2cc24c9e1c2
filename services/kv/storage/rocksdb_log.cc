#include "services/kv/storage/rocksdb_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace lamppost::kv {
namespace {

constexpr size_t kLineBytesMax = 4096;

}  // namespace

RocksDbLog::RocksDbLog(const std::string& directory, uint64_t bytes_max)
    : rocksdb::Logger(rocksdb::InfoLogLevel::INFO_LEVEL), path_(directory + "/LOG"), bytes_max_(bytes_max) {
  absl::MutexLock lock(&mutex_);
  OpenFile();
}

RocksDbLog::~RocksDbLog() {
  absl::MutexLock lock(&mutex_);
  CloseFile();
}

void RocksDbLog::Logv(const char* format, std::va_list arguments) {
  char text[kLineBytesMax];
  const int wanted_bytes = std::vsnprintf(text, sizeof(text), format, arguments);
  if (wanted_bytes < 0) return;
  const size_t bytes = std::min(static_cast<size_t>(wanted_bytes), sizeof(text) - 1);
  std::string line =
      absl::StrCat(absl::FormatTime(absl::Now(), absl::UTCTimeZone()), " ", absl::string_view(text, bytes));
  if (line.back() != '\n') line += '\n';
  Write(line);
}

void RocksDbLog::Write(const std::string& line) {
  absl::MutexLock lock(&mutex_);
  if (bytes_ + line.size() > bytes_max_) {
    CloseFile();
    std::rename(path_.c_str(), (path_ + ".old").c_str());
    OpenFile();
  }
  if (file_ < 0) return;
  const ssize_t written_bytes = write(file_, line.data(), line.size());
  if (written_bytes > 0) bytes_ += static_cast<uint64_t>(written_bytes);
}

void RocksDbLog::OpenFile() {
  file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  struct stat info {};
  bytes_ = file_ >= 0 && fstat(file_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

void RocksDbLog::CloseFile() {
  if (file_ >= 0) close(file_);
  file_ = -1;
}

}  // namespace lamppost::kv
