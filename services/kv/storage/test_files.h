// Files for the storage tests: to read, to damage and to fill them.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_TEST_FILES_H_
#define LAMPPOST_SERVICES_KV_STORAGE_TEST_FILES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace lamppost::kv {

// The paths of a directory's files with this ending, in order of their names.
std::vector<std::string> FilesEndingIn(const std::string& directory, absl::string_view ending);

// A file's whole content; a test failure if it cannot be read or written.
std::string ReadBytes(const std::string& path);
void WriteBytes(const std::string& path, absl::string_view content);

// Flips one bit of the file's byte at this offset.
void FlipBit(const std::string& path, size_t offset);

// Bytes that do not compress; the same for the same seed.
std::string RandomBytes(size_t bytes, uint32_t seed);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_TEST_FILES_H_
