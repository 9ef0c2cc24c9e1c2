// Traces of clusters that never were: nodes with Lamport and vector clocks that write, send, lose, delay,
// repeat, crash and start again. The same seed gives the same trace.
#ifndef LAMPPOST_CLIENTS_DIAGRAM_TESTING_RANDOM_TRACE_H_
#define LAMPPOST_CLIENTS_DIAGRAM_TESTING_RANDOM_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "clients/diagram/event.h"

namespace lamppost::diagram::testing {

// One node after the other, each in its own order. Every event of a node has a vector.
std::vector<Event> RandomTrace(uint64_t seed, size_t nodes, size_t steps);

}  // namespace lamppost::diagram::testing

#endif  // LAMPPOST_CLIENTS_DIAGRAM_TESTING_RANDOM_TRACE_H_
