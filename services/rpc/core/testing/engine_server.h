// For tests: an engine over a table of records in the same thread. Operations reach the table when the test
// says so; runs do nothing until the test ends them.
#ifndef LAMPPOST_SERVICES_RPC_CORE_TESTING_ENGINE_SERVER_H_
#define LAMPPOST_SERVICES_RPC_CORE_TESTING_ENGINE_SERVER_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "services/rpc/core/engine.h"
#include "services/rpc/storage/record_table.h"

namespace lamppost::rpc::testing {

inline constexpr uint64_t kWallMs = 1'800'000'000'000;

// An id of version 7 that was minted at this time; different numbers, different ids.
inline RequestId IdAt(uint64_t minted_ms, uint8_t number) {
  RequestId::Bytes bytes = {};
  for (size_t i = 0; i < 6; ++i) bytes[i] = static_cast<uint8_t>(minted_ms >> (40 - 8 * i));
  bytes[6] = 0x70;
  bytes[8] = 0x80;
  bytes[15] = number;
  return RequestId(bytes);
}

inline RequestId RandomId(uint8_t number) {
  RequestId::Bytes bytes = {};
  bytes[0] = number;
  bytes[6] = 0x40;
  bytes[8] = 0x80;
  return RequestId(bytes);
}

// The tests end runs themselves.
class IdleRunnable final : public Runnable {
 public:
  void Start(RunRequest, RunSink*) override {}
  void Kill(RunId) override {}
};

inline Registry::FunctionPtr MakeFunction(FunctionSpec spec) {
  auto function = std::make_shared<Function>();
  function->spec = std::move(spec);
  function->params = *ParamsSchema::Compile(Json{{"type", "object"}});
  function->runnable = std::make_shared<IdleRunnable>();
  return function;
}

// once (two at a time, one waits), again (idempotent), killable.
inline std::shared_ptr<const Registry> TestRegistry() {
  auto registry = std::make_shared<Registry>();
  FunctionSpec once;
  once.name = "once";
  once.concurrency_max = 2;
  once.queue_max = 1;
  once.time_limit_ms = 1000;
  FunctionSpec again = once;
  again.name = "again";
  again.repeat = Repeat::kIdempotent;
  FunctionSpec killable = once;
  killable.name = "killable";
  killable.when_abandoned = WhenAbandoned::kKill;
  killable.abandon_grace_ms = 200;
  for (const FunctionSpec& spec : {once, again, killable}) registry->Add(MakeFunction(spec)).IgnoreError();
  return registry;
}

class EngineServer {
 public:
  EngineServer(RecordTable* table, const std::string& owner)
      : table_(table), owner_(owner), clock_(table->clock_limit()) {
    table_->AddOwner(owner);
    EngineOptions options;
    options.origin = {owner, 1};
    engine_ = std::make_unique<Engine>(options, &clock_, owner, TestRegistry());
    Settle();
  }

  // It is gone, with all it knew and all that was on its way.
  void Crash() {
    table_->RemoveOwner(owner_);
    engine_.reset();
    operations_.clear();
  }

  CallerId Call(const RequestId& id, const std::string& method, const Json& params = Json::object()) {
    CallInput input;
    input.id = id;
    input.method = method;
    input.params = params;
    return Call(std::move(input));
  }
  CallerId Call(CallInput input) {
    const CallerId caller = next_caller_++;
    engine_->Call(caller, std::move(input), now_);
    Collect();
    return caller;
  }
  CallerId Look(const RequestId& id) {
    const CallerId caller = next_caller_++;
    engine_->Look(caller, id, now_);
    Settle();
    return caller;
  }
  void Leave(CallerId caller) {
    engine_->Leave(caller, now_);
    Collect();
  }

  // The oldest operation reaches the table and its answer comes back, or is lost; or what it is about is
  // damaged.
  enum class AnswerIs { kDelivered, kLost, kDamage };
  void Step(AnswerIs answer_is = AnswerIs::kDelivered) {
    const NumberedOperation operation = operations_.front();
    operations_.pop_front();
    StoreAnswer answer;
    if (answer_is != AnswerIs::kDamage) answer = table_->Apply(operation);
    if (answer_is != AnswerIs::kDelivered) answer = StoreAnswer();
    if (answer_is == AnswerIs::kLost) answer.status = absl::UnavailableError("lost");
    if (answer_is == AnswerIs::kDamage) answer.status = absl::DataLossError("damaged");
    answer.number = operation.number;
    engine_->StoreAnswered(std::move(answer), now_);
    Collect();
  }
  // Until the store has nothing left to answer.
  void Settle() {
    Collect();
    while (!operations_.empty()) Step();
  }
  // Time passes, in steps of at most 50 ms, and the store answers.
  void Pass(uint64_t duration_ms) {
    for (const uint64_t end_ms = now_.steady_ms + duration_ms; now_.steady_ms < end_ms;) {
      const uint64_t step_ms = std::min<uint64_t>(50, end_ms - now_.steady_ms);
      now_.steady_ms += step_ms;
      now_.wall_ms += step_ms;
      engine_->Tick(now_);
      Settle();
    }
  }
  void Finish(RunId run, RunResult result) {
    engine_->Finished(run, std::move(result), now_);
    Collect();
  }
  void FinishKilled(RunId run) {
    FunctionError error;
    error.reason = kKilled;
    Finish(run, error);
  }

  Engine* engine() { return engine_.get(); }
  Times* now() { return &now_; }
  LamportClock* clock() { return &clock_; }
  size_t operations() const { return operations_.size(); }
  const std::vector<EngineOutput::Start>& starts() const { return starts_; }
  RunId last_run() const { return starts_.back().request.run; }
  const std::vector<RunId>& kills() const { return kills_; }
  bool HasReply(CallerId caller) const { return replies_.count(caller) > 0; }
  const absl::StatusOr<CallReply>& ReplyOf(CallerId caller) const { return replies_.at(caller); }
  const absl::StatusOr<CallInfo>& LookReplyOf(CallerId caller) const { return look_replies_.at(caller); }

  void Collect() {
    EngineOutput output = engine_->TakeOutput();
    for (NumberedOperation& operation : output.operations) operations_.push_back(std::move(operation));
    for (EngineOutput::Start& start : output.starts) starts_.push_back(std::move(start));
    for (const EngineOutput::Kill& kill : output.kills) kills_.push_back(kill.run);
    for (EngineOutput::Reply& reply : output.replies) replies_.insert({reply.caller, std::move(reply.reply)});
    for (EngineOutput::LookReply& reply : output.look_replies) {
      look_replies_.insert({reply.caller, std::move(reply.reply)});
    }
  }

 private:
  RecordTable* const table_;
  const std::string owner_;
  LamportClock clock_;
  std::unique_ptr<Engine> engine_;
  Times now_{1000, kWallMs};
  CallerId next_caller_ = 1;
  std::deque<NumberedOperation> operations_;  // on their way to the table
  std::vector<EngineOutput::Start> starts_;
  std::vector<RunId> kills_;
  std::map<CallerId, absl::StatusOr<CallReply>> replies_;
  std::map<CallerId, absl::StatusOr<CallInfo>> look_replies_;
};

}  // namespace lamppost::rpc::testing

#endif  // LAMPPOST_SERVICES_RPC_CORE_TESTING_ENGINE_SERVER_H_
