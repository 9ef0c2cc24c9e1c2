// Takes damaged tables out of a database, so that the rest can be opened and made whole again.
//
// What is left is not what the database held: keys may be missing, and older versions have come back where
// newer ones were in a table that is gone. So a mark is left first, as a file, and stands until somebody has
// made sure that nothing is claimed any more that may not be there (core/salvage.h). No process may have the
// directory open.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_SALVAGE_FILES_H_
#define LAMPPOST_SERVICES_KV_STORAGE_SALVAGE_FILES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lamppost::kv {

// Where damaged tables are kept, below the data directory: those of the last time.
inline constexpr char kLostFolder[] = "lost";

// The mark, on stable storage once this has returned OK.
absl::Status MarkSalvage(const std::string& directory);
absl::Status UnmarkSalvage(const std::string& directory);
bool IsSalvageMarked(const std::string& directory);

// Marks the directory, and takes these tables (paths, as TablesIn and DamagedTable give them) out of the
// database. They are moved to the lost folder, and those of the time before are removed. After an error the
// mark stands. Errors are FAILED_PRECONDITION (DATA_DIR_IN_USE) and UNAVAILABLE (STORAGE_FAILED).
absl::Status SetTablesAside(const std::string& directory, const std::vector<std::string>& tables);

// All table files in the directory, those that no database counts on any more among them.
std::vector<std::string> TablesIn(const std::string& directory);

// What can still be read, below this prefix, of the tables that were set aside: the newest value of each key
// that any of them has.
std::map<std::string, std::string> ReadLostTables(const std::string& directory, const std::string& prefix);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_SALVAGE_FILES_H_
