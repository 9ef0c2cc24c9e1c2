#include "services/kv/storage/wal_continuity.h"

#include <cstddef>

namespace lamppost::kv {
namespace {

constexpr size_t kSequenceBytes = 8;

// The batch's first bytes, little-endian.
uint64_t SequenceOf(const rocksdb::WriteBatch& batch) {
  const std::string& data = batch.Data();
  uint64_t sequence = 0;
  for (size_t i = kSequenceBytes; i > 0; --i) sequence = (sequence << 8) | static_cast<uint8_t>(data[i - 1]);
  return sequence;
}

}  // namespace

rocksdb::WalFilter::WalProcessingOption WalContinuity::LogRecordFound(unsigned long long /*log_number*/,
                                                                      const std::string& /*log_file_name*/,
                                                                      const rocksdb::WriteBatch& batch,
                                                                      rocksdb::WriteBatch* /*new_batch*/,
                                                                      bool* /*batch_changed*/) {
  if (batch.Data().size() < kSequenceBytes) return WalProcessingOption::kCorruptedRecord;
  const uint64_t sequence = SequenceOf(batch);
  if (next_sequence_ != 0 && sequence != next_sequence_) return WalProcessingOption::kCorruptedRecord;
  next_sequence_ = sequence + batch.Count();
  return WalProcessingOption::kContinueProcessing;
}

}  // namespace lamppost::kv
