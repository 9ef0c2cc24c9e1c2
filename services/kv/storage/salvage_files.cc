#include "services/kv/storage/salvage_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/options.h"
#include "rocksdb/sst_file_reader.h"
#include "rocksdb/utilities/ldb_cmd.h"
#include "services/common/error.h"
#include "services/kv/storage/rocksdb_log.h"
#include "services/kv/storage/rocksdb_status.h"

namespace lamppost::kv {
namespace {

namespace fs = std::filesystem;

constexpr char kMark[] = "SALVAGE";
constexpr uint64_t kInfoLogBytesMax = uint64_t{1} << 20;

absl::Status Failed(absl::string_view what, const std::string& path, absl::string_view why) {
  return MakeError(absl::StatusCode::kUnavailable, "STORAGE_FAILED",
                   absl::StrCat("cannot ", what, " ", path, ": ", why));
}

absl::Status SyncDirectory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool ok = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  return ok ? absl::OkStatus() : Failed("sync", directory, std::strerror(error));
}

std::string MarkPath(const std::string& directory) {
  return absl::StrCat(directory, "/", kMark);
}

// An empty lost folder.
absl::Status MakeLostFolder(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error && mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  return Failed("make", path, error ? error.message() : std::strerror(errno));
}

// RocksDB's own command for it is its one public way to take a table out of the list of tables that a
// database counts on. RepairDB is the other: it makes a new list of whatever files it finds, all in the first
// level.
absl::Status RemoveFromManifest(const std::string& directory, const std::string& table) {
  rocksdb::Options options;
  options.info_log = std::make_shared<RocksDbLog>(directory, kInfoLogBytesMax);
  const std::string number = fs::path(table).stem().string();
  std::vector<std::string> words = {"ldb", "--db=" + directory, "unsafe_remove_sst_file",
                                    absl::StrCat(std::stoull(number))};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, options}};
  const std::unique_ptr<rocksdb::LDBCommand> command(rocksdb::LDBCommand::InitFromCmdLineArgs(
      static_cast<int>(arguments.size()), arguments.data(), options, rocksdb::LDBOptions(), &families));
  if (command == nullptr || !command->ValidateCmdLineOptions()) {
    return Failed("set aside", table, "RocksDB does not know how");
  }
  command->Run();
  rocksdb::LDBCommandExecuteResult result = command->GetExecuteState();
  if (!result.IsFailed()) return absl::OkStatus();
  return Failed("set aside", table, result.ToString());
}

absl::Status SetAside(const std::string& directory, const std::vector<std::string>& tables) {
  const std::string lost = absl::StrCat(directory, "/", kLostFolder);
  if (absl::Status status = MakeLostFolder(lost); !status.ok()) return status;
  for (const std::string& table : tables) {
    const std::string kept = absl::StrCat(lost, "/", fs::path(table).filename().string());
    // A second name, for the database removes files that it does not count on.
    if (link(table.c_str(), kept.c_str()) != 0) return Failed("keep", table, std::strerror(errno));
  }
  if (absl::Status status = SyncDirectory(lost); !status.ok()) return status;
  for (const std::string& table : tables) {
    if (absl::Status status = RemoveFromManifest(directory, table); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MarkSalvage(const std::string& directory) {
  const std::string path = MarkPath(directory);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("make", path, std::strerror(errno));
  close(fd);
  return SyncDirectory(directory);
}

absl::Status UnmarkSalvage(const std::string& directory) {
  const std::string path = MarkPath(directory);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return Failed("remove", path, std::strerror(errno));
  return SyncDirectory(directory);
}

bool IsSalvageMarked(const std::string& directory) {
  std::error_code error;
  return fs::exists(MarkPath(directory), error);
}

absl::Status SetTablesAside(const std::string& directory, const std::vector<std::string>& tables) {
  rocksdb::Env* const env = rocksdb::Env::Default();
  rocksdb::FileLock* lock = nullptr;
  rocksdb::Status locked = env->LockFile(directory + "/LOCK", &lock);
  if (!locked.ok()) return FromRocksDb(locked, directory);
  absl::Status status = MarkSalvage(directory);
  if (status.ok() && !tables.empty()) status = SetAside(directory, tables);
  env->UnlockFile(lock).PermitUncheckedError();
  return status;
}

std::vector<std::string> TablesIn(const std::string& directory) {
  std::vector<std::string> tables;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (absl::EndsWith(entry.path().string(), ".sst")) tables.push_back(entry.path().string());
  }
  std::sort(tables.begin(), tables.end());
  return tables;
}

std::map<std::string, std::string> ReadLostTables(const std::string& directory, const std::string& prefix) {
  std::map<std::string, std::string> found;
  // Later files have later values, but for those that a compaction made; it is the best that can be told.
  for (const std::string& table : TablesIn(absl::StrCat(directory, "/", kLostFolder))) {
    rocksdb::SstFileReader reader{rocksdb::Options()};
    if (!reader.Open(table).ok()) continue;
    rocksdb::ReadOptions reading;
    reading.verify_checksums = true;
    const std::unique_ptr<rocksdb::Iterator> iterator(reader.NewIterator(reading));
    for (iterator->Seek(prefix); iterator->Valid() && iterator->key().starts_with(prefix); iterator->Next()) {
      found[iterator->key().ToString()] = iterator->value().ToString();
    }
  }
  return found;
}

}  // namespace lamppost::kv
