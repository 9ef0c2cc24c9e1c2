// Results of put, del, get and scan in the three output formats. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_FORMAT_H_

#include <string>

#include "clients/cli/arguments.h"
#include "clients/cpp/client.h"

namespace lamppost::cli {

std::string FormatPut(const std::string& key, const client::Result<kv::v1::PutResponse>& result,
                      OutputFormat format);
std::string FormatDelete(const std::string& key, const client::Result<kv::v1::DeleteResponse>& result,
                         OutputFormat format);
// Of a missing key: nothing, but in JSON {"key":…,"found":false,…}.
std::string FormatGet(const std::string& key, const client::Result<kv::v1::GetResponse>& result,
                      OutputFormat format);

// The bytes of a value, of either kind.
const std::string& BytesOf(const kv::v1::Value& value);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_FORMAT_H_
