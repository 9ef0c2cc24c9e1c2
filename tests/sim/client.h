// One client: does its errands one after the other, carries the Lamport clock, and retries what it may retry.
//
// A write with a request id and every read are tried again, perhaps at another node, when no answer comes or
// the answer says later; a write without an id is tried once. A client that crashes forgets what it waits for
// and, when it is back, does the same errand again under the same id.
//
// One that carries a session sends it with each attempt, merges what answers say, as the client library does,
// and drops it if nobody has what it asks for: it may have gone with a disk.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_SIM_CLIENT_H_
#define LAMPPOST_TESTS_SIM_CLIENT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "tests/sim/observer.h"
#include "tests/sim/plan.h"
#include "tests/sim/random.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/wire.h"

namespace lamppost::sim {

class Client {
 public:
  static constexpr uint64_t kAttemptTimeoutMs = 800;
  static constexpr int kAttemptsMax = 8;

  struct Surroundings {
    Scheduler* scheduler;
    Observer* observer;
    std::function<void(NodeIndex, Request)> send;
  };

  Client(ClientIndex index, const Plan& plan, Random random, Surroundings surroundings)
      : index_(index), plan_(plan), random_(random), to_(std::move(surroundings)) {}

  void Take(const Errand& errand);
  void OnReply(const Reply& reply);
  void Crash(uint64_t for_ms);
  // Begins nothing new; what is under way goes on.
  void Retire() { waiting_.clear(); }

  bool IsIdle() const { return !job_ && waiting_.empty() && !down_; }

 private:
  struct Job {
    Errand errand;
    kv::Proposal proposal;
    std::vector<std::string> keys;
    kv::Heads session;  // as sent
    NodeIndex node = 0;
    int attempts = 0;
    uint64_t start_us = 0;  // of the present attempt
    uint64_t attempt = 0;   // its number; 0: none is under way
  };

  void Begin();
  Job Prepare(const Errand& errand);
  void Try();
  void TimedOut(uint64_t attempt);
  void TryAgainOrGiveUp();
  bool CarriesSession() const { return index_ < plan_.sessions; }
  bool MayRetry() const { return job_->errand.named || !IsWrite(); }
  bool IsWrite() const { return !job_->proposal.operations.empty(); }
  void Record(history::Outcome outcome, const Reply* reply);

  const ClientIndex index_;
  const Plan& plan_;
  Random random_;
  const Surroundings to_;
  uint64_t clock_ = 0;
  kv::Heads session_;
  uint64_t next_number_ = 1;  // of errands and attempts
  bool down_ = false;
  std::deque<Errand> waiting_;
  std::optional<Job> job_;
  std::string last_id_;         // of a write that was acknowledged
  NodeIndex last_id_node_ = 0;  // by this node
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CLIENT_H_
