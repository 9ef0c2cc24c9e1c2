// What may befall the cluster. Each fault is a row in the table of faults.cc: how a strike of it is drawn,
// and what it does. That is all it takes to add one; plans, scripts, the summary and the shrinker know it by
// its name.
#ifndef LAMPPOST_TESTS_SIM_FAULTS_H_
#define LAMPPOST_TESTS_SIM_FAULTS_H_

#include <string>
#include <vector>

#include "tests/sim/plan.h"
#include "tests/sim/random.h"

namespace lamppost::sim {

class World;

struct Fault {
  const char* name;
  const char* tag;  // in section 7 of the design
  // In how many of a hundred plans it is.
  uint64_t percent;
  // Draws the rest of a strike whose time is set. May add errands that make it tell.
  void (*draw)(Plan* plan, Strike* strike, Random* random);
  // Does it. False if that makes no sense now: it is tried again a little later. Counts itself by
  // World::Struck when it has really happened, which may be later.
  bool (*strike)(World* world, const Strike& strike);
  // It takes so long, with what it needs others to do, that shorter plans do not have it.
  uint64_t room_ms = 0;
};

const std::vector<Fault>& Faults();
// Null if there is none of that name.
const Fault* FindFault(const std::string& name);

// Nodes whose disks may be lost or damaged: a minority, so that what they hold is held elsewhere.
size_t NodesWithBadDisks(size_t nodes);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_FAULTS_H_
