// Damage that no checksum of the storage finds: a version is gone, with all that the store knew of it, its
// part of the content hash included. Only the comparison with other nodes tells.
#ifndef LAMPPOST_SERVICES_KV_CORE_TESTING_LOSE_VERSION_H_
#define LAMPPOST_SERVICES_KV_CORE_TESTING_LOSE_VERSION_H_

#include <string>

#include "services/kv/core/store.h"

namespace lamppost::kv::testing {

// What to commit to a store that no replica has open, so that it loses its version of the key. There must be
// one.
WriteBatch LoseVersion(const StoreReader& store, const std::string& key);

}  // namespace lamppost::kv::testing

#endif  // LAMPPOST_SERVICES_KV_CORE_TESTING_LOSE_VERSION_H_
