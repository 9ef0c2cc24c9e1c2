// RocksDB's memtable as this store uses it: many writes and point reads in no order, few scans.
//
// RocksDB keeps a memtable in order at all times, by a skip list: at each insert it follows some twenty
// pointers to memory that no cache holds. Here an insert follows one or two, into a hash table, and the
// order is made when somebody scans (sorted_runs.h), so that writes nobody scans are sorted once, when
// the memtable goes to disk. RocksDB's own hash memtables copy the whole table for each scan, and its
// vector does that for each read.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_HASH_MEMTABLE_H_
#define LAMPPOST_SERVICES_KV_STORAGE_HASH_MEMTABLE_H_

#include <cstddef>
#include <memory>

#include "rocksdb/memtablerep.h"

namespace lamppost::kv {

// For Options::memtable_factory, without a prefix extractor and with allow_concurrent_memtable_write off:
// one thread inserts, any number read meanwhile. memtable_bytes: Options::write_buffer_size, from which
// the size of the hash tables follows.
std::shared_ptr<rocksdb::MemTableRepFactory> NewHashMemTableFactory(size_t memtable_bytes);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_HASH_MEMTABLE_H_
