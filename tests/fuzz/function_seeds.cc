#include <signal.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "etcd/rpc.pb.h"
#include "lamppost/rpc/v1/fault_service.pb.h"
#include "lamppost/rpc/v1/function_service.pb.h"
#include "services/kv/core/coding.h"
#include "services/rpc/core/record.h"
#include "services/rpc/core/testing/engine_server.h"
#include "services/rpc/functions/launch_protocol.h"
#include "services/rpc/server/codec.h"
#include "services/rpc/storage/etcd_codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/seeds.h"

namespace lamppost::fuzz {
namespace {

using rpc::testing::IdAt;
using rpc::testing::kWallMs;

const rpc::RequestId kId = IdAt(kWallMs, 1);

std::string Bytes(std::vector<uint8_t> bytes) {
  return std::string(bytes.begin(), bytes.end());
}

std::string Words(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line.append(word).push_back('\0');
  return line;
}

// Of the functions of calls_fuzz.cc.
template <typename Request>
std::string CallOf(uint8_t kind, uint8_t end, const char* method, const char* params) {
  Request request;
  request.set_request_id(rpc::ToString(kId));
  request.set_method(method);
  request.set_client_id("me");
  request.set_watermark(rpc::ToString(IdAt(kWallMs - 1, 0)));
  rpc::ToProto(rpc::ParseJson(params, rpc::kParamsBytesMax).value(), request.mutable_params());
  return Bytes({kind, end}) + request.SerializeAsString();
}

void AddCallSeeds(std::vector<Seed>* seeds) {
  using rpc::v1::CallRequest;
  using rpc::v1::CallStreamRequest;
  constexpr char kOrder[] = R"({"id": 3, "kind": "new", "tags": ["a", "b"], "pair": [true, 7], "step": 1.5,
                                "any": [null]})";
  seeds->push_back({"calls", "add", CallOf<CallRequest>(0, 8, "add", R"({"a": 1, "b": 2.5})")});
  seeds->push_back({"calls", "order", CallOf<CallStreamRequest>(1, 1, "order", kOrder)});
  seeds->push_back({"calls", "misfit", CallOf<CallRequest>(0, 0, "order", R"({"kind": "old", "x": {}})")});
  seeds->push_back({"calls", "unknown", CallOf<CallRequest>(0, 0, "ad", "{}")});
  rpc::v1::GetCallRequest question;
  question.set_request_id(rpc::ToString(kId));
  seeds->push_back({"calls", "question", Bytes({2, 0}) + question.SerializeAsString()});
}

rpc::Record RecordOf(rpc::Record::State state) {
  rpc::Record record;
  record.state = state;
  record.method = "again";
  record.fingerprint = rpc::Fingerprint("again", "{}");
  record.owner = "A";
  record.run = 7;
  record.client_id = "me";
  record.first_seen_ms = kWallMs;
  record.started = {5, {"A", uint64_t{1} << 63}};
  return record;
}

void AddTextSeeds(std::vector<Seed>* seeds) {
  rpc::Record running = RecordOf(rpc::Record::State::kRunning);
  running.repeat = rpc::Repeat::kIdempotent;
  seeds->push_back({"call_records", "running", Bytes({0}) + Encode(running)});
  rpc::Record done = RecordOf(rpc::Record::State::kDone);
  done.outcome.started = done.started;
  done.outcome.finished = {6, done.started.origin};
  done.outcome.elapsed_ms = 12;
  done.outcome.kind = rpc::Outcome::Kind::kResult;
  done.outcome.result = R"({"sum":[1,2.5,"é"]})";
  seeds->push_back({"call_records", "result", Bytes({0}) + Encode(done)});
  done.outcome.kind = rpc::Outcome::Kind::kError;
  done.outcome.error = {"SIGNAL", "it was ended", 3, 9, "last words\n"};
  seeds->push_back({"call_records", "error", Bytes({0}) + Encode(done)});
  // An exit code that is no int, and a flag that says no.
  rpc::Json json = rpc::ParseJson(Encode(done), 1 << 16).value();
  json["outcome"]["error"]["exit_code"] = uint64_t{1} << 32;
  seeds->push_back({"call_records", "finding_exit_code", Bytes({0}) + json.dump()});
  json["outcome"]["error"]["exit_code"] = 1;
  json["idempotent"] = false;
  seeds->push_back({"call_records", "finding_flag", Bytes({0}) + json.dump()});
  seeds->push_back(
      {"call_records", "forgotten", Bytes({0}) + Encode(RecordOf(rpc::Record::State::kForgotten))});
}

std::string IdBytes(const rpc::RequestId& id) {
  return std::string(id.bytes().begin(), id.bytes().end());
}

std::string StateOf(uint64_t clock_limit, uint64_t revision) {
  std::string state;
  for (const uint64_t number : {clock_limit, kWallMs - 5, revision}) kv::PutVarint(number, &state);
  return FrameOf("state") + FrameOf(state);
}

void AddStoreSeeds(std::vector<Seed>* seeds) {
  seeds->push_back({"call_records", "store",
                    Bytes({1, 1}) + FrameOf(IdBytes(IdAt(kWallMs, 2))) + FrameOf("\x02text") + Bytes({0}) +
                        StateOf(1000, 2) + Bytes({129}) + FrameOf(IdBytes(kId))});
  seeds->push_back({"call_records", "finding_last_revision", Bytes({1, 0}) + StateOf(1000, UINT64_MAX)});
  seeds->push_back({"call_records", "finding_last_counter", Bytes({1, 0}) + StateOf(UINT64_MAX - 1000, 2)});
  const rpc::EtcdCodec codec("fleet");
  etcdserverpb::TxnResponse response;
  response.mutable_header()->set_revision(9);
  const auto found = [&](const std::string& key, const std::string& value, int64_t revision) {
    mvccpb::KeyValue* const pair = response.add_responses()->mutable_response_range()->add_kvs();
    pair->set_key(key);
    pair->set_value(value);
    pair->set_mod_revision(revision);
  };
  found(codec.RecordKey(kId), "text", 8);
  found("horizon", "00000000000000000007", 1);
  seeds->push_back({"call_records", "etcd", Bytes({2}) + response.SerializeAsString()});
  response.mutable_responses(0)->mutable_response_range()->mutable_kvs(0)->set_mod_revision(0);
  seeds->push_back({"call_records", "finding_no_revision", Bytes({2}) + response.SerializeAsString()});
  response.clear_responses();
  found("format", "1", 1);
  found("horizon", "00000000000000000007", 1);
  found("clock", "00000000000000000007", 1);
  seeds->push_back({"call_records", "etcd_clock", Bytes({2}) + response.SerializeAsString()});
}

void AddManifestSeeds(std::vector<Seed>* seeds) {
  seeds->push_back({"manifests", "manifest", Bytes({0}) + R"({"command": ["./f.py", "-x"], "name": "f",
 "description": "d", "mode": "worker", "idempotent": true, "when_abandoned": "kill", "abandon_grace_ms": 5,
 "time_limit_ms": 1000, "concurrency_max": 2, "queue_max": 3, "result_bytes_max": 4000,
 "memory_bytes_max": 268435456, "environment": {"LANG": "C"},
 "params": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}})"});
  seeds->push_back({"manifests", "process", Bytes({0}) + R"({"command": ["true"], "cpu_limit_s": 1.0})"});
  constexpr char kSchema[] = R"({"type": ["object", "array"], "properties": {"a": {"type": "integer",
 "minimum": 0, "exclusiveMaximum": 10}, "b": {"enum": [1, "x", null, [2]]}, "c": {"multipleOf": 0.1, "type": "number"}},
 "required": ["a"], "additionalProperties": {"type": "string", "maxLength": 3}, "minProperties": 1,
 "items": [{"const": {"k": 1}}], "additionalItems": false, "contains": {"type": "object"},
 "if": {"required": ["b"]}, "then": {"maxProperties": 3}, "else": {"propertyNames": {"minLength": 1}},
 "oneOf": [{"type": "object"}, {"uniqueItems": true, "maxItems": 5, "type": "array"}],
 "dependencies": {"b": ["c"], "c": {"required": ["b"]}}, "not": {"required": ["never"]}})";
  seeds->push_back(
      {"manifests", "schema", Bytes({1}) + FrameOf(kSchema) + R"({"a": 1, "b": [2], "c": 0.3})"});
  seeds->push_back({"manifests", "references",
                    Bytes({1}) +
                        FrameOf(R"({"definitions": {"x~1": {"type": "string"}, "t": {"items": {"$ref":
 "#/definitions/x~01"}}}, "properties": {"a": {"$ref": "#/definitions/t"}}})") +
                        R"({"a": ["b", 1]})"});
  seeds->push_back({"manifests", "json", Bytes({2}) + R"({"b":[1.0,-0.0,1e300,9007199254740993,
 18446744073709551615,0.1,"é\u00e9\ud83d\ude00\u0000"],"a":{"":[[[]]]},"t":true,"n":null})"});
  seeds->push_back({"manifests", "deep", Bytes({2}) + std::string(31, '[') + std::string(31, ']')});
}

std::string Program(uint8_t kind, uint8_t end, const std::string& error_output, const std::string& progress,
                    const std::string& output) {
  return Bytes({kind, end}) + FrameOf(error_output) + FrameOf(progress) + Bytes({1}) + output;
}

void AddProgramSeeds(std::vector<Seed>* seeds) {
  const std::string member = absl::StrCat("{\"request_id\": \"", rpc::ToString(kId), "\", ");
  seeds->push_back({"worker_lines", "process",
                    Program(0, 0, "progress 40% reading\nlog\n", "- begins\n50\n", "{\"sum\": 3.0}\n")});
  seeds->push_back({"worker_lines", "own_failure",
                    Program(0, 1, "", "", R"({"error": {"reason": "NO_CITY", "message": "é"}})")});
  seeds->push_back(
      {"worker_lines", "finding_number_beyond_2_53", Program(0, 0, "", "", "4444444444444448888")});
  seeds->push_back({"worker_lines", "not_started", Program(0, 11, "", "", "")});
  seeds->push_back({"worker_lines", "worker",
                    Program(1, 2, "words\n", "",
                            member + "\"progress\": {\"fraction\": 0.5, \"message\": \"half\"}}\n" + member +
                                "\"result\": [1]}\n")});
  seeds->push_back({"worker_lines", "worker_failure",
                    Program(1, 0, "", "", member + "\"error\": {\"reason\": \"X\"}}\n")});
  seeds->push_back({"worker_lines", "worker_without_id", Program(1, 0, "", "", "{\"result\": [1]}\n")});
  seeds->push_back(
      {"worker_lines", "words",
       Bytes({2, 3, 80}) + "progress 1e3% x\n-\n{\"reason\":\"A\",\"message\":\"m\"}\n12.5%\ty"});
  rpc::LaunchRequest request;
  request.program = 7;
  request.spec.command = {"/bin/true", "-x"};
  request.spec.environment = {"LANG=C"};
  request.spec.directory = "/";
  seeds->push_back({"worker_lines", "packet", Bytes({3}) + rpc::EncodeRequest(request).value()});
}

rpc::v1::Outcome OutcomeOf(const char* text) {
  rpc::v1::Outcome outcome;
  rpc::ToProto(rpc::ParseJson(text, 1 << 16).value(), outcome.mutable_result());
  outcome.set_elapsed_ms(12);
  outcome.mutable_started()->set_node_id("A");
  return outcome;
}

void AddAnswerSeeds(std::vector<Seed>* seeds) {
  rpc::v1::CallResponse call;
  call.set_request_id(rpc::ToString(kId));
  *call.mutable_outcome() = OutcomeOf(R"({"a": [1, "\u001b[2J\u009b", null, 0.5], "b": {"c": true}})");
  seeds->push_back({"server_answers", "call", Bytes({3}) + call.SerializeAsString()});
  rpc::v1::GetCallResponse known;
  known.set_state(rpc::v1::CALL_STATE_RUNNING);
  known.set_method("f\x1b[2J");
  known.mutable_progress()->set_message("half");
  known.mutable_progress()->set_fraction(1e300);
  known.mutable_outcome()->mutable_error()->set_reason("SIGNAL");
  known.mutable_outcome()->mutable_error()->set_signal(SIGKILL);
  known.mutable_outcome()->mutable_error()->set_error_output("a\nb\n");
  seeds->push_back({"server_answers", "finding_fraction", Bytes({4}) + known.SerializeAsString()});
  rpc::v1::ListFunctionsResponse list;
  rpc::v1::FunctionInfo* const function = list.add_functions();
  function->set_name("f");
  function->set_description("two\nlines");
  function->set_time_limit_ms(1000);
  rpc::ToProto(
      rpc::ParseJson(R"({"properties": {"a": {"type": "number"}, "b": {}}, "required": ["a"]})", 1000)
          .value(),
      function->mutable_params());
  list.add_problems()->set_file("bad.json");
  seeds->push_back({"server_answers", "functions", Bytes({5}) + list.SerializeAsString()});
  rpc::v1::ListFaultsResponse faults;
  rpc::v1::Fault* const fault = faults.add_faults();
  fault->set_kind(rpc::v1::FAULT_KIND_CRASH);
  fault->set_method("f");
  fault->set_delay_ms(50);
  seeds->push_back({"server_answers", "faults", Bytes({6}) + faults.SerializeAsString()});
}

void AddCommandSeeds(std::vector<Seed>* seeds) {
  const std::string servers = "http://127.0.0.1:5000,[::1]:5001";
  seeds->push_back({"arguments", "call",
                    Words({"--server", servers, "call", "add", "a=1", "b=two", "--retries", "3", "--hedge",
                           "50ms", "--request-id", rpc::ToString(kId)})});
  seeds->push_back(
      {"arguments", "fault",
       Words({"fault", "rpc", "delay", "2s", "--method", "f", "--times", "3", "--probability", "0.5"})});
  seeds->push_back({"arguments", "finding_no_delay", Words({"fault", "rpc", "delay", ""})});
  seeds->push_back({"arguments", "outcome", Words({"outcome", rpc::ToString(kId), "-o", "json"})});
  seeds->push_back({"call_params", "members",
                    Words({"--server", servers, "--timeout", "1m30s", "call", "f", "a=1", "b=it's $5",
                           "c=@@x", "d=[1,{\"e\":null}]", "f=\x1b\\\xc2\x9b"})});
  seeds->push_back({"call_params", "object", Words({"call", "f", R"({"a":[1.5,"'\u0000é"]})"})});
  seeds->push_back({"call_params", "standard_input",
                    Words({"call", "f", "-", "--stream"}) + "{\"long\":\"" + std::string(5000, 'x') + "\"}"});
  seeds->push_back({"call_params", "dashes", Words({"call", "--", "-f", "-a=1"})});
  // An address that looks like one of IPv4 and is not.
  seeds->push_back({"addresses", "finding_not_mapped", "127.0.0.1:80,[::ffff:0:10.0.0.1]:81"});
  seeds->push_back(
      {"addresses", "servers", "127.0.0.1:80,[::1]:81,http://10.0.0.1:5000,[::ffff:10.0.0.2]:9"});
}

}  // namespace

std::vector<Seed> FunctionSeeds() {
  std::vector<Seed> seeds;
  AddCallSeeds(&seeds);
  AddTextSeeds(&seeds);
  AddStoreSeeds(&seeds);
  AddManifestSeeds(&seeds);
  AddProgramSeeds(&seeds);
  AddAnswerSeeds(&seeds);
  AddCommandSeeds(&seeds);
  return seeds;
}

}  // namespace lamppost::fuzz
