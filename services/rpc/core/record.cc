#include "services/rpc/core/record.h"

#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/mutation.h"

namespace lamppost::rpc {
namespace {

// An outcome is far smaller; a bound all the same.
constexpr size_t kRecordBytesMax = size_t{64} << 20;

// [counter, node id, incarnation]; the last as text, since it goes beyond what JSON's readers keep exact.
Json ToJson(const Timestamp& timestamp) {
  return Json::array(
      {timestamp.counter, timestamp.origin.node_id, absl::StrCat(timestamp.origin.incarnation)});
}

Json ToJson(const Outcome& outcome) {
  Json json = {{"started", ToJson(outcome.started)},
               {"finished", ToJson(outcome.finished)},
               {"elapsed_ms", outcome.elapsed_ms}};
  if (outcome.kind == Outcome::Kind::kResult) {
    // As text, so that it comes back byte for byte.
    json["result"] = outcome.result;
    return json;
  }
  Json error = {{"reason", outcome.error.reason}, {"message", outcome.error.message}};
  if (outcome.error.exit_code) error["exit_code"] = *outcome.error.exit_code;
  if (outcome.error.signal) error["signal"] = *outcome.error.signal;
  if (!outcome.error.error_output.empty()) error["error_output"] = outcome.error.error_output;
  json[outcome.kind == Outcome::Kind::kError ? "error" : "unknown"] = std::move(error);
  return json;
}

// Takes JSON apart; after the first thing that does not fit, ok() is false.
class Reader {
 public:
  bool ok() const { return ok_; }

  std::string Text(const Json& json, const char* name) {
    const Json* const member = Find(json, name);
    return member != nullptr && Expect(member->is_string()) ? member->get<std::string>() : std::string();
  }
  uint64_t Number(const Json& json, const char* name) {
    const Json* const member = Find(json, name);
    return member != nullptr ? NumberOf(*member) : 0;
  }
  std::optional<int> MaybeInt(const Json& json, const char* name) {
    if (!json.contains(name) || !Expect(json[name].is_number_integer())) return std::nullopt;
    const int number = json[name].get<int>();
    Expect(json[name] == number);  // it may be beyond an int
    return number;
  }
  Timestamp Time(const Json& json, const char* name) {
    Timestamp time;
    const Json* const member = Find(json, name);
    if (member == nullptr || !Expect(member->is_array() && member->size() == 3)) return time;
    const Json& parts = *member;
    time.counter = NumberOf(parts[0]);
    if (!Expect(parts[1].is_string() && parts[2].is_string())) return time;
    time.origin.node_id = parts[1].get<std::string>();
    const std::string& incarnation = parts[2].get_ref<const std::string&>();
    Expect(absl::SimpleAtoi(incarnation, &time.origin.incarnation) &&
           absl::StrCat(time.origin.incarnation) == incarnation);
    return time;
  }
  const Json* Find(const Json& json, const char* name) {
    const auto it = json.find(name);
    return Expect(it != json.end()) ? &*it : nullptr;
  }
  bool Expect(bool condition) {
    ok_ = ok_ && condition;
    return condition;
  }

 private:
  uint64_t NumberOf(const Json& json) { return Expect(json.is_number_unsigned()) ? json.get<uint64_t>() : 0; }

  bool ok_ = true;
};

FunctionError ReadError(const Json& json, Reader* reader) {
  FunctionError error;
  if (!reader->Expect(json.is_object())) return error;
  error.reason = reader->Text(json, "reason");
  error.message = reader->Text(json, "message");
  error.exit_code = reader->MaybeInt(json, "exit_code");
  error.signal = reader->MaybeInt(json, "signal");
  if (json.contains("error_output")) error.error_output = reader->Text(json, "error_output");
  return error;
}

Outcome ReadOutcome(const Json& json, Reader* reader) {
  Outcome outcome;
  if (!reader->Expect(json.is_object())) return outcome;
  outcome.started = reader->Time(json, "started");
  outcome.finished = reader->Time(json, "finished");
  outcome.elapsed_ms = reader->Number(json, "elapsed_ms");
  if (json.contains("result")) {
    outcome.kind = Outcome::Kind::kResult;
    outcome.result = reader->Text(json, "result");
  } else if (json.contains("error")) {
    outcome.kind = Outcome::Kind::kError;
    outcome.error = ReadError(json["error"], reader);
  } else if (reader->Expect(json.contains("unknown"))) {
    outcome.kind = Outcome::Kind::kUnknown;
    outcome.error = ReadError(json["unknown"], reader);
  }
  return outcome;
}

Record ReadRecord(const Json& json, Reader* reader) {
  Record record;
  if (!reader->Expect(json.is_object())) return record;
  const std::string state = reader->Text(json, "state");
  record.first_seen_ms = reader->Number(json, "first_seen_ms");
  if (state == "forgotten") {
    record.state = Record::State::kForgotten;
    return record;
  }
  reader->Expect(state == "running" || state == "done");
  record.state = state == "done" ? Record::State::kDone : Record::State::kRunning;
  record.method = reader->Text(json, "method");
  record.fingerprint = reader->Text(json, "fingerprint");
  record.owner = reader->Text(json, "owner");
  record.run = reader->Number(json, "run");
  if (json.contains("idempotent") && reader->Expect(json["idempotent"] == true)) {
    record.repeat = Repeat::kIdempotent;
  }
  if (json.contains("client_id")) record.client_id = reader->Text(json, "client_id");
  record.started = reader->Time(json, "started");
  if (record.state == Record::State::kDone) {
    if (const Json* const outcome = reader->Find(json, "outcome"))
      record.outcome = ReadOutcome(*outcome, reader);
  }
  return record;
}

auto Members(const Outcome& o) {
  return std::tie(o.kind, o.result, o.error.reason, o.error.message, o.error.exit_code, o.error.signal,
                  o.error.error_output, o.started, o.finished, o.elapsed_ms);
}

}  // namespace

bool operator==(const Outcome& a, const Outcome& b) {
  return Members(a) == Members(b);
}

std::string Fingerprint(absl::string_view method, absl::string_view params) {
  if (LAMPPOST_MUTATION(kParamsNotFingerprinted)) params = "";
  // A method's name has no NUL.
  const std::string both = absl::StrCat(method, absl::string_view("\0", 1), params);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(both.data()), both.size(), digest.data());
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::string Encode(const Record& record) {
  Json json = {{"first_seen_ms", record.first_seen_ms}};
  if (record.state == Record::State::kForgotten) {
    json["state"] = "forgotten";
    return json.dump();
  }
  json["state"] = record.state == Record::State::kDone ? "done" : "running";
  json["method"] = record.method;
  json["fingerprint"] = record.fingerprint;
  json["owner"] = record.owner;
  json["run"] = record.run;
  if (record.repeat == Repeat::kIdempotent) json["idempotent"] = true;
  if (!record.client_id.empty()) json["client_id"] = record.client_id;
  json["started"] = ToJson(record.started);
  if (record.state == Record::State::kDone) json["outcome"] = ToJson(record.outcome);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<Record> DecodeRecord(absl::string_view text) {
  Reader reader;
  const absl::StatusOr<Json> json = ParseJson(text, kRecordBytesMax);
  Record record;
  if (json.ok()) record = ReadRecord(*json, &reader);
  if (json.ok() && reader.ok()) return record;
  return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT", "a stored request record cannot be read");
}

}  // namespace lamppost::rpc
