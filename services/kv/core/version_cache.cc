#include "services/kv/core/version_cache.h"

#include <utility>

namespace lamppost::kv {
namespace {

size_t ValueBytes(const CachedVersion& version) {
  return version.value ? version.value->bytes.size() : 0;
}

size_t BytesOf(const std::string& key, const CachedVersion& version) {
  return sizeof(std::string) + sizeof(CachedVersion) + key.size() + ValueBytes(version);
}

}  // namespace

const CachedVersion* VersionCache::Find(const std::string& key) const {
  for (const Generation* generation : {&young_, &old_}) {
    const auto it = generation->find(key);
    if (it != generation->end()) return &it->second;
  }
  return nullptr;
}

void VersionCache::Put(const std::string& key, CachedVersion version) {
  const auto it = young_.find(key);
  if (it != young_.end()) young_bytes_ -= BytesOf(key, it->second);
  if (it == young_.end()) old_.erase(key);
  if (ValueBytes(version) > limits_.value_bytes_max) {
    if (it != young_.end()) young_.erase(it);
    return;
  }
  young_bytes_ += BytesOf(key, version);
  if (it != young_.end()) {
    it->second = std::move(version);
  } else {
    young_.emplace(key, std::move(version));
  }
  if (young_.size() < limits_.entries_max && young_bytes_ < limits_.bytes_max) return;
  old_ = std::move(young_);
  young_ = Generation();
  young_bytes_ = 0;
}

}  // namespace lamppost::kv
