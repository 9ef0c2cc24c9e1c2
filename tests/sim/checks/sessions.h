// I8, and what a client is told of where its write is.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_SESSIONS_H_
#define LAMPPOST_TESTS_SIM_CHECKS_SESSIONS_H_

#include <string>

#include "tests/sim/check.h"

namespace lamppost::sim {

// I8: no answer is older than the session it was asked with, nor than the one that it gives: of each key that
// was read it shows the highest write that they cover, or a later one. An answer's session covers the
// question's, and the write that it acknowledges, so that a client finds its own writes everywhere.
class SessionsAreKept : public Check {
 public:
  SessionsAreKept(const Facts* facts, Findings* findings) : Check("I8", facts, findings) {}
  void OnReply(NodeIndex node, const Request& request, const Reply& reply) override;

 private:
  void CheckRead(NodeIndex node, const Request& request, const Reply& reply);
  // Whether the answer shows the write of the key, or a later one.
  bool Shows(NodeIndex node, const Reply& reply, const Write& write, const Write::Change& change) const;
};

// A write is on stable storage at as many nodes as its client asked for, and as its answer says. Disks that
// were lost later do not count against it.
class WritesAreWhereTheyAreSaid : public Check {
 public:
  WritesAreWhereTheyAreSaid(const Facts* facts, Findings* findings) : Check("replicas", facts, findings) {}
  void OnCommitted(NodeIndex node, const kv::Output& output) override;

 private:
  bool Holds(NodeIndex node, const Facts::Answered& answered) const;
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_SESSIONS_H_
