// What befalls disks: the strikes of the table in faults.cc that fail, fill, damage or exchange one.
#ifndef LAMPPOST_TESTS_SIM_DISK_FAULTS_H_
#define LAMPPOST_TESTS_SIM_DISK_FAULTS_H_

#include "tests/sim/plan.h"

namespace lamppost::sim {

class World;

bool FailSync(World* world, const Strike& strike);
bool FailWrite(World* world, const Strike& strike);
bool FillDisk(World* world, const Strike& strike);
bool SlowDisk(World* world, const Strike& strike);
bool Damage(World* world, const Strike& strike);
bool Wipe(World* world, const Strike& strike);
bool Restore(World* world, const Strike& strike);
bool Rot(World* world, const Strike& strike);

// Keys are deleted at other nodes than this one, over so long.
void DeleteElsewhere(World* world, NodeIndex node, uint64_t for_ms);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_DISK_FAULTS_H_
