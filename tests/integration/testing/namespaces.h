// Mounts and a network of this process and its children alone: whatever ends the process, nothing is left.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_NAMESPACES_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_NAMESPACES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace lamppost::testing {

enum class Private { kMounts, kMountsAndNetwork };

// Takes root, or a system where everybody may make user namespaces; else the error says why not. To be
// called once, while the process has one thread. A private network has no interface that is up.
absl::Status EnterPrivateNamespaces(Private what);

// An empty disk of that size, in memory. In private mounts only; the directory must exist.
absl::Status MountSmallDisk(const std::string& directory, uint64_t bytes);
void UnmountSmallDisk(const std::string& directory);

// Somebody else's file of that name fills the disk it is on, but for `left_bytes`.
absl::Status FillDisk(const std::string& ballast_path, uint64_t left_bytes);

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_NAMESPACES_H_
