// One server: a machine that goes on, and the process on it, which lives, dies and is started again.
//
// A life is the production engine with a driver of the simulator's own. Inputs come at any time; the output
// is taken a little later and carried out piece by piece, so that a crash or another input can come between
// any two of these. A paused process takes no input; it gets all of it when it goes on.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_RPC_SIM_SERVER_H_
#define LAMPPOST_TESTS_RPC_SIM_SERVER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "services/rpc/core/engine.h"
#include "tests/rpc_sim/journal.h"
#include "tests/rpc_sim/oracle.h"
#include "tests/rpc_sim/setup.h"
#include "tests/rpc_sim/store.h"
#include "tests/rpc_sim/wire.h"

namespace lamppost::rpc::sim {

class Server {
 public:
  struct Surroundings {
    const Setup* setup;
    Scheduler* scheduler;
    Journal* journal;
    Oracle* oracle;
    Store* store;
    std::function<void(Response)> send;
  };

  Server(size_t index, Surroundings surroundings, Random random);
  ~Server();

  // Starts the process, as soon as the store can be reached.
  void Boot();
  // Ends it without a word; it comes back after a while.
  void Crash(Fault how);
  // Ends it in order, if that can be done in time; it comes back after a while.
  void Stop();
  void Pause(uint64_t for_ms);
  // Gets other functions, or the same ones with other limits.
  void SwapFunctions();
  void MoveWall(int64_t by_ms) { wall_offset_ms_ += by_ms; }
  // From here on nothing goes wrong.
  void Heal() { healed_ = true; }

  void Receive(const Request& request);
  // The client does not wait for this attempt any more.
  void Cancel(uint64_t attempt);

  bool IsIdle() const;

 private:
  struct Caller;
  struct Life;
  class Sink;
  using Input = std::function<void(Life*)>;

  enum class Functions { kAsEver, kOthers };
  std::shared_ptr<const Registry> MakeRegistry(std::shared_ptr<const bool> alive, Functions functions);
  // Gives the input to the engine now, or when the process goes on; drops it if the life has ended by then.
  void Give(uint64_t life, Input input);
  void GiveLater(uint64_t delay_us, Input input);
  bool CrashesNow(Fault where);
  bool IsPaused() const;
  void Resume();
  void PlanTick();
  void Renew(uint64_t life);
  void Finish(uint64_t life, uint64_t until_ms);
  void Leave(Life* life, CallerId caller);
  void CheckBounds();
  Times Now();

  // server_driver.cc: what the engine puts out.
  void PlanTake();
  void Take();
  void PlanCarryOut();
  void CarryOut();
  bool ExpectCaller(CallerId caller);
  void Answer(const EngineOutput::Reply& reply);
  void Answer(const EngineOutput::LookReply& reply);
  void Respond(const Request& request, uint64_t clock, const absl::Status& status, Final final);

  const size_t index_;
  const Surroundings to_;
  Random random_;
  bool healed_ = false;
  int64_t wall_offset_ms_ = 0;
  uint64_t paused_until_ms_ = 0;
  std::deque<Input> held_;  // while it is paused
  uint64_t lives_ = 0;
  LifeFacts facts_;              // of the present life, or the last
  std::unique_ptr<Life> life_;   // null while it is down
  std::unique_ptr<Life> ended_;  // the last: what has ended it may be one of its own calls
};

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_SERVER_H_
