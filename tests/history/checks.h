// The promises of the design (section 7) that clients can judge by what they did and saw.
//
// Deterministic; pure; O(n log n) in the number of operations, but for those with a session,
// which are compared with all that is known of their keys.
#ifndef LAMPPOST_TESTS_HISTORY_CHECKS_H_
#define LAMPPOST_TESTS_HISTORY_CHECKS_H_

#include <vector>

#include "tests/history/history.h"

namespace lamppost::history {

// At most so many violations are told, and beyond them the first of each invariant; more say nothing new.
constexpr size_t kViolationsMax = 10;

// I1   a client's later write has a greater counter than all it had been told before (clients carry the
//      clock); never smaller than what it read before
// I2   no timestamp is given to two different writes
// I4   the final contents of all nodes are equal
// I5   of each key, the final version is at least every acknowledged write
// I6   every value read was written, to that key, under that version
// I7   what an acknowledged delete removed is not in the final contents, nor read at a node that had
//      acknowledged the delete
// I8   a read is not older than any acknowledged write that its session covers
// I9   at one node, a key's version never goes down, from one answer to a request made after it; nor at any
// nodes
//      for a client, as far as its session covers it
// I10  a request id takes effect at most once at a node, and its replays are the same
// I11  a request id that has been used never takes effect with other items
std::vector<Violation> Check(const History& history);

}  // namespace lamppost::history

#endif  // LAMPPOST_TESTS_HISTORY_CHECKS_H_
