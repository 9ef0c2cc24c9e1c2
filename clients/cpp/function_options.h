// What a FunctionClient can be told. Plain values.
#ifndef LAMPPOST_CLIENTS_CPP_FUNCTION_OPTIONS_H_
#define LAMPPOST_CLIENTS_CPP_FUNCTION_OPTIONS_H_

#include <grpcpp/security/credentials.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clients/cpp/attempt.h"
#include "clients/cpp/function_stub.h"
#include "clients/cpp/retry_policy.h"
#include "clients/cpp/time_source.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

// What the servers are told about ids that are done.
enum class Watermark {
  kNone,
  kAutomatic,  // with each call: all ids below the oldest that has no definite outcome yet
};

struct HedgeOptions {
  // A Call whose attempt has no answer after it goes out once more beside it; unset: never. Not while too
  // many attempts fail (RetryBudget).
  std::optional<int64_t> delay_ms;
  int hedges_max = 1;  // of one attempt
};

// Five seconds an attempt, as many attempts as the time allows; one that only waited costs nothing.
inline RetryOptions FunctionRetryOptions() {
  RetryOptions retry;
  retry.attempt_timeout_ms = 5'000;
  retry.attempts_max = 1'000'000;
  retry.slow_attempt = SlowAttempt::kWait;
  return retry;
}

struct FunctionClientOptions {
  // Null: plain text. services/security/credentials.h makes them.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  // All of them equal: each call goes to the next one that is connected and healthy. At least one; a dns:///
  // stands alone and for all servers that its name is looked up to.
  std::vector<Address> servers;
  // Bounds a whole call, all its attempts and waits included; unset: only retry.attempts_max does.
  std::optional<int64_t> timeout_ms = 30'000;
  RetryOptions retry = FunctionRetryOptions();
  HedgeOptions hedge;
  Watermark watermark = Watermark::kNone;
  // Whose watermark it is: 1 to 64 printable ASCII characters, never that of another client, nor of an
  // earlier life of this one that might be asked about again. Empty: with kAutomatic the client mints one.
  std::string client_id;
  AttemptObserver observer;
};

// What a client takes from the world. Empty members mean the real thing.
struct FunctionEnvironment {
  std::shared_ptr<TimeSource> time;
  RandomSource random;
  FunctionStubFactory stub_factory;
  std::function<uint64_t()> wall_ms;      // Unix time, for request ids
  std::function<uint64_t()> random_bits;  // for request ids
};

// For one call.
struct FunctionCallOptions {
  std::optional<int64_t> timeout_ms;  // instead of FunctionClientOptions::timeout_ms
  // A UUID that an earlier call may have used, to ask again. Empty: the client mints one.
  std::string request_id;
  // Told the call's request id once, minted or given, in the calling thread, before the first attempt: from
  // then on somebody may have to ask for it. Not told if nothing will be sent. Must not use the client.
  std::function<void(const std::string& request_id)> on_request_id = {};
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_FUNCTION_OPTIONS_H_
