// `status` for people. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_STATUS_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_STATUS_FORMAT_H_

#include <string>
#include <vector>

#include "clients/cli/io.h"
#include "clients/cpp/client.h"

namespace lamppost::cli {

using StatusResult = client::Result<kv::v1::StatusResponse>;

// One node's answer, with a table of its peers.
std::string FormatStatus(const kv::v1::StatusResponse& status, const std::string& address, Colour colour);

struct NodeStatus {
  std::string address;  // host:port
  StatusResult result;
};

// One row a node, also for those that did not answer.
std::string FormatStatuses(const std::vector<NodeStatus>& nodes, Colour colour);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_STATUS_FORMAT_H_
