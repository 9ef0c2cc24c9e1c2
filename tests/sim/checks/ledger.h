// I17: the conflict ledger, at the end of a run, when all nodes hold the same.
#ifndef LAMPPOST_TESTS_SIM_CHECKS_LEDGER_H_
#define LAMPPOST_TESTS_SIM_CHECKS_LEDGER_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/kv/core/conflict.h"
#include "tests/sim/check.h"

namespace lamppost::sim {

// Each entry is of two writes that there were, as they were, and the writer of the winner had not seen the
// loser. No node has more entries than it may, and none is dropped while there is room for all. What a client
// has settled is settled.
class LedgerIsTrue : public Check {
 public:
  LedgerIsTrue(const Facts* facts, Findings* findings) : Check("I17", facts, findings) {}
  void OnEnd() override;

 private:
  void JudgeSize();
  void Judge(const kv::Conflict& conflict);
  void JudgeSettled(const Write& write, const std::map<std::string, kv::Conflict>& entries,
                    const std::set<std::string>& dropped);
  // Whether the version is that of a write of the run.
  bool WasWritten(const std::string& key, const kv::Version& version) const;
};

// An acknowledged write that is not what its key has in the end was written down in the ledger, or there was
// somebody who replaced it and knew. That what was written down stays, until it is dropped, is judged
// like that of any other record (I5).
class NothingLosesSilently : public Check {
 public:
  NothingLosesSilently(const Facts* facts, Findings* findings) : Check("I17", facts, findings) {}
  void OnEnd() override;

 private:
  using Place = std::pair<std::string, Timestamp>;  // a key, and a version of it

  void Collect();
  void CollectSettled(const Write::Change& change);
  bool WasReplacedKnowingly(const Place& place) const;
  bool WasWrittenAgain(const Write& write, const std::string& key) const;
  void Judge(const Write& write, const Write::Change& change);

  std::set<std::string> recorded_;                           // keys of all entries that there ever were
  std::set<Place> replaced_;                                 // what the writer of another saw in its place
  std::map<std::string, std::vector<const Write*>> of_key_;  // all writes
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_CHECKS_LEDGER_H_
