#include "clients/cli/value_argument.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/utf8.h"

namespace lamppost::cli {
namespace {

absl::StatusOr<std::string> ReadAll(const std::string& name, std::istream* in) {
  std::string bytes;
  char buffer[16 * 1024];
  while (in->read(buffer, sizeof buffer) || in->gcount() > 0) {
    bytes.append(buffer, static_cast<size_t>(in->gcount()));
    if (bytes.size() > kValueBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat(name, " has more than ", kValueBytesMax, " bytes"));
    }
  }
  if (in->bad()) return absl::InvalidArgumentError(absl::StrCat("cannot read ", name));
  return bytes;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", strerror(errno)));
  return ReadAll(path, &file);
}

}  // namespace

absl::StatusOr<kv::v1::Value> ReadValueArgument(const std::string& argument, ValueKind kind,
                                                std::istream* in) {
  absl::StatusOr<std::string> bytes = argument;
  if (argument == "-") {
    bytes = ReadAll("standard input", in);
  } else if (absl::StartsWith(argument, "@@")) {
    bytes = argument.substr(1);
  } else if (absl::StartsWith(argument, "@")) {
    bytes = ReadFile(argument.substr(1));
  }
  if (!bytes.ok()) return bytes.status();
  kv::v1::Value value;
  if (kind == ValueKind::kData) {
    value.set_data(*std::move(bytes));
    return value;
  }
  if (!IsUtf8(*bytes)) {
    return absl::InvalidArgumentError("the value is not UTF-8 text; --bytes stores it as bytes");
  }
  value.set_text(*std::move(bytes));
  return value;
}

}  // namespace lamppost::cli
