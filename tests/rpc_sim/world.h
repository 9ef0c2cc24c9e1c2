// One run: servers, their stores, clients and the network between them, in one thread and virtual time, from
// one seed.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_RPC_SIM_WORLD_H_
#define LAMPPOST_TESTS_RPC_SIM_WORLD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/rpc_sim/client.h"
#include "tests/rpc_sim/journal.h"
#include "tests/rpc_sim/oracle.h"
#include "tests/rpc_sim/server.h"
#include "tests/rpc_sim/setup.h"
#include "tests/rpc_sim/store.h"

namespace lamppost::rpc::sim {

struct Played {
  std::vector<Violation> violations;
  Tally tally;
  uint64_t events = 0;
  uint64_t settle_ms = 0;  // from the end of all faults and jobs until all was at rest
  uint64_t hash = 0;

  bool Violates(const std::string& check) const;
  std::string WhatIsWrong() const;
};

class World {
 public:
  static constexpr uint64_t kSettleMs = 20'000;
  static constexpr uint64_t kEventsMax = 400'000;

  // `trace` may be null.
  World(const Setup& setup, std::ostream* trace);
  Played Run();

 private:
  void MakeServers();
  void MakeClients();
  void PlanJobs();
  void PlanFaults();
  void Often(size_t times, std::function<void()> strike);
  void Send(size_t server, const Request& request);
  void Respond(const Response& response);
  // Virtual time goes on until the given one, or an event too many.
  bool RunUntil(uint64_t time_ms);
  void Settle();
  bool IsIdle() const;

  const Setup setup_;
  Scheduler scheduler_;
  Random random_;
  Random network_random_;
  Journal journal_;
  Oracle oracle_;
  std::vector<std::unique_ptr<Store>> stores_;  // one for each server, or one for all
  SharedStore* shared_store_ = nullptr;
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<Request> calls_;
  bool healed_ = false;
  uint64_t last_arrival_us_ = 0;
  uint64_t settle_ms_ = 0;
};

// Plays one seed; tells all that happens, if there is somewhere to tell it.
Played Play(uint64_t seed, std::ostream* trace = nullptr);

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_WORLD_H_
