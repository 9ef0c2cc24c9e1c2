#include "tests/rpc_sim/client.h"

#include <algorithm>
#include <utility>

#include "services/common/error.h"

namespace lamppost::rpc::sim {
namespace {

bool IsFinal(const absl::Status& status) {
  return status.code() != absl::StatusCode::kUnavailable &&
         status.code() != absl::StatusCode::kResourceExhausted;
}

int64_t DrawSkew(Random* random) {
  if (!random->Percent(20)) return 0;
  return static_cast<int64_t>(random->Below(16'000)) - 8'000;
}

}  // namespace

Client::Client(size_t index, Surroundings surroundings, Random random)
    : index_(index),
      to_(std::move(surroundings)),
      random_(random),
      skew_ms_(DrawSkew(&random_)),
      client_id_(random_.Percent(40) ? absl::StrCat("client", index) : ""),
      next_attempt_(index * 1'000'000 + 1) {
  if (skew_ms_ != 0) to_.journal->Strike(Fault::kSkew);
}

RequestId Client::Mint() {
  RequestId::Bytes bytes;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_.Next());
  const bool with_time = random_.Percent(80);
  if (with_time) {
    uint64_t minted_ms =
        static_cast<uint64_t>(static_cast<int64_t>(kEpochMs + to_.scheduler->now_ms()) + skew_ms_);
    for (int i = 5; i >= 0; --i, minted_ms >>= 8) bytes[i] = static_cast<uint8_t>(minted_ms);
  }
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0F) | (with_time ? 0x70 : 0x40));
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3F) | 0x80);
  return RequestId(bytes);
}

Request Client::NewRequest() {
  Request request;
  request.client = index_;
  request.id = Mint();
  request.method = SimFunctions()[random_.Below(SimFunctions().size())].spec.name;
  request.params = Json{{"n", random_.Below(100)}};
  request.client_id = client_id_;
  return request;
}

// Somebody's id, for something else or, sometimes, for the same.
Request Client::Reused() {
  Request request = (*to_.calls)[random_.Below(to_.calls->size())];
  request.client = index_;
  request.client_id = client_id_;
  to_.journal->Strike(Fault::kReuse);
  switch (random_.Below(4)) {
    case 0:
      request.method = SimFunctions()[random_.Below(SimFunctions().size())].spec.name;
      break;
    case 1:
      request.method = "no-such-function";
      break;
    default:
      request.params = Json{{"n", 100 + random_.Below(2)}};
  }
  return request;
}

void Client::Begin() {
  Job job;
  job.request = !to_.calls->empty() && random_.Percent(12) ? Reused() : NewRequest();
  to_.calls->push_back(job.request);
  jobs_.push_back(std::move(job));
  if (!down_) Try(jobs_.size() - 1);
}

// A store of its own knows only what came to its server.
size_t Client::ServerFor(const RequestId& id) {
  if (to_.setup->store == StoreKind::kLocal) return id.bytes()[15] % to_.setup->servers;
  return random_.Below(to_.setup->servers);
}

void Client::RaiseWatermark(Request* request) const {
  if (client_id_.empty()) return;
  std::optional<RequestId> watermark;
  for (const Job& job : jobs_) {
    const bool counts = !job.done && job.request.id.minted_ms();
    if (counts && (!watermark || job.request.id < *watermark)) watermark = job.request.id;
  }
  request->watermark = watermark;
}

void Client::Try(size_t index) {
  Job& job = jobs_[index];
  ++job.tries;
  const size_t copies = random_.Percent(8) ? 2 : 1;
  if (copies > 1) to_.journal->Strike(Fault::kHedged);
  for (size_t i = 0; i < copies; ++i) {
    Request request = job.request;
    request.attempt = next_attempt_++;
    if (!healed_ && random_.PerMille(5)) clock_ += random_.Between(1, uint64_t{1} << 22);
    request.clock = ++clock_;
    request.kind = random_.Percent(job.tries > 1 ? 15 : 3) ? Request::Kind::kLook : Request::Kind::kCall;
    request.timeout_ms = random_.Percent(30) ? random_.Between(5, 80) : random_.Between(200, 900);
    if (request.kind == Request::Kind::kCall && random_.Percent(50)) RaiseWatermark(&request);
    const size_t server = ServerFor(request.id);
    job.attempts[request.attempt] = server;
    attempts_[request.attempt] = index;
    const uint64_t wait_ms = random_.Percent(10) ? random_.Below(request.timeout_ms) : request.timeout_ms;
    to_.scheduler->AfterMs(wait_ms, [this, index, attempt = request.attempt] { TimedOut(index, attempt); });
    to_.send(server, std::move(request));
  }
}

void Client::TimedOut(size_t index, uint64_t attempt) {
  Job& job = jobs_[index];
  const auto it = job.attempts.find(attempt);
  if (it == job.attempts.end()) return;
  to_.cancel(it->second, attempt);
  job.attempts.erase(it);
  attempts_.erase(attempt);
  job.last_answer = "none";
  if (job.attempts.empty()) TryLater(index);
}

void Client::TryLater(size_t index) {
  const uint64_t wait_ms = random_.Between(1, 30 << std::min<size_t>(jobs_[index].tries, 4));
  to_.scheduler->AfterMs(wait_ms, [this, index, tries = jobs_[index].tries] {
    const Job& job = jobs_[index];
    if (!job.done && !down_ && job.tries == tries && job.attempts.empty()) Try(index);
  });
}

void Client::Receive(const Response& response) {
  clock_ = std::max(clock_, response.clock) + 1;
  const auto it = attempts_.find(response.attempt);
  if (it == attempts_.end()) return;
  const size_t index = it->second;
  Job& job = jobs_[index];
  attempts_.erase(it);
  job.attempts.erase(response.attempt);
  job.last_answer = response.status.ok() ? "an outcome" : ErrorReason(response.status);
  const bool known = ErrorReason(response.status) != "REQUEST_ID_UNKNOWN" && response.final == Final::kYes;
  if (IsFinal(response.status) && known) return Done(index);
  if (job.attempts.empty()) TryLater(index);
}

void Client::Done(size_t index) {
  Job& job = jobs_[index];
  job.done = true;
  for (const auto& [attempt, server] : std::exchange(job.attempts, {})) {
    attempts_.erase(attempt);
    to_.cancel(server, attempt);
  }
  to_.journal->Tell("client ", index_, " is done with ", ToString(job.request.id), ": ", job.last_answer);
  if (healed_ || !random_.Percent(25)) return;
  const uint64_t retention_ms = to_.setup->engine.sweeper.retention_ms;
  const bool late = random_.Percent(60);
  if (late) to_.journal->Strike(Fault::kAskedLate);
  ++planned_;
  const uint64_t wait_ms = late ? retention_ms + random_.Below(3000) : random_.Below(retention_ms);
  to_.scheduler->AfterMs(wait_ms, [this, index] {
    --planned_;
    jobs_[index].done = false;
    jobs_[index].tries = 0;
    if (!down_) Try(index);
  });
}

void Client::Crash(uint64_t for_ms) {
  if (down_) return;
  down_ = true;
  to_.journal->Strike(Fault::kClientCrash);
  for (Job& job : jobs_) {
    for (const auto& [attempt, server] : std::exchange(job.attempts, {})) to_.cancel(server, attempt);
  }
  attempts_.clear();
  clock_ = 0;
  to_.scheduler->AfterMs(for_ms, [this] {
    down_ = false;
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (!jobs_[i].done) Try(i);
    }
  });
}

bool Client::IsIdle() const {
  return !down_ && planned_ == 0 &&
         std::all_of(jobs_.begin(), jobs_.end(), [](const Job& job) { return job.done; });
}

std::string Client::Describe() const {
  std::string text = absl::StrCat("client ", index_, " waits for");
  for (const Job& job : jobs_) {
    if (job.done) continue;
    absl::StrAppend(&text, " ", ToString(job.request.id), " ", job.request.What(),
                    " (last answer: ", job.last_answer, ")");
  }
  return text;
}

}  // namespace lamppost::rpc::sim
