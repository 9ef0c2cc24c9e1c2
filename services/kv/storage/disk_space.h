// How much room a disk has left.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_DISK_SPACE_H_
#define LAMPPOST_SERVICES_KV_STORAGE_DISK_SPACE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace lamppost::kv {

// The bytes that a process without privileges may still write on the file system of this directory.
// Blocks reserved for root do not count. NOT_FOUND if the directory is missing; UNAVAILABLE (reason
// STORAGE_FAILED) if the system cannot tell. Thread-safe.
absl::StatusOr<uint64_t> FreeBytes(const std::string& directory);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_DISK_SPACE_H_
