// What became of calls, in the three output formats. Pure.
//
// Nothing here lets a server's text steer a terminal: JSON strings have their control characters escaped, all
// else goes through Printable. Only `-o raw` gives a text as it is.
#ifndef LAMPPOST_CLIENTS_CLI_CALL_FORMAT_H_
#define LAMPPOST_CLIENTS_CLI_CALL_FORMAT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "clients/cli/arguments.h"
#include "clients/cli/io.h"
#include "clients/cli/json_format.h"
#include "clients/cpp/function_client.h"

namespace lamppost::cli {

// Table: JSON, objects and arrays over several lines. Raw: a text as it is and nothing else, other values as
// JSON on a line.
std::string FormatValue(const google::protobuf::Value& value, OutputFormat format);

// {"result":…}, {"error":{…}} or {"unknown":{…}}
Json OutcomeJson(const rpc::v1::Outcome& outcome);
// The object that `call -o json` prints.
Json CallJson(const client::FunctionCallResult& result);
// The object that `outcome -o json` prints.
Json KnownCallJson(const rpc::v1::GetCallResponse& response, absl::string_view server);
// "queued", "running", "done", "interrupted"
std::string CallStateName(rpc::v1::CallState state);
// A line about a call that has no outcome yet: "running (report), 40%, reading".
std::string FormatUnfinished(const rpc::v1::GetCallResponse& response);

// A function's own failure, for stderr: reason, message, how the program ended, the end of its error output.
std::string FormatFunctionError(const rpc::v1::FunctionError& error, Colour colour);

// One line of JSON, or several with an indentation; DEL and C1 control characters are escaped, too.
std::string TerminalJson(const Json& json, int indent);

// The command that asks for the outcome of this call once more, to be pasted into a shell. Long params that
// did not stand on the command line are named as they were. --timeout and -o stand in it if arguments.timeout
// and arguments.output are not empty.
std::string AskAgainCommand(const FunctionArguments& arguments, const rpc::Json& params,
                            absl::string_view request_id);

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_CALL_FORMAT_H_
