#ifndef LAMPPOST_CLIENTS_CLI_VERSION_H_
#define LAMPPOST_CLIENTS_CLI_VERSION_H_

namespace lamppost::cli {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_VERSION_H_
