// Where requests are recorded: an ordered map from request id to a record, changed by compare-and-swap, so
// that several servers can share one; a horizon below which ids are forgotten; and who is still alive.
//
// The engine makes operations and takes answers, as all its other inputs and outputs; whoever drives it
// brings them to a store. Implementations live in services/rpc/storage, and one contract suite runs over all
// of them.
#ifndef LAMPPOST_SERVICES_RPC_CORE_REQUEST_STORE_H_
#define LAMPPOST_SERVICES_RPC_CORE_REQUEST_STORE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "services/rpc/core/request_id.h"

namespace lamppost::rpc {

// A record with its revision: a number that changes whenever the record does, never 0, and is not used
// again for the same id, even if the record was removed in between.
struct StoredRecord {
  RequestId id;
  std::string value;
  uint64_t revision = 0;
};

// Answer: kDone, with the record if there is one.
struct GetRecord {
  RequestId id;
};

// Puts a record where there is none. kDone with the new revision; kConflict with the record that is there;
// kExpired if there is none and the id was minted at or before the horizon.
struct CreateRecord {
  RequestId id;
  std::string value;
};

// Changes a record that still has this revision. kDone with the new revision; else kConflict, with the record
// that is there, if there is one.
struct ReplaceRecord {
  RequestId id;
  uint64_t revision = 0;
  std::string value;
};

// Raises the horizon to at least horizon_ms (0: leaves it) and removes those records that still have their
// revisions; all at once, so that none can be created anew that has just been forgotten. kDone.
struct ForgetRecords {
  uint64_t horizon_ms = 0;
  std::vector<std::pair<RequestId, uint64_t>> records;  // at most kForgetRecordsMax
};

// Records in the order of their ids, from the one behind `after` on. kDone with `records`; fewer than
// record_max of them only at the end.
struct ScanRecords {
  std::optional<RequestId> after;
  size_t records_max = 100;
};

// Whether a server's life goes on. kDone with owner_is_alive.
struct FindOwner {
  std::string owner;
};

// Promises that no counter up to `limit` is ever issued by another life of this server. kDone.
struct ReserveClock {
  uint64_t limit = 0;
};

using StoreOperation =
    std::variant<GetRecord, CreateRecord, ReplaceRecord, ForgetRecords, ScanRecords, FindOwner, ReserveClock>;

inline constexpr size_t kForgetRecordsMax = 100;

struct NumberedOperation {
  uint64_t number = 0;
  StoreOperation operation;
};

struct StoreAnswer {
  enum class Verdict { kDone, kConflict, kExpired };

  uint64_t number = 0;  // of the operation
  // UNAVAILABLE (REQUEST_STORE_UNAVAILABLE) may pass, and leaves it open whether the operation took place.
  // DATA_LOSS (DATA_CORRUPT): what it is about is damaged, and nothing was done. Anything else: the store can
  // be used no longer.
  absl::Status status;
  Verdict verdict = Verdict::kDone;
  uint64_t revision = 0;
  std::optional<StoredRecord> record;
  std::vector<StoredRecord> records;
  bool owner_is_alive = false;
};

// Every operation is atomic and, once answered, durable. Operations are answered exactly once each, in any
// order; of the same id they take effect in the order of Submit.
class RequestStore {
 public:
  // Called on a thread of the store's; must not block, and must not call the store.
  using AnswerFn = std::function<void(std::vector<StoreAnswer>)>;

  virtual ~RequestStore() = default;

  // Comes first, once. Nothing is submitted before. Errors say why the store cannot be used.
  virtual absl::Status Start(AnswerFn on_answers) = 0;
  // Answers what has been submitted, maybe with errors, and ends. Nothing is submitted afterwards.
  virtual void Stop() = 0;

  // Queues operations. Thread-safe; does not block. The caller bounds how many are under way.
  virtual void Submit(std::vector<NumberedOperation> operations) = 0;

  // The name of this server's present life, under which others can ask for it (FindOwner): no other life, of
  // this or another server, ever has it. It may change, if the store has lost sight of this server for a
  // while. Thread-safe.
  virtual std::string owner() const = 0;
  // The counter from which this life's clock goes on: no earlier life has issued one above it.
  virtual uint64_t clock_start() const = 0;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_CORE_REQUEST_STORE_H_
