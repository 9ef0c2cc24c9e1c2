// What the member commands print. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_MEMBER_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_MEMBER_FORMAT_H_

#include <string>

#include "absl/time/time.h"
#include "clients/cli/arguments.h"
#include "clients/cli/io.h"
#include "clients/cpp/client.h"
#include "lamppost/kv/v1/admin_service.pb.h"

namespace lamppost::cli {

// `now` is for how long ago somebody answered.
std::string FormatMembers(const client::Result<kv::v1::ListMembersResponse>& result, absl::Time now,
                          OutputFormat format, Colour colour);
std::string FormatAdded(const client::Result<kv::v1::AddMemberResponse>& result, OutputFormat format);
std::string FormatRemoved(const std::string& node_id,
                          const client::Result<kv::v1::RemoveMemberResponse>& result, OutputFormat format);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_MEMBER_FORMAT_H_
