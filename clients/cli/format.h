// Results of put, del, write and get in the three output formats. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_FORMAT_H_

#include <cstddef>
#include <string>

#include "clients/cli/arguments.h"
#include "clients/cpp/client.h"

namespace lamppost::cli {

std::string FormatPut(const std::string& key, const client::Result<kv::v1::PutResponse>& result,
                      OutputFormat format);
std::string FormatDelete(const std::string& key, const client::Result<kv::v1::DeleteResponse>& result,
                         OutputFormat format);
// `operations`: how many the batch had.
std::string FormatWrite(size_t operations, const client::Result<kv::v1::WriteResponse>& result,
                        OutputFormat format);
// Of a missing key: nothing, but in JSON {"key":…,"found":false,…}.
std::string FormatGet(const std::string& key, const client::Result<kv::v1::GetResponse>& result,
                      OutputFormat format);

// The bytes of a value, of either kind.
const std::string& BytesOf(const kv::v1::Value& value);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_FORMAT_H_
