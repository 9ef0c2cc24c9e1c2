// One client: makes its calls, several at a time, and tries each again under the same request id, here and
// there, until it has a final answer. It may give up an attempt, make two at a time, crash and go on with the
// ids that it had written down, and ask again much later.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_RPC_SIM_CLIENT_H_
#define LAMPPOST_TESTS_RPC_SIM_CLIENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/rpc_sim/journal.h"
#include "tests/rpc_sim/setup.h"
#include "tests/rpc_sim/wire.h"

namespace lamppost::rpc::sim {

class Client {
 public:
  struct Surroundings {
    const Setup* setup;
    Scheduler* scheduler;
    Journal* journal;
    std::vector<Request>* calls;  // that any client has made so far, for those who reuse ids
    std::function<void(size_t server, Request)> send;
    std::function<void(size_t server, uint64_t attempt)> cancel;
  };

  Client(size_t index, Surroundings surroundings, Random random);

  // Makes a new call.
  void Begin();
  void Receive(const Response& response);
  void Crash(uint64_t for_ms);
  // From here on nothing goes wrong, and nothing new is begun; what is under way goes on.
  void Heal() { healed_ = true; }

  bool IsIdle() const;
  // What it still waits for.
  std::string Describe() const;

 private:
  struct Job {
    Request request;
    std::map<uint64_t, size_t> attempts;  // under way: the server of each
    size_t tries = 0;
    bool done = false;
    std::string last_answer;
  };

  RequestId Mint();
  Request NewRequest();
  Request Reused();
  size_t ServerFor(const RequestId& id);
  void Try(size_t job);
  void TimedOut(size_t job, uint64_t attempt);
  void TryLater(size_t job);
  void Done(size_t job);
  void RaiseWatermark(Request* request) const;

  const size_t index_;
  const Surroundings to_;
  Random random_;
  const int64_t skew_ms_;
  const std::string client_id_;  // empty: it sends no watermark
  uint64_t clock_ = 0;
  bool healed_ = false;
  bool down_ = false;
  uint64_t next_attempt_ = 1;
  std::vector<Job> jobs_;
  std::map<uint64_t, size_t> attempts_;  // under way: whose
  size_t planned_ = 0;                   // late questions still to come
};

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_CLIENT_H_
