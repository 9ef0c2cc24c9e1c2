// Calls, from the bytes on the wire to the records: what is refused leaves nothing behind; what is taken runs
// once, as asked, and is answered alike ever after, by this server and by the next one.
//
// An input is a byte for the kind of message, a byte for what becomes of the run, and the message.
#include <memory>
#include <string>
#include <utility>

#include "services/common/error.h"
#include "services/common/utf8.h"
#include "services/rpc/core/testing/engine_server.h"
#include "services/rpc/server/codec.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

using rpc::testing::EngineServer;

constexpr char kAddSchema[] = R"({"type": "object", "required": ["a", "b"], "additionalProperties": false,
  "properties": {"a": {"type": "number"}, "b": {"type": "number", "minimum": 0}}})";
// One of everything.
constexpr char kOrderSchema[] =
    R"({"type": "object", "definitions": {"id": {"type": "integer", "minimum": 1}},
  "properties": {
    "id": {"$ref": "#/definitions/id"},
    "kind": {"enum": ["new", "used", null]},
    "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "uniqueItems": true, "maxItems": 4},
    "pair": {"type": "array", "items": [{"type": "boolean"}, {"const": 7}], "additionalItems": false},
    "step": {"type": "number", "multipleOf": 0.5},
    "any": {"anyOf": [{"type": "string"}, {"not": {"type": "object"}}]}},
  "dependencies": {"pair": ["id"]}, "propertyNames": {"minLength": 2}, "minProperties": 1})";

void AddFunction(const char* name, const char* schema, rpc::Repeat repeat, rpc::Registry* registry) {
  rpc::FunctionSpec spec;
  spec.name = name;
  spec.repeat = repeat;
  auto function = std::make_shared<rpc::Function>(*rpc::testing::MakeFunction(spec));
  function->params = *rpc::ParamsSchema::Compile(*rpc::ParseJson(schema, rpc::kParamsBytesMax));
  FUZZ_CHECK(registry->Add(std::move(function)).ok(), "a good function was refused");
}

std::shared_ptr<const rpc::Registry> MakeRegistry() {
  auto registry = std::make_shared<rpc::Registry>();
  AddFunction("add", kAddSchema, rpc::Repeat::kIdempotent, registry.get());
  AddFunction("order", kOrderSchema, rpc::Repeat::kOnce, registry.get());
  AddFunction("echo", R"({"type": "object"})", rpc::Repeat::kOnce, registry.get());
  return registry;
}

void CheckRefusal(const absl::Status& status) {
  FUZZ_CHECK(!status.ok() && !ErrorReason(status).empty(), "a refusal without a reason");
  FUZZ_CHECK(IsUtf8(status.message()) && IsUtf8(ErrorReason(status)), "a refusal that cannot be sent");
}

// A server that begins with what is in the table, at a time at which the id is new.
std::unique_ptr<EngineServer> Serve(rpc::RecordTable* table, const std::string& owner,
                                    const rpc::RequestId& id) {
  static const auto* const registry = new std::shared_ptr<const rpc::Registry>(MakeRegistry());
  auto server = std::make_unique<EngineServer>(table, owner);
  server->engine()->SetRegistry(*registry);
  if (id.minted_ms()) server->now()->wall_ms = *id.minted_ms() + 1;
  return server;
}

rpc::CallerId Call(EngineServer* server, const rpc::CallInput& input) {
  const rpc::CallerId caller = server->Call(input);
  server->Settle();
  return caller;
}

// What the codec has let through is within bounds, and the same when it is sent on.
void CheckInput(const rpc::CallInput& input) {
  FUZZ_CHECK(rpc::DepthOf(input.params) <= rpc::kJsonDepthMax, "params deeper than params may be");
  const std::string text = rpc::CanonicalText(input.params);
  FUZZ_CHECK(text.size() <= rpc::kParamsBytesMax, "params larger than params may be");
  google::protobuf::Struct sent;
  rpc::ToProto(input.params, &sent);
  const absl::StatusOr<rpc::Json> again = rpc::ParamsFromProto(sent);
  FUZZ_CHECK(again.ok() && *again == input.params, "params are others when they are sent on");
}

void CheckReplayed(EngineServer* server, const rpc::CallInput& input, const rpc::Outcome& outcome) {
  const size_t starts = server->starts().size();
  const rpc::CallerId again = Call(server, input);
  FUZZ_CHECK(server->HasReply(again) && server->ReplyOf(again).ok(), "a retry got no outcome");
  FUZZ_CHECK(server->ReplyOf(again)->replay == rpc::Replay::kReplayed,
             "a retry was taken for the first call");
  FUZZ_CHECK(server->ReplyOf(again)->outcome == outcome, "a retry got another outcome");
  FUZZ_CHECK(server->starts().size() == starts, "a retry has run again");
}

void CheckReused(EngineServer* server, const rpc::CallInput& input) {
  const rpc::CallerId caller = Call(server, input);
  FUZZ_CHECK(server->HasReply(caller) && !server->ReplyOf(caller).ok(), "an id served for two calls");
  FUZZ_CHECK(ErrorReason(server->ReplyOf(caller).status()) == "REQUEST_ID_REUSED",
             "a used id was refused otherwise");
}

void CheckKnown(EngineServer* server, const rpc::CallInput& input, const rpc::Outcome& outcome) {
  const absl::StatusOr<rpc::CallInfo>& info = server->LookReplyOf(server->Look(input.id));
  FUZZ_CHECK(info.ok() && info->state == rpc::CallInfo::State::kDone, "what was done is not known");
  FUZZ_CHECK(info->method == input.method && info->outcome == outcome, "something else is known");
  rpc::v1::GetCallResponse response;
  FUZZ_CHECK(rpc::ToProto(*info, &response).ok() && response.has_outcome(), "an outcome cannot be sent");
  FUZZ_CHECK(response.SerializeAsString().size() < (size_t{4} << 20), "an answer is too large to be sent");
}

rpc::RunResult ResultOf(uint8_t byte, const rpc::CallInput& input) {
  if (byte % 2 == 0) return rpc::MakeResult(input.params, size_t{1} << byte % 16);
  rpc::FunctionError error;
  error.reason = "FAILED";
  error.message = input.method;
  if (byte % 4 == 1) error.exit_code = byte;
  return error;
}

void CheckTaken(EngineServer* server, rpc::CallerId caller, const rpc::CallInput& input, uint8_t byte) {
  FUZZ_CHECK(server->starts().size() == 1, "a call that was taken does not run once");
  const rpc::EngineOutput::Start& start = server->starts()[0];
  FUZZ_CHECK(start.function->spec.name == input.method, "another function runs");
  FUZZ_CHECK(start.request.id == input.id && start.request.params == input.params,
             "it runs with other params");
  FUZZ_CHECK(start.function->params->Check(input.params).ok(), "it runs with params that do not fit");
  server->Finish(server->last_run(), ResultOf(byte, input));
  server->Settle();
  FUZZ_CHECK(server->HasReply(caller) && server->ReplyOf(caller).ok(), "a run had no outcome");
  FUZZ_CHECK(server->ReplyOf(caller)->replay == rpc::Replay::kFirst, "the first call was taken for a retry");
}

void CheckAfterwards(EngineServer* server, const rpc::CallInput& input, const rpc::Outcome& outcome) {
  CheckReplayed(server, input, outcome);
  CheckKnown(server, input, outcome);
  rpc::CallInput other = input;
  other.params["another param"] = 1;
  if (other.params != input.params) CheckReused(server, other);
  other = input;
  other.method = input.method == "echo" ? "add" : "echo";
  CheckReused(server, other);
  FUZZ_CHECK(server->engine()->IsIdle(), "something is left over");
}

template <typename Request>
void CheckCall(uint8_t byte, absl::string_view bytes) {
  Request request;
  if (!request.ParseFromString(std::string(bytes))) return;
  const absl::StatusOr<rpc::CallInput> input = rpc::ToCallInput(request);
  if (!input.ok()) return CheckRefusal(input.status());
  CheckInput(*input);
  rpc::RecordTable table;
  std::unique_ptr<EngineServer> server = Serve(&table, "A", input->id);
  const rpc::CallerId caller = Call(server.get(), *input);
  if (server->HasReply(caller)) {
    CheckRefusal(server->ReplyOf(caller).status());
    FUZZ_CHECK(table.records().empty() && server->starts().empty(), "a call that was refused left something");
    FUZZ_CHECK(server->engine()->IsIdle(), "a call that was refused goes on");
    return;
  }
  CheckTaken(server.get(), caller, *input, byte);
  const rpc::Outcome outcome = server->ReplyOf(caller)->outcome;
  CheckAfterwards(server.get(), *input, outcome);
  FUZZ_CHECK(table.records().size() == 1, "not one record of one call");
  server->Crash();
  CheckAfterwards(Serve(&table, "B", input->id).get(), *input, outcome);
}

void CheckGetCall(absl::string_view bytes) {
  rpc::v1::GetCallRequest request;
  if (!request.ParseFromString(std::string(bytes))) return;
  const absl::StatusOr<rpc::RequestId> id = rpc::ParseRequestId(request.request_id());
  if (!id.ok()) return CheckRefusal(id.status());
  FUZZ_CHECK(rpc::ParseRequestId(rpc::ToString(*id)).value() == *id,
             "an id is another one in its own writing");
  rpc::RecordTable table;
  const std::unique_ptr<EngineServer> server = Serve(&table, "A", *id);
  CheckRefusal(server->LookReplyOf(server->Look(*id)).status());
  FUZZ_CHECK(table.records().empty(), "a question left something");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  fuzz::Input input(fuzz::BytesOf(data, size));
  const uint8_t kind = input.Byte();
  const uint8_t byte = input.Byte();
  switch (kind % 3) {
    case 0:
      fuzz::CheckCall<rpc::v1::CallRequest>(byte, input.rest());
      break;
    case 1:
      fuzz::CheckCall<rpc::v1::CallStreamRequest>(byte, input.rest());
      break;
    default:
      fuzz::CheckGetCall(input.rest());
  }
  return 0;
}
