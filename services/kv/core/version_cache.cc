#include "services/kv/core/version_cache.h"

#include <algorithm>
#include <utility>

namespace lamppost::kv {
namespace {

size_t BytesOf(const std::string& key) {
  return sizeof(std::string) + sizeof(CachedVersion) + key.size();
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
  const auto [it, is_new] = young_.insert_or_assign(key, std::move(version));
  if (!is_new) return;
  old_.erase(key);
  young_bytes_ += BytesOf(key);
  if (young_bytes_ < limits_.bytes_max) return;
  old_ = std::move(young_);
  young_ = Generation();
  young_bytes_ = 0;
}

void VersionCache::Erase(const std::string& key) {
  if (young_.erase(key) > 0) young_bytes_ -= std::min(young_bytes_, BytesOf(key));
  old_.erase(key);
}

}  // namespace lamppost::kv
