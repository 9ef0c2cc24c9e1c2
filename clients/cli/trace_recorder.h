// Puts the streams of several nodes together into one trace.
#ifndef LAMPPOST_CLIENTS_CLI_TRACE_RECORDER_H_
#define LAMPPOST_CLIENTS_CLI_TRACE_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "clients/cli/directory.h"
#include "clients/cpp/trace_feed.h"
#include "clients/diagram/event.h"

namespace lamppost::cli {

// Thread-safe.
class TraceRecorder : public client::TraceReceiver {
 public:
  static constexpr size_t kEventsMax = 200'000;

  explicit TraceRecorder(std::vector<DirectoryEntry> nodes);

  void OnMessage(size_t node, const kv::v1::TraceResponse& message) override;
  void OnBroken(size_t node, const absl::Status& status) override;

  // Returns true once every node tells its events, or false when the time is up.
  bool AwaitAll(int64_t timeout_ms);
  // Those of whom nothing has come, with the reason.
  std::map<std::string, absl::Status> Silent() const;
  // Whether it has got as many as it may: what came then is left out.
  bool IsFull() const;

  // The trace so far, each node's events in their order.
  std::vector<diagram::Event> Events() const;

 private:
  // What has come of one process of a node, or a break between two.
  struct Process {
    uint64_t boot_id = 0;
    int64_t started_unix_us = 0;
    std::vector<kv::v1::TraceEvent> events;
    std::vector<size_t> gaps;  // before these of its events something may be missing; ascending
    absl::Status ended;        // why the stream broke
    int64_t ended_unix_us = 0;
    bool is_broken = false;
  };
  struct Node {
    std::string node_id;
    std::vector<Process> processes;
    absl::Status last = absl::UnavailableError("it has not answered");  // while there is none
    int64_t missed_unix_us = 0;  // when it was first not reached, if it had told nothing then
  };
  using Marks = std::multimap<std::pair<std::string, uint64_t>, diagram::Event>;  // by sender and its counter
  using ProcessNames = std::map<std::pair<std::string, uint64_t>, std::string>;

  ProcessNames NamesOfProcesses() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Marks MarksOfSendings() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void AddBeginning(const Node& node, const Process& process, std::vector<diagram::Event>* events);
  void AddEvents(const Node& node, const Process& process, const ProcessNames& names, const Marks& marks,
                 std::vector<diagram::Event>* events) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::vector<Node> nodes_ ABSL_GUARDED_BY(mutex_);
  size_t events_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_TRACE_RECORDER_H_
