#include "services/kv/server/driver.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/kv/server/shutting_down.h"
#include "services/kv/server/wall_clock.h"
#include "services/kv/storage/disk_space.h"

namespace lamppost::kv {
namespace {

constexpr uint64_t kDiskCheckMs = 200;

absl::Status Overloaded() {
  return MakeRetryableError(absl::StatusCode::kResourceExhausted, "OVERLOADED",
                            "too many writes wait to be committed", 100);
}

absl::Status DiskFull(uint64_t free_bytes, uint64_t reserve_bytes) {
  return MakeRetryableError(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                            absl::StrCat("the disk is full: ", free_bytes, " bytes are free, ", reserve_bytes,
                                         " are kept in reserve"),
                            1000);
}

// Measures from here on.
class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace

uint64_t MonotonicMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Driver::Driver(DriverOptions options, Replica* replica, Storage* storage, Outbox* outbox)
    : options_(std::move(options)),
      replica_(replica),
      storage_(storage),
      outbox_(outbox),
      group_commit_(replica, storage, options_.durability) {}

Driver::~Driver() {
  Stop();
}

absl::Status Driver::Start() {
  replica_->Begin(MonotonicMs(), UnixMs());
  if (absl::Status status = Commit(replica_->TakeOutput()); !status.ok()) return status;
  thread_ = std::thread([this] { Run(); });
  if (options_.durability == Durability::kInterval) flusher_ = std::thread([this] { RunFlusher(); });
  return absl::OkStatus();
}

void Driver::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
  if (flusher_.joinable()) flusher_.join();
  published_.Close();
}

void Driver::Propose(Proposal proposal, uint64_t bytes, WriteWaiter* waiter) {
  if (absl::Status refusal = Offer(&proposal, bytes, waiter); !refusal.ok()) waiter->Done(refusal);
}

absl::Status Driver::Offer(Proposal* proposal, uint64_t bytes, WriteWaiter* waiter) {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return ShuttingDown();
  if (queued_writes_ >= options_.queued_writes_max || queued_bytes_ + bytes > options_.queued_bytes_max) {
    meter_.overloaded.fetch_add(1, std::memory_order_relaxed);
    return Overloaded();
  }
  ++queued_writes_;
  queued_bytes_ += bytes;
  queue_.push_back(QueuedWrite{std::move(*proposal), bytes, waiter});
  return absl::OkStatus();
}

Driver::Queued Driver::queued() const {
  absl::MutexLock lock(&mutex_);
  return {queued_writes_, queued_bytes_};
}

void Driver::Post(Task task) {
  absl::MutexLock lock(&mutex_);
  if (!stopping_) queue_.push_back(std::move(task));
}

void Driver::PostBetweenGroups(Task task) {
  absl::MutexLock lock(&mutex_);
  if (!stopping_) between_groups_.push_back(std::move(task));
}

void Driver::RunBetweenGroups() {
  std::vector<Task> tasks;
  {
    absl::MutexLock lock(&mutex_);
    tasks.swap(between_groups_);
  }
  if (failed_) return;
  for (const Task& task : tasks) task(replica_);
}

// Whoever waits for counters. Dropped anywhere on its way, it says so: a call that hears nothing never ends.
class Driver::Reservation {
 public:
  explicit Reservation(std::function<void(absl::Status)> next) : next_(std::move(next)) {}
  ~Reservation() { Tell(ShuttingDown()); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  void Tell(const absl::Status& status) {
    if (const auto next = std::exchange(next_, nullptr)) next(status);
  }

 private:
  std::function<void(absl::Status)> next_;
};

void Driver::ReserveThen(uint64_t counter, std::function<void(absl::Status)> next) {
  auto reservation = std::make_shared<Reservation>(std::move(next));  // tasks are copied
  Post([this, counter, reservation = std::move(reservation)](Replica* replica) {
    replica->ReserveClock(counter + LamportClock::kBlock);
    after_commit_.push_back(reservation);
  });
}

void Driver::AwaitInputs() {
  const uint64_t patience_ms =
      failed_ ? options_.tick_ms
              : std::min({options_.tick_ms, replica_->PatienceMs(), outbox_->PatienceMs()});
  if (patience_ms == 0) return;
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return !queue_.empty() || !between_groups_.empty() || stopping_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&ready), absl::Milliseconds(patience_ms));
}

std::vector<Driver::Input> Driver::NextInputs() {
  absl::MutexLock lock(&mutex_);
  AwaitInputs();
  std::vector<Input> inputs;
  if (queue_.size() <= options_.group_inputs_max && queued_bytes_ <= options_.group_bytes_max) {
    inputs.swap(queue_);
    queued_writes_ = 0;
    queued_bytes_ = 0;
    return inputs;
  }
  uint64_t bytes = 0;
  auto it = queue_.begin();
  for (; it != queue_.end() && inputs.size() < options_.group_inputs_max && bytes < options_.group_bytes_max;
       ++it) {
    if (const auto* write = std::get_if<QueuedWrite>(&*it)) {
      bytes += write->bytes;
      queued_bytes_ -= write->bytes;
      --queued_writes_;
    }
    inputs.push_back(std::move(*it));
  }
  queue_.erase(queue_.begin(), it);
  return inputs;
}

void Driver::Run() {
  while (true) {
    std::vector<Input> inputs = NextInputs();
    const bool idle = inputs.empty();
    RunGroup(std::move(inputs));
    if (!idle) continue;
    absl::MutexLock lock(&mutex_);
    if (stopping_ && queue_.empty()) break;
  }
  std::vector<Task> dropped;
  {
    absl::MutexLock lock(&mutex_);
    dropped.swap(between_groups_);
  }
  dropped.clear();
  Finish();
}

// Nobody issues counters or hands anything in by now; see Stop. Nor may anything be issued after the release,
// as the answer to a write that still waits would be.
void Driver::Finish() {
  if (failed_) return;
  replica_->EndReplicaWaits();
  Output output = replica_->TakeOutput();
  if (absl::Status status = Commit(output); !status.ok()) return Fail(status);
  Dispatch(std::move(output));
  FailWaiters(ShuttingDown());
  replica_->ReleaseClock();
  absl::Status status = Commit(replica_->TakeOutput());
  if (status.ok()) status = storage_->Flush();
  if (!status.ok()) Fail(status);
}

void Driver::RunGroup(std::vector<Input> inputs) {
  RunBetweenGroups();
  const uint64_t now_ms = MonotonicMs();
  if (now_ms >= next_disk_check_ms_) {
    next_disk_check_ms_ = now_ms + kDiskCheckMs;
    CheckDisk();
  }
  if (!failed_) replica_->Begin(now_ms, UnixMs());
  const auto writes = std::count_if(inputs.begin(), inputs.end(), [](const Input& input) {
    return std::holds_alternative<QueuedWrite>(input);
  });
  for (Input& input : inputs) Apply(std::move(input));
  if (failed_) return;
  if (now_ms >= next_poll_ms_ || outbox_->PatienceMs() == 0) {
    next_poll_ms_ = now_ms + options_.tick_ms;
    outbox_->Poll(now_ms);
  }
  Output output = replica_->TakeOutput();
  if (absl::Status status = Commit(output); !status.ok()) return Fail(status);
  if (writes > 0) meter_.commit_writes.Observe(static_cast<double>(writes));
  Dispatch(std::move(output));
}

void Driver::Apply(Input input) {
  if (auto* task = std::get_if<Task>(&input)) {
    if (!failed_) (*task)(replica_);
    return;
  }
  auto& write = std::get<QueuedWrite>(input);
  if (failed_) return write.waiter->Done(ShuttingDown());
  write.proposal.id = next_proposal_++;
  waiters_.emplace(write.proposal.id, write.waiter);
  replica_->Propose(std::move(write.proposal));
}

absl::Status Driver::Commit(const Output& output) {
  published_.SetUpcoming(replica_->heads());
  published_.SetForgotten(replica_->state().forgotten);
  const Heads written = replica_->WrittenHeads();
  const Stopwatch stopwatch;
  if (absl::Status status = group_commit_.Commit(output); !status.ok()) return status;
  if (!output.batch.empty()) {
    meter_.commit_seconds.Observe(stopwatch.Seconds());
    meter_.committed_bytes.fetch_add(output.batch.bytes(), std::memory_order_relaxed);
  }
  published_.SetWritten(written);
  published_.Publish(group_commit_.committed_heads());
  if (options_.durability == Durability::kSync) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  unflushed_ = group_commit_.committed_heads();
  return absl::OkStatus();
}

void Driver::Dispatch(Output output) {
  for (const std::string& note : output.notes) Log(LogLevel::kInfo, note);
  for (const std::string& warning : output.warnings) Log(LogLevel::kWarn, warning);
  if (!output.damage.ok() && options_.on_damage) options_.on_damage(output.damage);
  if (options_.on_trace && !output.trace.points.empty()) options_.on_trace(output.trace);
  for (OutgoingMessage& outgoing : output.messages) outbox_->Send(outgoing.peer, std::move(outgoing.message));
  for (const OutgoingAnswer& outgoing : output.answers) outbox_->SendAnswer(outgoing);
  for (const Reply& reply : output.replies) {
    const auto it = waiters_.find(reply.id);
    WriteWaiter* waiter = it->second;
    waiters_.erase(it);
    waiter->Done(reply.result);
  }
  std::vector<std::shared_ptr<Reservation>> reserved;
  reserved.swap(after_commit_);
  for (const std::shared_ptr<Reservation>& reservation : reserved) reservation->Tell(absl::OkStatus());
}

// What a failed commit has left on disk is not known, so nothing may build on it: everything that waits
// is told so, and the process ends. What is really there is found when it starts again.
void Driver::Fail(const absl::Status& status) {
  failed_ = true;
  Log(LogLevel::kError, "a commit failed; the node stops", {{"error", status.ToString()}});
  const absl::Status told =
      MakeError(absl::StatusCode::kUnavailable, "STORAGE_FAILED",
                absl::StrCat("the write may or may not have been stored: ", status.message()));
  FailWaiters(told);
  std::vector<std::shared_ptr<Reservation>>().swap(after_commit_);
  if (options_.on_fatal_error) options_.on_fatal_error(status);
}

void Driver::FailWaiters(const absl::Status& why) {
  for (const auto& [id, waiter] : waiters_) waiter->Done(why);
  waiters_.clear();
}

void Driver::CheckDisk() {
  if (options_.data_directory.empty() || failed_) return;
  const absl::StatusOr<uint64_t> free_bytes = FreeBytes(options_.data_directory);
  if (free_bytes.ok()) meter_.disk_free_bytes.store(*free_bytes, std::memory_order_relaxed);
  const bool full = free_bytes.ok() && *free_bytes < options_.disk_reserve_bytes;
  if (full != disk_full_) {
    Log(full ? LogLevel::kError : LogLevel::kInfo,
        full ? "the disk is full: writes are refused" : "the disk has room again: writes are accepted",
        {{"free_bytes", free_bytes.value_or(0)}, {"reserve_bytes", options_.disk_reserve_bytes}});
  }
  disk_full_ = full;
  if (full) {
    replica_->RefuseWrites(DiskFull(*free_bytes, options_.disk_reserve_bytes));
  } else {
    replica_->RefuseWrites(std::nullopt);
  }
}

void Driver::RunFlusher() {
  const auto stopping = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_; };
  while (true) {
    Heads heads;
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping), absl::Milliseconds(options_.flush_interval_ms)))
        return;
      heads = unflushed_;
    }
    const Stopwatch stopwatch;
    const absl::Status status = storage_->Flush();
    meter_.flush_seconds.Observe(stopwatch.Seconds());
    Post([this, heads, status](Replica*) {
      if (status.ok()) {
        group_commit_.Flushed(heads);
      } else if (!failed_) {
        Fail(status);
      }
    });
  }
}

}  // namespace lamppost::kv
