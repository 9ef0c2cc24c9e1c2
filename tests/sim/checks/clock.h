// I1, I2, I15, I16: what the Lamport clocks promise.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_CLOCK_H_
#define LAMPPOST_TESTS_SIM_CHECKS_CLOCK_H_

#include <map>
#include <string>
#include <vector>

#include "tests/sim/check.h"

namespace lamppost::sim {

// I1: a counter is greater than all in its event's causal past. It is enough to hold each event against the
// greatest counter in its node's past, which is kept here and not by the node: what comes in with a message
// has been judged where it was issued. A node that has lost its disk starts from nothing.
class ClockCondition : public Check {
 public:
  ClockCondition(const Facts* facts, Findings* findings)
      : Check("I1", facts, findings), floors_(facts->size()) {}
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnRequest(NodeIndex node, const Request& request, uint64_t now) override;
  void OnAttempted(NodeIndex node, const kv::Output& output, uint64_t now) override;
  void OnReply(NodeIndex node, const Request& request, const Reply& reply) override;
  void OnDiskExchanged(NodeIndex node) override { floors_[node] = 0; }

 private:
  void Received(NodeIndex node, uint64_t counter, uint64_t now);
  void Issued(NodeIndex node, uint64_t counter, const char* what);

  std::vector<uint64_t> floors_;  // of each node: the greatest counter in its past
};

// I2: no life issues a counter twice, so its counters only grow. What a lost disk had issued and nobody else
// has received is forgotten with it: nothing in the world tells of it.
class UniqueTimestamps : public Check {
 public:
  UniqueTimestamps(const Facts* facts, Findings* findings)
      : Check("I2", facts, findings), latest_(facts->size()) {}
  void OnStarted(NodeIndex node) override;
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnAttempted(NodeIndex node, const kv::Output& output, uint64_t now) override;
  void OnReply(NodeIndex node, const Request& request, const Reply& reply) override;
  void OnDiskExchanged(NodeIndex node) override;

 private:
  void Issued(NodeIndex node, uint64_t incarnation, uint64_t counter);

  struct Life {
    uint64_t issued = 0;
    uint64_t received = 0;  // by another node
    uint64_t before = 0;    // issued by earlier processes
  };
  std::vector<std::map<uint64_t, Life>> latest_;  // by node and incarnation
};

// I15: a counter far ahead is refused, and moves no clock. I16: nothing but events moves it, each by one; no
// wall clock has a say in any order. Both follow from keeping count of every event.
class OnlyEventsMoveTheClock : public Check {
 public:
  OnlyEventsMoveTheClock(const Facts* facts, Findings* findings)
      : Check("I16", facts, findings), expected_(facts->size()) {}
  void OnStarted(NodeIndex node) override;
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnRequest(NodeIndex node, const Request& request, uint64_t now) override;
  void OnAttempted(NodeIndex node, const kv::Output& output, uint64_t now) override;
  void OnReply(NodeIndex node, const Request& request, const Reply& reply) override;

 private:
  void Observed(NodeIndex node, uint64_t remote, uint64_t now);
  void Is(NodeIndex node, uint64_t least, uint64_t greatest, uint64_t now, const char* what);

  std::vector<uint64_t> expected_;
};

class ForgedCountersAreRefused : public Check {
 public:
  // Far more than a run counts to, and within what the product's clock must refuse.
  static constexpr uint64_t kFar = uint64_t{1} << 45;

  ForgedCountersAreRefused(const Facts* facts, Findings* findings) : Check("I15", facts, findings) {}
  void OnReceived(NodeIndex node, const Packet& packet, uint64_t now) override;
  void OnRequest(NodeIndex node, const Request& request, uint64_t now) override;
  void OnRefused(NodeIndex node, uint64_t counter, uint64_t now) override;

 private:
  void Admitted(NodeIndex node, uint64_t counter, uint64_t now);
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_CLOCK_H_
