// What ends with a server's process. Of the server's files alone.
#ifndef LAMPPOST_TESTS_RPC_SIM_SERVER_LIFE_H_
#define LAMPPOST_TESTS_RPC_SIM_SERVER_LIFE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "services/clock/lamport_clock.h"
#include "tests/rpc_sim/server.h"

namespace lamppost::rpc::sim {

struct Server::Caller {
  Request request;
  bool answered = false;  // by an output that has been taken
  bool left = false;
  uint64_t left_at_take = 0;
};

// News of runs come in as inputs of their own, a little later.
class Server::Sink : public RunSink {
 public:
  explicit Sink(Server* server) : server_(*server) {}

  void Progressed(RunId run, Progress progress) override;
  void Finished(RunId run, RunResult result) override;

 private:
  Server& server_;
};

struct Server::Life {
  Life(Server* server, uint64_t life, const EngineOptions& options, const Store::Opened& opened,
       std::shared_ptr<const Registry> registry)
      : number(life),
        sink(server),
        clock(opened.clock_start),
        engine(options, &clock, opened.owner, std::move(registry)) {}

  const uint64_t number;
  Sink sink;
  LamportClock clock;
  Engine engine;
  std::shared_ptr<bool> alive;                              // for what may outlast it
  std::vector<std::shared_ptr<const Registry>> registries;  // whose runs may go on
  std::map<CallerId, Caller> callers;                       // that wait, or have left
  CallerId next_caller = 1;
  std::optional<uint64_t> tick_at_ms;  // planned
  uint64_t busy_ticks = 0;             // that asked for another one at once
  uint64_t takes = 0;
  bool take_planned = false;
  std::deque<std::function<void()>> outbox;  // taken, and not carried out yet
};

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_SERVER_LIFE_H_
