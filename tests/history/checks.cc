#include "tests/history/checks.h"

#include "tests/history/verdict.h"

namespace lamppost::history {

std::vector<Violation> Check(const History& history) {
  const HistoryIndex index(history);
  Verdict verdict;
  CheckValues(index, &verdict);
  CheckRequests(index, &verdict);
  CheckClients(index, &verdict);
  CheckNodes(index, &verdict);
  CheckSessions(index, &verdict);
  CheckFinal(index, &verdict);
  return verdict.Take();
}

}  // namespace lamppost::history
