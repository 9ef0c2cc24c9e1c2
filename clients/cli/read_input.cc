#include "clients/cli/read_input.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace lamppost::cli {

absl::StatusOr<std::string> ReadStream(const std::string& name, std::istream* in) {
  std::string bytes;
  char buffer[16 * 1024];
  while (in->read(buffer, sizeof buffer) || in->gcount() > 0) {
    bytes.append(buffer, static_cast<size_t>(in->gcount()));
    if (bytes.size() > kInputBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat(name, " has more than ", kInputBytesMax, " bytes"));
    }
  }
  if (in->bad()) return absl::InvalidArgumentError(absl::StrCat("cannot read ", name));
  return bytes;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", strerror(errno)));
  return ReadStream(path, &file);
}

absl::Status OpenFile(const std::string& path, std::ifstream* file) {
  errno = 0;
  file->open(path, std::ios::binary);
  if (*file && file->peek() != std::ifstream::traits_type::eof()) return absl::OkStatus();
  // An empty file is none of these; a directory opens, but cannot be read.
  if (errno != 0)
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", strerror(errno)));
  file->clear();
  return absl::OkStatus();
}

}  // namespace lamppost::cli
