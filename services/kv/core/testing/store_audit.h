// Looks into a replica's store from outside: what it holds, and whether its records agree.
#ifndef LAMPPOST_SERVICES_KV_CORE_TESTING_STORE_AUDIT_H_
#define LAMPPOST_SERVICES_KV_CORE_TESTING_STORE_AUDIT_H_

#include <map>
#include <string>

#include "services/kv/core/store.h"
#include "services/kv/core/version.h"

namespace lamppost::kv::testing {

// Tombstones in a dump or not.
enum class Tombstones { kIncluded, kLeftOut };

// Key -> version. The store must be readable.
std::map<std::string, Version> Dump(const StoreReader& store, Tombstones tombstones);

// Recomputes the index, that of tombstones, the counts and the content hash from the versions, and compares.
// Empty if all agree, else what does not.
std::string Audit(const StoreReader& store);

}  // namespace lamppost::kv::testing

#endif  // LAMPPOST_SERVICES_KV_CORE_TESTING_STORE_AUDIT_H_
