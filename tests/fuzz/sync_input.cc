#include "tests/fuzz/sync_input.h"

#include <vector>

namespace lamppost::fuzz {
namespace {

bool Same(const kv::Entries& a, const kv::Entries& b) {
  static const std::vector<kv::KeyedVersion> kNone;
  const std::vector<kv::KeyedVersion>& left = a ? *a : kNone;
  const std::vector<kv::KeyedVersion>& right = b ? *b : kNone;
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i].key != right[i].key || !(left[i].version == right[i].version)) return false;
  }
  return true;
}

}  // namespace

bool Same(const kv::SyncMessage& a, const kv::SyncMessage& b) {
  return a.clock == b.clock && a.cluster == b.cluster && a.boot_id == b.boot_id &&
         a.receiver_incarnation == b.receiver_incarnation && a.from == b.from && a.to == b.to &&
         Same(a.entries, b.entries) && a.last == b.last && a.progress == b.progress && a.after == b.after &&
         a.sequence == b.sequence;
}

bool Same(const kv::SyncAnswer& a, const kv::SyncAnswer& b) {
  return a.clock == b.clock && a.refusal == b.refusal && a.cluster == b.cluster && a.boot_id == b.boot_id &&
         a.heads == b.heads && a.durable_heads == b.durable_heads && a.pending == b.pending &&
         a.progress == b.progress && a.sequence == b.sequence && a.content_hash == b.content_hash;
}

}  // namespace lamppost::fuzz
