#include "clients/cli/value_argument.h"

#include <utility>

#include "absl/strings/match.h"
#include "clients/cli/read_input.h"
#include "services/common/utf8.h"

namespace lamppost::cli {

absl::StatusOr<kv::v1::Value> ReadValueArgument(const std::string& argument, ValueKind kind,
                                                std::istream* in) {
  absl::StatusOr<std::string> bytes = argument;
  if (argument == "-") {
    bytes = ReadStream("standard input", in);
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
