// What operators write and functions exchange: manifests, schemas of params and values for them, JSON text.
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "services/common/error.h"
#include "services/common/utf8.h"
#include "services/rpc/core/testing/engine_server.h"
#include "services/rpc/functions/manifest.h"
#include "services/rpc/server/codec.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

constexpr size_t kTextBytesMax = size_t{1} << 16;

// The launcher is told what the manifest says, or is told nothing.
void CheckProgram(const rpc::ProgramSpec& program) {
  FUZZ_CHECK(!program.command.empty() && !program.command[0].empty(),
             "a manifest without a program was taken");
  std::set<std::string> names;
  for (const std::string& variable : program.environment) {
    const size_t equals = variable.find('=');
    FUZZ_CHECK(equals != std::string::npos && equals > 0, "a variable without a name");
    FUZZ_CHECK(names.insert(variable.substr(0, equals)).second, "a variable is there twice");
  }
  rpc::LaunchRequest request;
  request.program = 7;
  request.spec = program;
  const std::optional<std::string> packet = rpc::EncodeRequest(request);
  if (!packet) return;
  const std::optional<rpc::LaunchRequest> again = rpc::DecodeRequest(*packet);
  FUZZ_CHECK(again && again->spec.command == program.command, "the launcher reads another command");
  FUZZ_CHECK(again->spec.environment == program.environment, "the launcher reads another environment");
  FUZZ_CHECK(again->spec.directory == program.directory && again->program == 7,
             "the launcher reads another program");
  FUZZ_CHECK(again->spec.limits.memory_bytes == program.limits.memory_bytes &&
                 again->spec.limits.cpu_s == program.limits.cpu_s,
             "the launcher reads other limits");
}

void CheckManifest(absl::string_view text) {
  absl::StatusOr<rpc::Manifest> manifest = rpc::ParseManifest(text, "f.json", "/nowhere");
  if (!manifest.ok()) {
    FUZZ_CHECK(ErrorReason(manifest.status()) == "MANIFEST_INVALID", "a manifest is refused otherwise");
    FUZZ_CHECK(!manifest.status().message().empty() && IsUtf8(manifest.status().message()),
               "a problem that cannot be told");
    return;
  }
  CheckProgram(manifest->program);
  auto function = std::make_shared<rpc::Function>();
  function->spec = manifest->spec;
  function->params = manifest->params;
  function->runnable = std::make_shared<rpc::testing::IdleRunnable>();
  auto registry = std::make_shared<rpc::Registry>();
  if (!registry->Add(std::move(function)).ok()) return;
  rpc::v1::ListFunctionsResponse response;
  rpc::ToProto(rpc::FunctionList{registry, {}}, &response);
  rpc::v1::ListFunctionsResponse again;
  FUZZ_CHECK(again.ParseFromString(response.SerializeAsString()), "a function cannot be listed");
  FUZZ_CHECK(again.functions_size() == 1 && again.functions(0).time_limit_ms() > 0 &&
                 again.functions(0).concurrency_max() > 0,
             "a function that can never run");
}

// The verdict, judged otherwise, too: a list of one schema asks for no more than that schema; what does not
// fit a schema is what fits its opposite.
void CheckSchema(absl::string_view schema_text, absl::string_view value_text) {
  const absl::StatusOr<rpc::Json> schema = rpc::ParseJson(schema_text, kTextBytesMax);
  if (!schema.ok()) return;
  const auto compiled = rpc::ParamsSchema::Compile(*schema);
  if (!compiled.ok()) {
    FUZZ_CHECK(ErrorReason(compiled.status()) == "SCHEMA_INVALID", "a schema is refused otherwise");
    FUZZ_CHECK(IsUtf8(compiled.status().message()), "a schema's problem that cannot be told");
    return;
  }
  const absl::StatusOr<rpc::Json> value = rpc::ParseJson(value_text, kTextBytesMax);
  if (!value.ok()) return;
  const rpc::Json params = rpc::Normalised(*value);
  const absl::Status verdict = (*compiled)->Check(params);
  if (!verdict.ok()) {
    FUZZ_CHECK(ErrorReason(verdict) == "PARAMS_INVALID", "params are refused otherwise");
    FUZZ_CHECK(!verdict.message().empty() && IsUtf8(verdict.message()), "a misfit that cannot be told");
  }
  if (schema->dump().find("\"#") != std::string::npos) return;  // a reference would lead elsewhere
  const auto list = rpc::ParamsSchema::Compile({{"allOf", rpc::Json::array({*schema})}});
  if (list.ok()) FUZZ_CHECK((*list)->Check(params).ok() == verdict.ok(), "one of one is another schema");
  const auto opposite = rpc::ParamsSchema::Compile({{"not", *schema}});
  if (opposite.ok()) FUZZ_CHECK((*opposite)->Check(params).ok() != verdict.ok(), "it fits both, or neither");
}

void CheckJson(absl::string_view text) {
  const absl::StatusOr<rpc::Json> value = rpc::ParseJson(text, kTextBytesMax);
  if (!value.ok()) {
    const std::string reason = ErrorReason(value.status());
    FUZZ_CHECK(reason == "NOT_JSON" || reason == "JSON_TOO_DEEP" || reason == "JSON_TOO_LARGE",
               "text is refused otherwise");
    return;
  }
  FUZZ_CHECK(IsUtf8(text), "bytes that are no text were taken for JSON");
  FUZZ_CHECK(rpc::DepthOf(*value) <= rpc::kJsonDepthMax, "JSON that is too deep was taken");
  const std::string canonical = rpc::CanonicalText(*value);
  const absl::StatusOr<rpc::Json> again = rpc::ParseJson(canonical, 8 * kTextBytesMax);
  FUZZ_CHECK(again.ok() && rpc::CanonicalText(*again) == canonical, "a canonical text is another one's");
  FUZZ_CHECK(rpc::Normalised(*again) == rpc::Normalised(*value), "a canonical text is another value's");
  google::protobuf::Value sent;
  rpc::ToProto(rpc::Normalised(*value), &sent);
  google::protobuf::Value taken;
  FUZZ_CHECK(taken.ParseFromString(sent.SerializeAsString()), "a value cannot be sent");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  fuzz::Input input(fuzz::BytesOf(data, size));
  switch (input.Byte() % 3) {
    case 0:
      fuzz::CheckManifest(input.rest());
      break;
    case 1: {
      const absl::string_view schema = input.Frame();
      fuzz::CheckSchema(schema, input.rest());
      break;
    }
    default:
      fuzz::CheckJson(input.rest());
  }
  return 0;
}
