#include "tests/rpc_sim/store.h"

#include <algorithm>
#include <memory>
#include <variant>

#include "services/common/error.h"

namespace lamppost::rpc::sim {
namespace {

std::vector<RequestId> IdsOf(const StoreOperation& operation) {
  if (const auto* get = std::get_if<GetRecord>(&operation)) return {get->id};
  if (const auto* create = std::get_if<CreateRecord>(&operation)) return {create->id};
  if (const auto* replace = std::get_if<ReplaceRecord>(&operation)) return {replace->id};
  std::vector<RequestId> ids;
  if (const auto* forget = std::get_if<ForgetRecords>(&operation)) {
    for (const auto& [id, revision] : forget->records) ids.push_back(id);
  }
  return ids;
}

const char* NameOf(const StoreOperation& operation) {
  static constexpr const char* kNames[] = {"get", "create", "replace", "forget", "scan", "find", "reserve"};
  return kNames[operation.index()];
}

std::string Describe(const StoreOperation& operation) {
  std::string text = NameOf(operation);
  for (const RequestId& id : IdsOf(operation)) absl::StrAppend(&text, " ", ToString(id));
  if (const auto* find = std::get_if<FindOwner>(&operation)) absl::StrAppend(&text, " ", find->owner);
  return text;
}

}  // namespace

bool Store::IsChange(const StoreOperation& operation) const {
  return std::holds_alternative<CreateRecord>(operation) ||
         std::holds_alternative<ReplaceRecord>(operation) ||
         std::holds_alternative<ForgetRecords>(operation) || std::holds_alternative<ReserveClock>(operation);
}

StoreAnswer Store::Unavailable(uint64_t number) {
  StoreAnswer answer;
  answer.number = number;
  answer.status =
      MakeError(absl::StatusCode::kUnavailable, "REQUEST_STORE_UNAVAILABLE", "it does not answer");
  return answer;
}

StoreAnswer Store::Apply(size_t server, const NumberedOperation& operation) {
  static constexpr const char* kVerdicts[] = {"done", "conflict", "expired"};
  StoreAnswer answer = table_.Apply(operation);
  if (const auto* find = std::get_if<FindOwner>(&operation.operation)) {
    answer.owner_is_alive = IsAlive(find->owner);
  } else if (const auto* reserve = std::get_if<ReserveClock>(&operation.operation)) {
    clock_limits_[server] = std::max(clock_limits_[server], reserve->limit);
  }
  to_.journal->Tell("store: S", server, " ", Describe(operation.operation), ": ",
                    kVerdicts[static_cast<int>(answer.verdict)], answer.record ? " " : "",
                    answer.record ? answer.record->value : "");
  if (answer.verdict != StoreAnswer::Verdict::kDone) return answer;
  if (const auto* create = std::get_if<CreateRecord>(&operation.operation)) {
    to_.oracle->Stored(create->id, create->value);
  } else if (const auto* replace = std::get_if<ReplaceRecord>(&operation.operation)) {
    to_.oracle->Stored(replace->id, replace->value);
  } else if (const auto* forget = std::get_if<ForgetRecords>(&operation.operation)) {
    to_.oracle->HorizonRaised(forget->horizon_ms);
    for (const auto& [id, revision] : forget->records) {
      if (table_.records().count(id) == 0) to_.oracle->Forgotten(id);
    }
  }
  return answer;
}

std::optional<Store::Opened> LocalStore::Open(size_t server, AnswerFn on_answer) {
  server_ = server;
  owner_ = absl::StrCat("S", server, ".", ++life_);
  on_answer_ = std::move(on_answer);
  return Opened{owner_, clock_limits_[server]};
}

void LocalStore::Submit(size_t, NumberedOperation operation) {
  waiting_.push_back(std::move(operation));
  if (committing_.empty()) BeginCommit();
}

void LocalStore::BeginCommit() {
  if (waiting_.empty()) return;
  std::swap(waiting_, committing_);
  const uint64_t delay_us = Chance(to_.setup->rates.store_slow) ? 200'000 : random_.Between(100, 4000);
  to_.scheduler->After(delay_us, [this, life = life_] {
    if (life == life_ && !owner_.empty()) EndCommit();
  });
}

void LocalStore::EndCommit() {
  const bool fails = Chance(to_.setup->rates.store_fails);
  if (fails) to_.journal->Strike(Fault::kStoreFails);
  std::vector<StoreAnswer> answers;
  for (const NumberedOperation& operation : std::exchange(committing_, {})) {
    answers.push_back(Unavailable(operation.number));
    if (!fails) {
      answers.back() = Apply(server_, operation);
    } else if (random_.Percent(50)) {
      Apply(server_, operation);
    }
  }
  for (StoreAnswer& answer : answers) {
    on_answer_(std::move(answer));
    if (owner_.empty()) return;  // it has crashed with that
  }
  BeginCommit();
}

void LocalStore::Crash(size_t) {
  for (const auto* const group : {&committing_, &waiting_}) {
    for (const NumberedOperation& operation : *group) {
      if (!IsChange(operation.operation)) continue;
      const bool kept = random_.Percent(50);
      to_.journal->Strike(kept ? Fault::kUnsyncedKept : Fault::kUnsyncedLost);
      if (kept) Apply(server_, operation);
    }
  }
  End();
}

void LocalStore::Close(size_t) {
  for (const auto* const group : {&committing_, &waiting_}) {
    for (const NumberedOperation& operation : *group) Apply(server_, operation);
  }
  End();
}

void LocalStore::End() {
  committing_.clear();
  waiting_.clear();
  owner_.clear();
}

bool SharedStore::IsReached(size_t server) {
  const uint64_t now_ms = to_.scheduler->now_ms();
  return now_ms >= down_until_ms_ && now_ms >= lives_[server].cut_until_ms;
}

std::string SharedStore::NewLease(size_t server) {
  Life& life = lives_[server];
  life.owner = absl::StrCat("S", server, ".", life.number, ".", ++life.leases);
  leases_[life.owner] = to_.scheduler->now_ms() + to_.setup->lease_ms;
  return life.owner;
}

std::optional<Store::Opened> SharedStore::Open(size_t server, AnswerFn on_answer) {
  if (!IsReached(server)) return std::nullopt;
  Life& life = lives_[server];
  life.open = true;
  ++life.number;
  life.leases = 0;
  life.on_answer = std::move(on_answer);
  return Opened{NewLease(server), clock_limits_[server]};
}

void SharedStore::Close(size_t server) {
  Life& life = lives_[server];
  life.open = false;
  if (IsReached(server)) leases_.erase(life.owner);
}

bool SharedStore::IsAlive(const std::string& owner) {
  const auto lease = leases_.find(owner);
  return lease != leases_.end() && to_.scheduler->now_ms() < lease->second;
}

std::string SharedStore::Renew(size_t server) {
  Life& life = lives_[server];
  if (!IsReached(server)) return life.owner;
  if (!IsAlive(life.owner)) {
    to_.journal->Strike(Fault::kLeaseLost);
    return NewLease(server);
  }
  leases_[life.owner] = to_.scheduler->now_ms() + to_.setup->lease_ms;
  return life.owner;
}

void SharedStore::Answer(size_t server, uint64_t life, StoreAnswer answer) {
  const Life& now = lives_[server];
  if (now.open && now.number == life) now.on_answer(std::move(answer));
}

void SharedStore::Submit(size_t server, NumberedOperation operation) {
  const Life& life = lives_[server];
  const auto answered = std::make_shared<bool>(false);
  to_.scheduler->AfterMs(kTimeoutMs, [this, server, answered, life = life.number, number = operation.number] {
    if (!std::exchange(*answered, true)) Answer(server, life, Unavailable(number));
  });
  if (!IsReached(server)) return;
  if (Chance(to_.setup->rates.store_lost)) return to_.journal->Strike(Fault::kStoreRequestLost);
  const bool slow = Chance(to_.setup->rates.store_slow);
  const uint64_t delay_us = slow ? random_.Between(1, 2 * kTimeoutMs * 1000) : random_.Between(200, 5000);
  to_.scheduler->After(delay_us, [this, server, answered, life = life.number, operation] {
    const bool late = *answered;
    StoreAnswer answer = Apply(server, operation);
    if (late) return to_.journal->Strike(Fault::kStoreLate);
    if (!IsReached(server) || Chance(to_.setup->rates.store_answer_lost)) {
      return to_.journal->Strike(Fault::kStoreAnswerLost);
    }
    to_.scheduler->After(random_.Between(200, 5000), [this, server, answered, life, answer] {
      if (!std::exchange(*answered, true)) Answer(server, life, answer);
    });
  });
}

}  // namespace lamppost::rpc::sim
