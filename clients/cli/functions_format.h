// What can be called, and which faults are in force, in the three output formats. Pure.
#ifndef LAMPPOST_CLIENTS_CLI_FUNCTIONS_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_FUNCTIONS_FORMAT_H_

#include <string>
#include <vector>

#include "clients/cli/io.h"
#include "clients/cli/json_format.h"
#include "clients/cpp/function_client.h"

namespace lamppost::cli {

// A row each.
std::string FormatFunctions(const rpc::v1::ListFunctionsResponse& response, Colour colour);
Json FunctionsJson(const rpc::v1::ListFunctionsResponse& response, absl::string_view server);

// "a:number b?:string" of a JSON Schema: the names of an object's members and their types, "?" behind those
// that may be left out. "" if it names none.
std::string ParamsSummary(const google::protobuf::Struct& schema);

// One server's answer to a fault command.
template <typename Response>
struct FaultAnswer {
  std::string server;  // host:port
  client::InquiryResult<Response> result;
};

// "delay", "fail-before", …
std::string FaultKindName(rpc::v1::FaultKind kind);
Json FaultJson(const rpc::v1::Fault& fault);
std::string FormatFaults(const std::vector<FaultAnswer<rpc::v1::ListFaultsResponse>>& answers, Colour colour);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_FUNCTIONS_FORMAT_H_
