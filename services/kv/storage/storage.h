// A store that can be written: what the node keeps its data in.
//
// One contract suite (storage_contract_test.cc) runs over every implementation.
#ifndef LAMPPOST_SERVICES_KV_STORAGE_STORAGE_H_
#define LAMPPOST_SERVICES_KV_STORAGE_STORAGE_H_

#include "absl/status/status.h"
#include "services/kv/core/store.h"

namespace lamppost::kv {

// When a committed batch is on stable storage.
enum class Durability {
  kSync,      // when Commit returns, and with it everything that was committed before
  kInterval,  // at the next Flush; until then it survives the process but not the machine
};

class Storage : public Store {
 public:
  // Applies the batch atomically and makes it visible to readers. Readers see it only once it is as
  // durable as asked. After an error the batch may or may not be there when the store is next opened,
  // and the store takes no further writes (FAILED_PRECONDITION): the process has to start again.
  // RESOURCE_EXHAUSTED: the disk is full. DATA_LOSS: the store is damaged. Else UNAVAILABLE.
  // One thread at a time.
  virtual absl::Status Commit(const WriteBatch& batch, Durability durability) = 0;

  // Puts everything committed on stable storage. Errors as Commit's, and as there, one ends writing.
  // Thread-safe, beside Commit too.
  virtual absl::Status Flush() = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_STORAGE_STORAGE_H_
