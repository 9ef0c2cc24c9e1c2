// What every request store does, in its plainest form: a table in memory, changed by one operation at a time.
//
// Copies are independent, so a simulator can keep one from before what it lets a crash take back.
// Deterministic, pure; not thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_RECORD_TABLE_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_RECORD_TABLE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "services/rpc/core/request_id.h"
#include "services/rpc/core/request_store.h"

namespace lamppost::rpc {

class RecordTable {
 public:
  // Never fails. The second form's answer has the number 0.
  StoreAnswer Apply(const NumberedOperation& operation);
  StoreAnswer Apply(const StoreOperation& operation) { return Apply(NumberedOperation{0, operation}); }

  // The servers that are alive, by the names of their present lives.
  void AddOwner(const std::string& owner) { owners_.insert(owner); }
  void RemoveOwner(const std::string& owner) { owners_.erase(owner); }

  const std::map<RequestId, StoredRecord>& records() const { return records_; }
  uint64_t horizon_ms() const { return horizon_ms_; }
  // The greatest that was reserved.
  uint64_t clock_limit() const { return clock_limit_; }

 private:
  void Do(const GetRecord& get, StoreAnswer* answer);
  void Do(const CreateRecord& create, StoreAnswer* answer);
  void Do(const ReplaceRecord& replace, StoreAnswer* answer);
  void Do(const ForgetRecords& forget, StoreAnswer* answer);
  void Do(const ScanRecords& scan, StoreAnswer* answer);
  void Do(const FindOwner& find, StoreAnswer* answer);
  void Do(const ReserveClock& reserve, StoreAnswer* answer);

  std::map<RequestId, StoredRecord> records_;
  std::set<std::string> owners_;
  uint64_t horizon_ms_ = 0;
  uint64_t clock_limit_ = 0;
  uint64_t revision_ = 0;  // the last one given; of all records
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_RECORD_TABLE_H_
