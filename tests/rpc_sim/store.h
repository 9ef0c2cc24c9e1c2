// The stores that the servers of a run stand on. Both are the plainest table there is, behind a model of how
// a disk, or a network, answers.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_RPC_SIM_STORE_H_
#define LAMPPOST_TESTS_RPC_SIM_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/rpc/core/request_store.h"
#include "services/rpc/storage/record_table.h"
#include "tests/rpc_sim/journal.h"
#include "tests/rpc_sim/oracle.h"
#include "tests/rpc_sim/setup.h"

namespace lamppost::rpc::sim {

class Store {
 public:
  using AnswerFn = std::function<void(StoreAnswer)>;

  struct Surroundings {
    const Setup* setup;
    Scheduler* scheduler;
    Journal* journal;
    Oracle* oracle;
  };
  struct Opened {
    std::string owner;
    uint64_t clock_start = 0;
  };

  Store(Surroundings surroundings, Random random) : to_(surroundings), random_(random) {}
  virtual ~Store() = default;

  // A life of the server begins; nothing if the store cannot be reached now. Answers to an ended life are
  // dropped.
  virtual std::optional<Opened> Open(size_t server, AnswerFn on_answer) = 0;
  virtual void Submit(size_t server, NumberedOperation operation) = 0;
  // The life ends: without a word, or in order.
  virtual void Crash(size_t server) = 0;
  virtual void Close(size_t server) = 0;
  // To be called now and then by each life: its name in the store, which is another one if it was lost sight
  // of.
  virtual std::string Renew(size_t server) = 0;
  virtual bool IsAlive(const std::string& owner) = 0;

  // From here on nothing goes wrong.
  void Heal() { healed_ = true; }
  const RecordTable& table() const { return table_; }

 protected:
  // It takes place, durably.
  StoreAnswer Apply(size_t server, const NumberedOperation& operation);
  bool Chance(uint64_t per_mille) { return !healed_ && random_.PerMille(per_mille); }
  bool IsChange(const StoreOperation& operation) const;
  static StoreAnswer Unavailable(uint64_t number);

  const Surroundings to_;
  Random random_;
  bool healed_ = false;
  std::map<size_t, uint64_t> clock_limits_;  // by server

 private:
  RecordTable table_;
};

// On a server's own disk: what has gathered is committed as a group, and is durable once its fsync has ended.
// A crash takes some of what was under way.
class LocalStore : public Store {
 public:
  using Store::Store;

  std::optional<Opened> Open(size_t server, AnswerFn on_answer) override;
  void Submit(size_t server, NumberedOperation operation) override;
  void Crash(size_t server) override;
  void Close(size_t server) override;
  std::string Renew(size_t) override { return owner_; }
  bool IsAlive(const std::string& owner) override { return owner == owner_; }

 private:
  void BeginCommit();
  void EndCommit();
  void End();

  size_t server_ = 0;
  uint64_t life_ = 0;
  std::string owner_;  // empty between lives
  AnswerFn on_answer_;
  std::vector<NumberedOperation> waiting_;
  std::vector<NumberedOperation> committing_;
};

// For a whole fleet, behind a network: operations and answers may be lost, late, and out of order, more so
// than the contract of a store allows, and owners are alive for as long as they renew their leases.
class SharedStore : public Store {
 public:
  static constexpr uint64_t kTimeoutMs = 150;  // then an operation is answered with an error

  using Store::Store;

  std::optional<Opened> Open(size_t server, AnswerFn on_answer) override;
  void Submit(size_t server, NumberedOperation operation) override;
  void Crash(size_t server) override { lives_[server].open = false; }
  void Close(size_t server) override;
  std::string Renew(size_t server) override;
  bool IsAlive(const std::string& owner) override;

  // The server cannot reach it for a while; nobody can.
  void Cut(size_t server, uint64_t for_ms) { lives_[server].cut_until_ms = to_.scheduler->now_ms() + for_ms; }
  void GoDown(uint64_t for_ms) { down_until_ms_ = to_.scheduler->now_ms() + for_ms; }

 private:
  struct Life {
    bool open = false;
    uint64_t number = 0;
    uint64_t leases = 0;  // of this life
    std::string owner;
    AnswerFn on_answer;
    uint64_t cut_until_ms = 0;
  };
  bool IsReached(size_t server);
  std::string NewLease(size_t server);
  void Answer(size_t server, uint64_t life, StoreAnswer answer);

  std::map<size_t, Life> lives_;
  std::map<std::string, uint64_t> leases_;  // owner: when it ends
  uint64_t down_until_ms_ = 0;
};

}  // namespace lamppost::rpc::sim

#endif  // LAMPPOST_TESTS_RPC_SIM_STORE_H_
