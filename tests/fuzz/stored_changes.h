// The changes of a stored_replica input, and the store they are made to.
#ifndef LAMPPOST_TESTS_FUZZ_STORED_CHANGES_H_
#define LAMPPOST_TESTS_FUZZ_STORED_CHANGES_H_

#include <cstdint>
#include <iterator>
#include <memory>

#include "services/kv/core/store.h"
#include "services/kv/storage/memory_storage.h"

namespace lamppost::fuzz {

// The byte of a change is its space's place here, plus kRemoval for a removal.
constexpr kv::Space kSpaces[] = {kv::Space::kMeta, kv::Space::kData, kv::Space::kIndex, kv::Space::kRequests};
constexpr uint8_t kSpaceCount = std::size(kSpaces);
constexpr uint8_t kRemoval = 0x80;

// As a ReplicaDriver::WithPeers leaves it: two keys, one of them deleted, a member known, a request
// remembered.
std::unique_ptr<kv::MemoryStorage> SoundStore();

}  // namespace lamppost::fuzz

#endif  // LAMPPOST_TESTS_FUZZ_STORED_CHANGES_H_
