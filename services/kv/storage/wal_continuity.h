// Watches RocksDB replay its write-ahead logs and stops it at a gap.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_WAL_CONTINUITY_H_
#define LAMPPOST_SERVICES_KV_STORAGE_WAL_CONTINUITY_H_

#include <cstdint>
#include <string>

#include "rocksdb/wal_filter.h"
#include "rocksdb/write_batch.h"

namespace lamppost::kv {

// Every batch in a log starts with the sequence number of its first operation, and each operation takes
// one. A number that does not follow from the batch before tells that a log between is missing or lost
// its tail: replayed all the same, the store would hold later writes without earlier ones, and its
// heads would claim what it does not have. Such a record is reported as corrupt, and the open fails.
//
// Must outlive the rocksdb::DB it is given to. Used by the opening thread only.
class WalContinuity : public rocksdb::WalFilter {
 public:
  WalProcessingOption LogRecordFound(unsigned long long log_number, const std::string& log_file_name,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch* new_batch,
                                     bool* batch_changed) override;
  // RocksDB's message about the corrupt record ends with it.
  const char* Name() const override { return "a gap between the write-ahead logs"; }

 private:
  uint64_t next_sequence_ = 0;  // 0: no batch has been seen
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_WAL_CONTINUITY_H_
