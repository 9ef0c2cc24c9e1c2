// Request records over a kv::Storage: operations are carried out one after the other against what is stored
// and what has been staged before them; a commit makes all that is staged durable at once.
//
// In the storage (docs/on-disk-format.md): meta `format` and `state` (clock limit, horizon, revision); data:
// an id's 16 bytes, and for each its record's revision and value.
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_STAGED_RECORDS_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_STAGED_RECORDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/kv/storage/storage.h"
#include "services/rpc/core/request_id.h"
#include "services/rpc/core/request_store.h"

namespace lamppost::rpc {

class StagedRecords {
 public:
  // The storage must outlive this. `owner` is the one server that is alive.
  StagedRecords(kv::Storage* storage, std::string owner) : storage_(storage), owner_(std::move(owner)) {}

  // Comes first: reads the state, and makes one in an empty storage. FAILED_PRECONDITION (FORMAT_UNKNOWN) if
  // the data is someone else's, a node's for one, or of another version; DATA_LOSS (DATA_CORRUPT) if it
  // cannot be read; and what the storage says.
  absl::Status Load();

  // The answer holds once the next Commit has gone well. Its status is an error if the storage cannot be
  // read; the operation has then changed nothing.
  StoreAnswer Apply(const NumberedOperation& operation);
  // Makes durable what has been staged; touches no disk if that is nothing. After an error the storage takes
  // no more, and this is of no more use.
  absl::Status Commit();

  uint64_t clock_limit() const { return state_.clock_limit; }

 private:
  struct State {
    uint64_t clock_limit = 0;
    uint64_t horizon_ms = 0;
    uint64_t revision = 0;  // the last one given; of all records
  };

  static std::string Encode(const State& state);
  static absl::StatusOr<State> Decode(absl::string_view text);

  absl::Status CreateState();
  absl::StatusOr<std::optional<StoredRecord>> Get(const RequestId& id) const;
  uint64_t Put(const RequestId& id, const std::string& value);

  absl::Status Do(const GetRecord& get, StoreAnswer* answer);
  absl::Status Do(const CreateRecord& create, StoreAnswer* answer);
  absl::Status Do(const ReplaceRecord& replace, StoreAnswer* answer);
  absl::Status Do(const ForgetRecords& forget, StoreAnswer* answer);
  absl::Status Do(const ScanRecords& scan, StoreAnswer* answer);
  absl::Status Do(const FindOwner& find, StoreAnswer* answer);
  absl::Status Do(const ReserveClock& reserve, StoreAnswer* answer);

  kv::Storage* const storage_;
  const std::string owner_;
  State state_;
  bool state_changed_ = false;
  std::map<RequestId, std::optional<StoredRecord>> staged_;  // nothing: removed
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_STAGED_RECORDS_H_
