// The whole command but for the process around it.
#ifndef LAMPPOST_CLIENTS_CLI_RUN_H_
#define LAMPPOST_CLIENTS_CLI_RUN_H_

#include "clients/cli/io.h"

namespace lamppost::cli {

// Gives the exit code. Reads LAMPPOST_NODE and LAMPPOST_SERVER from the environment.
int Run(int argc, const char* const* argv, const Io& io);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_RUN_H_
