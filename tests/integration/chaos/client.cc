#include "tests/integration/chaos/client.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "clients/cpp/grpc_node_stub.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/common/listen_address.h"

namespace lamppost::chaos {
namespace {

namespace v1 = kv::v1;
using history::Item;
using history::Kind;
using history::Operation;
using history::Outcome;

// Few hot keys make writers meet; many cold ones keep their last write for the end, where its loss shows.
constexpr uint64_t kHotKeys = 16;
constexpr uint64_t kScannedKeys = 20;
constexpr uint64_t kLargeBytesMax = 8000;
constexpr uint64_t kAttemptsMax = 4;
constexpr uint64_t kPauseMaxUs = 2000;
constexpr int kBehindMax = 30;
constexpr uint64_t kPauseAfterErrorMaxUs = 20'000;

std::string HotKey(uint64_t number) {
  return absl::StrFormat("h%02d", number);
}
std::string ColdKey(uint64_t number) {
  return absl::StrFormat("c%05d", number);
}

}  // namespace

Workload DrawWorkload(uint64_t seed) {
  constexpr uint64_t kColdKeys[] = {200, 3000, 20'000};
  constexpr uint64_t kLargePercents[] = {1, 5, 25};
  constexpr uint64_t kDeletePercents[] = {5, 25, 50};
  std::mt19937_64 random(seed);
  Workload workload;
  workload.cold_keys = kColdKeys[random() % 3];
  workload.large_percent = kLargePercents[random() % 3];
  workload.delete_percent = kDeletePercents[random() % 3];
  return workload;
}

std::string ToString(const Workload& workload) {
  return absl::StrCat(workload.cold_keys, " cold keys, ", workload.large_percent, "% large values, ",
                      workload.delete_percent, "% deletions");
}

Client::Client(uint64_t number, uint64_t seed, const std::vector<Target>& targets, RunClock clock)
    : number_(number),
      workload_(DrawWorkload(seed)),
      run_clock_(std::move(clock)),
      random_(seed * 1000 + number) {
  for (const Target& target : targets) {
    nodes_.push_back({target.id, client::MakeGrpcNodeStub(ParseAddress(target.address).value(), nullptr)});
  }
  MoveOn();
  thread_ = std::thread([this] { Run(); });
}

Client::~Client() {
  Stop();
  if (thread_.joinable()) thread_.join();
}

std::vector<Operation> Client::Join() {
  if (thread_.joinable()) thread_.join();
  return std::move(done_);
}

void Client::Run() {
  while (!stopped_) {
    Step();
    Pause(kPauseMaxUs);
  }
}

void Client::Pause(uint64_t max_us) {
  absl::SleepFor(absl::Microseconds(Below(max_us)));
}

void Client::Step() {
  if (Chance(10)) MoveOn();
  const uint64_t dice = Below(100);
  if (dice < 40) {
    Get();
  } else if (dice < 50) {
    Scan();
  } else {
    Write();
  }
}

std::string Client::AnyKey() {
  return Chance(30) ? HotKey(Below(kHotKeys)) : ColdKey(Below(workload_.cold_keys));
}

// No two are alike, so that a value tells which write it is of.
std::string Client::NewValue() {
  std::string value = absl::StrCat("v", number_, "-", ++values_);
  if (Chance(workload_.large_percent)) value.append(Below(kLargeBytesMax), '.');
  return value;
}

std::vector<Item> Client::NewItems() {
  const uint64_t count = Chance(25) ? 2 + Below(6) : 1;
  std::set<std::string> keys;
  while (keys.size() < count) keys.insert(AnyKey());
  std::vector<Item> items;
  for (const std::string& key : keys) {
    items.push_back(
        {key, Chance(workload_.delete_percent) ? std::nullopt : std::make_optional(NewValue()), {}});
  }
  return items;
}

// Some clients have no patience, and hang up on writes that are under way.
int64_t Client::TimeoutMs() {
  return Chance(5) ? 5 + Below(50) : 1000;
}

Operation Client::Begin(Kind kind) {
  Operation operation;
  operation.kind = kind;
  operation.client = number_;
  operation.node = nodes_[node_].id;
  operation.start_us = run_clock_();
  return operation;
}

void Client::End(Operation operation, const client::AttemptEnd& end) {
  operation.end_us = run_clock_();
  if (end.server_clock) clock_.Observe(*end.server_clock);
  if (!end.status.ok()) {
    const std::string reason = ErrorReason(end.status);
    operation.error = reason.empty() ? absl::StatusCodeToString(end.status.code()) : reason;
    const auto call = operation.kind == Kind::kRead  ? client::CallKind::kRead
                      : operation.request_id.empty() ? client::CallKind::kSingleWrite
                                                     : client::CallKind::kRepeatableWrite;
    const client::Effect effect = client::EffectOf(call, end.reach, end.status);
    operation.outcome = effect == client::Effect::kNone ? Outcome::kFailed : Outcome::kUnknown;
    MoveOn();
    Pause(kPauseAfterErrorMaxUs);
  } else {
    operation.outcome = Outcome::kOk;
  }
  done_.push_back(std::move(operation));
}

template <typename Request>
void Client::SetSession(Request* request, Operation* operation) const {
  if (!CarriesSession()) return;
  *request->mutable_session() = session_->Get();
  for (const clock::v1::Head& head : request->session().heads()) {
    operation->session.Raise(FromProto(head.origin()), head.counter());
  }
}

void Client::TakeSession(const v1::Session& session, const client::AttemptEnd& end) {
  behind_in_row_ = ErrorReason(end.status) == "SESSION_AHEAD" ? behind_in_row_ + 1 : 0;
  if (end.status.ok()) session_->Merge(session);
  if (behind_in_row_ < kBehindMax) return;
  session_ = std::make_unique<client::ClientSession>();
  behind_in_row_ = 0;
}

void Client::Get() {
  v1::GetRequest request;
  request.set_key(AnyKey());
  request.mutable_clock()->set_counter(clock_.Tick());
  Operation operation = Begin(Kind::kRead);
  SetSession(&request, &operation);
  v1::GetResponse response;
  const client::AttemptEnd end = nodes_[node_].stub->Get(request, TimeoutMs(), &response);
  TakeSession(response.session(), end);
  Item item{request.key(), std::nullopt, FromProto(response.version())};
  if (response.found()) item.value = response.value().text();
  operation.items.push_back(std::move(item));
  End(std::move(operation), end);
}

void Client::Scan() {
  std::vector<std::string> keys;
  const bool hot = Chance(40);
  const uint64_t first = hot ? 0 : Below(workload_.cold_keys - kScannedKeys);
  const uint64_t count = hot ? kHotKeys : kScannedKeys;
  for (uint64_t i = first; i < first + count; ++i) keys.push_back(hot ? HotKey(i) : ColdKey(i));
  v1::ScanRequest request;
  request.set_start_key(keys.front());
  request.set_end_key(keys.back() + "0");
  request.mutable_clock()->set_counter(clock_.Tick());
  Operation operation = Begin(Kind::kRead);
  SetSession(&request, &operation);
  v1::ScanResponse response;
  const client::AttemptEnd end = nodes_[node_].stub->Scan(request, TimeoutMs(), &response);
  TakeSession(response.session(), end);
  for (const v1::KeyValue& entry : response.entries()) {
    operation.items.push_back({entry.key(), entry.value().text(), FromProto(entry.version())});
  }
  // What is not in a whole answer is absent.
  if (end.status.ok() && response.next_page_token().empty()) {
    std::set<std::string> found;
    for (const Item& item : operation.items) found.insert(item.key);
    for (const std::string& key : keys) {
      if (found.count(key) == 0) operation.items.push_back({key, std::nullopt, {}});
    }
  }
  End(std::move(operation), end);
}

void Client::Write() {
  const std::vector<Item> items = NewItems();
  const std::string request_id = Chance(80) ? absl::StrCat("r", number_, "-", ++requests_) : "";
  for (uint64_t attempt = 0; attempt < kAttemptsMax && !stopped_; ++attempt) {
    const bool acknowledged = Attempt(items, request_id);
    if (request_id.empty()) return;
    if (acknowledged && Chance(5)) return MisuseId(request_id);
    // After an answer there is no need, and sometimes it comes again all the same; here or elsewhere.
    if (acknowledged && !Chance(10)) return;
    if (acknowledged && Chance(30)) MoveOn();
  }
}

bool Client::Attempt(const std::vector<Item>& items, const std::string& request_id) {
  Operation operation = Begin(Kind::kWrite);
  operation.items = items;
  operation.request_id = request_id;
  const client::AttemptEnd end = Send(items, request_id, &operation);
  End(std::move(operation), end);
  return end.status.ok();
}

void Client::MisuseId(const std::string& request_id) {
  Attempt(NewItems(), request_id);
}

template <typename Response>
void Client::TakeAnswer(const Response& response, const client::AttemptEnd& end, Operation* operation) {
  if (!end.status.ok()) return;
  TakeSession(response.session(), end);
  operation->version = FromProto(response.version());
  operation->replayed = response.replayed();
}

client::AttemptEnd Client::Send(const std::vector<Item>& items, const std::string& request_id,
                                Operation* operation) {
  client::NodeStub* stub = nodes_[node_].stub.get();
  const int64_t timeout_ms = TimeoutMs();
  client::AttemptEnd end;
  const auto fill = [&](auto* request) {
    request->set_request_id(request_id);
    request->mutable_clock()->set_counter(clock_.Tick());
    SetSession(request, operation);
  };
  if (items.size() > 1) {
    v1::WriteRequest request;
    fill(&request);
    for (const Item& item : items) {
      v1::WriteOperation* one = request.add_operations();
      if (!item.value) {
        one->mutable_delete_()->set_key(item.key);
        continue;
      }
      one->mutable_put()->set_key(item.key);
      one->mutable_put()->mutable_value()->set_text(*item.value);
    }
    v1::WriteResponse response;
    end = stub->Write(request, timeout_ms, &response);
    TakeAnswer(response, end, operation);
  } else if (items[0].value) {
    v1::PutRequest request;
    fill(&request);
    request.set_key(items[0].key);
    request.mutable_value()->set_text(*items[0].value);
    v1::PutResponse response;
    end = stub->Put(request, timeout_ms, &response);
    TakeAnswer(response, end, operation);
  } else {
    v1::DeleteRequest request;
    fill(&request);
    request.set_key(items[0].key);
    v1::DeleteResponse response;
    end = stub->Delete(request, timeout_ms, &response);
    TakeAnswer(response, end, operation);
  }
  return end;
}

}  // namespace lamppost::chaos
