#include "services/rpc/server/codec.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/common/utf8.h"

namespace lamppost::rpc {
namespace {

namespace pb = google::protobuf;

absl::Status Refuse(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::Status TooDeep() {
  return Refuse("PARAMS_TOO_DEEP", absl::StrCat("params are nested more than ", kJsonDepthMax, " deep"));
}

absl::StatusOr<Json> FromProto(const pb::Value& message, size_t depth_left);

absl::StatusOr<Json> FromProto(const pb::Struct& message, size_t depth_left) {
  if (depth_left == 0) return TooDeep();
  Json object = Json::object();
  for (const auto& [name, field] : message.fields()) {
    absl::StatusOr<Json> value = FromProto(field, depth_left - 1);
    if (!value.ok()) return value;
    object[name] = *std::move(value);
  }
  return object;
}

absl::StatusOr<Json> FromProto(const pb::ListValue& message, size_t depth_left) {
  if (depth_left == 0) return TooDeep();
  Json array = Json::array();
  for (const pb::Value& element : message.values()) {
    absl::StatusOr<Json> value = FromProto(element, depth_left - 1);
    if (!value.ok()) return value;
    array.push_back(*std::move(value));
  }
  return array;
}

absl::StatusOr<Json> FromProto(const pb::Value& message, size_t depth_left) {
  switch (message.kind_case()) {
    case pb::Value::kNullValue:
      return Json(nullptr);
    case pb::Value::kNumberValue:
      if (std::isfinite(message.number_value())) return Normalised(message.number_value());
      return Refuse("PARAMS_NOT_JSON", "params hold a number that is NaN or infinite");
    case pb::Value::kStringValue:
      return Json(message.string_value());
    case pb::Value::kBoolValue:
      return Json(message.bool_value());
    case pb::Value::kStructValue:
      return FromProto(message.struct_value(), depth_left);
    case pb::Value::kListValue:
      return FromProto(message.list_value(), depth_left);
    case pb::Value::KIND_NOT_SET:
      break;
  }
  return Refuse("PARAMS_NOT_JSON", "params hold a value of no kind");
}

void Write(const Json& value, size_t depth_left, pb::Value* message);

void WriteObject(const Json& object, size_t depth_left, pb::Struct* message) {
  if (depth_left == 0) return;
  for (const auto& [name, value] : object.items()) {
    Write(value, depth_left - 1, &(*message->mutable_fields())[name]);
  }
}

void Write(const Json& value, size_t depth_left, pb::Value* message) {
  if (value.is_string()) {
    message->set_string_value(value.get_ref<const std::string&>());
  } else if (value.is_boolean()) {
    message->set_bool_value(value.get<bool>());
  } else if (value.is_number()) {
    message->set_number_value(value.get<double>());
  } else if (value.is_object() && depth_left > 0) {
    WriteObject(value, depth_left, message->mutable_struct_value());
  } else if (value.is_array() && depth_left > 0) {
    pb::ListValue* const list = message->mutable_list_value();
    for (const Json& element : value) Write(element, depth_left - 1, list->add_values());
  } else {
    message->set_null_value(pb::NULL_VALUE);
  }
}

// What a record of the store makes of the text, so that the first answer and a later one are the same.
std::string AsStored(const std::string& text) {
  if (IsUtf8(text)) return text;
  const std::string quoted = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(quoted, nullptr, /*allow_exceptions=*/false).get<std::string>();
}

void WriteError(const FunctionError& error, v1::FunctionError* message) {
  message->set_reason(AsStored(error.reason));
  message->set_message(AsStored(error.message));
  if (error.exit_code) message->set_exit_code(*error.exit_code);
  if (error.signal) message->set_signal(*error.signal);
  message->set_error_output(AsStored(error.error_output));
}

absl::Status WriteResult(const std::string& text, v1::Outcome* message) {
  const absl::StatusOr<Json> result = ParseJson(text, text.size());
  if (!result.ok()) {
    return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT", "the result that was kept is not JSON");
  }
  ToProto(*result, message->mutable_result());
  if (message->result().ByteSizeLong() <= kResultMessageBytesMax) return absl::OkStatus();
  message->mutable_error()->set_reason("RESULT_TOO_LARGE");
  message->mutable_error()->set_message(
      absl::StrCat("the result is more than a message of ", kResultMessageBytesMax, " bytes can hold"));
  return absl::OkStatus();
}

v1::CallState StateOf(CallInfo::State state) {
  switch (state) {
    case CallInfo::State::kQueued:
      return v1::CALL_STATE_QUEUED;
    case CallInfo::State::kRunning:
      return v1::CALL_STATE_RUNNING;
    case CallInfo::State::kDone:
      return v1::CALL_STATE_DONE;
    case CallInfo::State::kInterrupted:
      return v1::CALL_STATE_INTERRUPTED;
  }
  return v1::CALL_STATE_UNSPECIFIED;
}

void Write(const Function& function, const FunctionList::Load& load, v1::FunctionInfo* message) {
  const FunctionSpec& spec = function.spec;
  message->set_name(spec.name);
  message->set_description(AsStored(spec.description));
  if (function.params != nullptr) ToProto(function.params->text(), message->mutable_params());
  message->set_idempotent(spec.repeat == Repeat::kIdempotent);
  message->set_time_limit_ms(spec.time_limit_ms);
  message->set_concurrency_max(static_cast<uint32_t>(spec.concurrency_max));
  message->set_queue_max(static_cast<uint32_t>(spec.queue_max));
  message->set_cancellable(spec.when_abandoned == WhenAbandoned::kKill);
  message->set_source(AsStored(spec.source));
  message->set_running(static_cast<uint32_t>(load.running));
  message->set_waiting(static_cast<uint32_t>(load.waiting));
}

}  // namespace

absl::StatusOr<Json> ParamsFromProto(const pb::Struct& params) {
  absl::StatusOr<Json> value = FromProto(params, kJsonDepthMax);
  if (!value.ok()) return value;
  if (CanonicalText(*value).size() > kParamsBytesMax) {
    return Refuse("PARAMS_TOO_LARGE",
                  absl::StrCat("params are more than ", kParamsBytesMax, " bytes of JSON"));
  }
  return value;
}

void ToProto(const Json& value, pb::Value* message) {
  Write(value, kJsonDepthMax, message);
}

void ToProto(const Json& object, pb::Struct* message) {
  if (object.is_object()) WriteObject(object, kJsonDepthMax, message);
}

absl::Status ToProto(const Outcome& outcome, v1::Outcome* message) {
  lamppost::ToProto(outcome.started, message->mutable_started());
  lamppost::ToProto(outcome.finished, message->mutable_finished());
  message->set_elapsed_ms(outcome.elapsed_ms);
  switch (outcome.kind) {
    case Outcome::Kind::kResult:
      return WriteResult(outcome.result, message);
    case Outcome::Kind::kError:
      WriteError(outcome.error, message->mutable_error());
      break;
    case Outcome::Kind::kUnknown:
      message->mutable_unknown()->set_reason(AsStored(outcome.error.reason));
      message->mutable_unknown()->set_message(AsStored(outcome.error.message));
      break;
  }
  return absl::OkStatus();
}

void ToProto(const Progress& progress, v1::Progress* message) {
  if (progress.fraction) message->set_fraction(*progress.fraction);
  message->set_message(AsStored(progress.message));
}

absl::Status ToProto(const CallInfo& info, v1::GetCallResponse* message) {
  message->set_state(StateOf(info.state));
  message->set_method(info.method);
  if (info.progress) ToProto(*info.progress, message->mutable_progress());
  if (!info.outcome) return absl::OkStatus();
  return ToProto(*info.outcome, message->mutable_outcome());
}

void ToProto(const FunctionList& list, v1::ListFunctionsResponse* message) {
  for (const auto& [name, function] : list.registry->functions()) {
    const auto load = list.loads.find(name);
    Write(*function, load == list.loads.end() ? FunctionList::Load() : load->second,
          message->add_functions());
  }
  for (const FunctionProblem& problem : list.registry->problems()) {
    v1::FunctionProblem* const added = message->add_problems();
    added->set_file(AsStored(problem.file));
    added->set_message(AsStored(problem.message));
  }
}

}  // namespace lamppost::rpc
