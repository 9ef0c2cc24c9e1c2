// The thread that owns the replica: it collects inputs into groups, commits each group once, and then
// sends and replies. While one commit is under way the next group gathers, so the busier the node is,
// the more writes share an fsync.
//
// All public members are thread-safe. Nothing here blocks on the commit but the driver's own thread.
#ifndef LAMPPOST_SERVICES_KV_SERVER_DRIVER_H_
#define LAMPPOST_SERVICES_KV_SERVER_DRIVER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "services/common/metrics/histogram.h"
#include "services/kv/core/replica.h"
#include "services/kv/server/published_heads.h"
#include "services/kv/storage/group_commit.h"
#include "services/kv/storage/storage.h"

namespace lamppost::kv {

// Waits for the outcome of a write. Done is called once, on the driver's thread; it must not block.
class WriteWaiter {
 public:
  virtual ~WriteWaiter() = default;
  virtual void Done(const absl::StatusOr<WriteResult>& result) = 0;
};

// Where the driver puts what the replica wants sent. Called on the driver's thread; must not block.
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void Send(PeerIndex peer, SyncMessage message) = 0;
  virtual void SendAnswer(const OutgoingAnswer& outgoing) = 0;
  // Called about every tick_ms, and when its patience is at an end, for what has to be done now and then
  // (reconnecting).
  virtual void Poll(uint64_t now_ms) = 0;
  // How long the next Poll may wait.
  virtual uint64_t PatienceMs() const { return UINT64_MAX; }
};

struct DriverOptions {
  Durability durability = Durability::kSync;
  uint64_t flush_interval_ms = 1000;  // with Durability::kInterval
  uint64_t tick_ms = 50;              // the replica hears of the time at least this often
  size_t queued_writes_max = 20000;   // beyond: RESOURCE_EXHAUSTED
  uint64_t queued_bytes_max = uint64_t{64} << 20;
  size_t group_inputs_max = 4096;  // of one commit
  uint64_t group_bytes_max = uint64_t{4} << 20;
  std::string data_directory;                               // watched for free space; empty: not watched
  uint64_t disk_reserve_bytes = uint64_t{64} << 20;         // writes are refused while less is free
  std::function<void(const absl::Status&)> on_fatal_error;  // a commit has failed: end the process
  std::function<void(const absl::Status&)> on_damage;       // see Output::damage; must not block
  std::function<void(const Tracer::Points&)> on_trace;      // see Output::trace; must not block
};

// What the driver measures as it goes. Thread-safe.
struct DriverMeter {
  // A storage commit, with its fsync if there is one; and the fsyncs with Durability::kInterval.
  Histogram commit_seconds{LatencyBounds()};
  Histogram flush_seconds{LatencyBounds()};
  // Writes of clients that share a commit.
  Histogram commit_writes{{1, 4, 16, 64, 256, 1024, 4096}};
  std::atomic<uint64_t> committed_bytes{0};
  std::atomic<uint64_t> overloaded{0};       // writes refused for that
  std::atomic<uint64_t> disk_free_bytes{0};  // by the latest look, if the directory is watched
};

class Driver {
 public:
  using Task = std::function<void(Replica*)>;

  // All must outlive the driver.
  Driver(DriverOptions options, Replica* replica, Storage* storage, Outbox* outbox);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Commits the replica's first group, so that its clock runs, and starts the thread.
  absl::Status Start();
  // Finishes what is queued, ends the thread and flushes. To be called when no other thread uses the
  // replica's clock any more. Writes that come later fail as UNAVAILABLE.
  void Stop();

  // Queues a write, checked by CheckProposal; the waiter must live until Done. bytes: of keys and values.
  void Propose(Proposal proposal, uint64_t bytes, WriteWaiter* waiter);
  // The same, but RESOURCE_EXHAUSTED (OVERLOADED) and UNAVAILABLE (SHUTTING_DOWN) are returned at once; then
  // the proposal is as it was, and the waiter hears nothing.
  absl::Status Offer(Proposal* proposal, uint64_t bytes, WriteWaiter* waiter);
  // Runs the task on the driver's thread, within a group. Dropped once stopped.
  void Post(Task task);
  // Runs the task on the driver's thread between two groups: the store holds then exactly what the replica's
  // state says, and nothing is staged. The task must not change the replica. Dropped once stopped.
  void PostBetweenGroups(Task task);
  // Calls `next` once: with OK, on the driver's thread, when counters up to `counter` and many more can be
  // issued; or with UNAVAILABLE (SHUTTING_DOWN), on any thread, if that will not be any more.
  void ReserveThen(uint64_t counter, std::function<void(absl::Status)> next);

  const DriverOptions& options() const { return options_; }
  const DriverMeter& meter() const { return meter_; }
  // What waits to be handed to the replica. Does not wait for the driver's thread.
  struct Queued {
    size_t writes = 0;
    uint64_t bytes = 0;
  };
  Queued queued() const ABSL_LOCKS_EXCLUDED(mutex_);

  // The replica's heads as they are committed, whatever the durability mode. Closed once stopped. Lives as
  // long as the driver.
  const PublishedHeads* published() const { return &published_; }
  // See PublishedHeads::SetListener. Before Start.
  void SetHeadsListener(std::function<void()> listener) { published_.SetListener(std::move(listener)); }

 private:
  class Reservation;
  struct QueuedWrite {
    Proposal proposal;
    uint64_t bytes;
    WriteWaiter* waiter;
  };
  using Input = std::variant<QueuedWrite, Task>;

  void Run();
  void RunFlusher();
  // Waits for inputs, work or the next tick; takes a group's worth of inputs.
  std::vector<Input> NextInputs() ABSL_LOCKS_EXCLUDED(mutex_);
  void AwaitInputs() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunGroup(std::vector<Input> inputs);
  void RunBetweenGroups() ABSL_LOCKS_EXCLUDED(mutex_);
  void Apply(Input input);
  absl::Status Commit(const Output& output);
  void Dispatch(Output output);
  void Fail(const absl::Status& status);
  void FailWaiters(const absl::Status& why);
  void CheckDisk();
  void Finish();

  const DriverOptions options_;
  Replica* const replica_;
  Storage* const storage_;
  Outbox* const outbox_;
  GroupCommit group_commit_;  // of the driver's thread
  PublishedHeads published_;
  DriverMeter meter_;

  mutable absl::Mutex mutex_;
  std::vector<Input> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<Task> between_groups_ ABSL_GUARDED_BY(mutex_);
  size_t queued_writes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Heads unflushed_ ABSL_GUARDED_BY(mutex_);  // committed, to be flushed next; with Durability::kInterval

  // Of the driver's thread.
  absl::flat_hash_map<ProposalId, WriteWaiter*> waiters_;
  ProposalId next_proposal_ = 1;
  std::vector<std::shared_ptr<Reservation>> after_commit_;
  uint64_t next_poll_ms_ = 0;
  uint64_t next_disk_check_ms_ = 0;
  bool disk_full_ = false;
  bool failed_ = false;

  std::thread thread_;
  std::thread flusher_;
};

// Milliseconds of a clock that never goes back.
uint64_t MonotonicMs();

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_DRIVER_H_
