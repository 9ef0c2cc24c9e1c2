// What the commands about faults of links print. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_LINK_FAULT_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_LINK_FAULT_FORMAT_H_

#include <string>
#include <vector>

#include "clients/cli/arguments.h"
#include "clients/cli/io.h"
#include "clients/cli/json_format.h"
#include "clients/cpp/client.h"
#include "lamppost/kv/v1/faults.pb.h"

namespace lamppost::cli {

// A fault that a node was told to have.
struct PlacedFault {
  std::string node_id;  // of the node that sends
  std::string address;  // host:port
  kv::v1::LinkFault fault;
};

// One node's answer.
template <typename Response>
struct NodeAnswer {
  std::string node_id;
  std::string address;  // host:port
  client::Result<Response> result;
};

// "delay 5s to 6s, drop 30%", "cut", "pause".
std::string LinkFaultText(const kv::v1::LinkFault& fault);
// from: whose fault it is.
Json LinkFaultJson(const std::string& from, const kv::v1::LinkFault& fault);

std::string FormatPlacedFaults(const std::vector<PlacedFault>& faults, OutputFormat format);
// In JSON nodes that have not answered are there, too.
std::string FormatLinkFaults(const std::vector<NodeAnswer<kv::v1::ListLinkFaultsResponse>>& answers,
                             OutputFormat format, Colour colour);
std::string FormatClearedFaults(const std::vector<NodeAnswer<kv::v1::ClearLinkFaultsResponse>>& answers,
                                OutputFormat format);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_LINK_FAULT_FORMAT_H_
