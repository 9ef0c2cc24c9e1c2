// What a server's error brings a client: code, message, google.rpc details, and the clock in its trailers.
#include <map>
#include <string>

#include "clients/cpp/outcome.h"
#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/common/utf8.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

void CheckError(const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  FUZZ_CHECK(reason.size() <= kErrorReasonBytesMax && IsUtf8(reason), "a reason is no short text");
  const auto delay_ms = RetryDelayMs(status);
  FUZZ_CHECK(!delay_ms || (*delay_ms >= 0 && *delay_ms <= kRetryDelayMsMax), "a delay is out of bounds");
  for (const client::CallKind kind : {client::CallKind::kRead, client::CallKind::kRepeatableWrite}) {
    const client::Effect effect = client::EffectOf(kind, client::Reach::kSent, status);
    FUZZ_CHECK(effect != client::Effect::kDone, "an error is taken for a success");
    FUZZ_CHECK(client::OutcomeOf(status, effect) != client::Outcome::kDone, "an error is an outcome");
  }
}

// A server that passes the error on says the same.
void CheckPassedOn(const absl::Status& status) {
  const grpc::Status sent = ToGrpcStatus(status);
  FUZZ_CHECK(!sent.ok(), "an error is passed on as a success");
  FUZZ_CHECK(sent.error_message().size() <= kErrorMessageBytesMax, "an error's message is not bounded");
  FUZZ_CHECK(IsUtf8(sent.error_message()), "an error's message is no text");
  const absl::Status got = FromGrpcStatus(sent);
  FUZZ_CHECK(got.code() == status.code(), "an error has become another one");
  FUZZ_CHECK(RetryDelayMs(got) == RetryDelayMs(status), "an error has another delay");
  const std::string reason = ErrorReason(status);
  FUZZ_CHECK(reason.empty() || ErrorReason(got) == reason, "an error has another reason");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  fuzz::Input input(fuzz::BytesOf(data, size));
  // What the enumeration can hold: known codes, unknown ones, and -1.
  const auto code = static_cast<grpc::StatusCode>(input.Byte() % 33 - 1);
  const std::string message(input.Frame());
  const std::string details(input.Frame());
  const absl::Status status = FromGrpcStatus(grpc::Status(code, message, details));
  FUZZ_CHECK(status.ok() == (code == grpc::StatusCode::OK), "an error is a success, or the reverse");
  if (!status.ok()) {
    fuzz::CheckError(status);
    fuzz::CheckPassedOn(status);
  }
  std::multimap<grpc::string_ref, grpc::string_ref> trailers;
  while (!input.empty()) {
    const absl::string_view value = input.Frame();
    trailers.emplace(kClockMetadataKey, grpc::string_ref(value.data(), value.size()));
  }
  const auto clock = HighestClock(trailers);
  FUZZ_CHECK(!clock || !trailers.empty(), "a clock has come from nowhere");
  return 0;
}
