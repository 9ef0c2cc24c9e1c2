// Whole files and streams, bounded.
#ifndef LAMPPOST_CLIENTS_CLI_READ_INPUT_H_
#define LAMPPOST_CLIENTS_CLI_READ_INPUT_H_

#include <cstddef>
#include <fstream>
#include <istream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lamppost::cli {

// More than this is not read: nobody takes it (a gRPC message is at most 4 MiB by default).
inline constexpr size_t kInputBytesMax = 16 << 20;

// All of it. INVALID_ARGUMENT if it cannot be read or has more than kInputBytesMax; `name` is for the
// message.
absl::StatusOr<std::string> ReadStream(const std::string& name, std::istream* in);
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Opens it for reading. INVALID_ARGUMENT if nothing can be read from it.
absl::Status OpenFile(const std::string& path, std::ifstream* file);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_READ_INPUT_H_
