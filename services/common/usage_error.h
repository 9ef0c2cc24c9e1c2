// What is wrong with a command line, for people. CLI11 tells of what is missing before it tells of what it
// does not know, so a misspelt option or command is reported as the lack of the right one.
#ifndef LAMPPOST_SERVICES_COMMON_USAGE_ERROR_H_
#define LAMPPOST_SERVICES_COMMON_USAGE_ERROR_H_

#include <CLI/CLI.hpp>
#include <string>

namespace lamppost {

// After `app` has failed to parse with this error: names the option or command that is not known, if there is
// one, and the one that was probably meant; else what the error says.
std::string DescribeUsageError(const CLI::App& app, const CLI::ParseError& error);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_USAGE_ERROR_H_
