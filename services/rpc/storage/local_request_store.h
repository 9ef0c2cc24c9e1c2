// A request store of one server alone, over a kv::Storage. RocksDbRequestStore is what a server runs on by
// default.
#ifndef LAMPPOST_SERVICES_RPC_STORAGE_LOCAL_REQUEST_STORE_H_
#define LAMPPOST_SERVICES_RPC_STORAGE_LOCAL_REQUEST_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/kv/storage/storage.h"
#include "services/rpc/core/request_store.h"
#include "services/rpc/storage/group_worker.h"
#include "services/rpc/storage/staged_records.h"

namespace lamppost::rpc {

// Its one thread takes all operations that have gathered, commits what they change once, synced, and answers
// them. Once a commit has failed, these and all later operations are answered with its error, which is never
// UNAVAILABLE: what is on disk only a new start can tell, so the process has to end.
class LocalRequestStore : public RequestStore {
 public:
  using OpenFn = std::function<absl::StatusOr<std::unique_ptr<kv::Storage>>()>;
  // Whether there is room for new records. Called on the store's thread.
  using CheckRoomFn = std::function<absl::Status()>;

  // `open` is called by Start, once; `check_room` before each group that creates records. Its error is the
  // answer to those, and they do not take place; all else, outcomes above all, goes on. None: no check.
  explicit LocalRequestStore(OpenFn open, CheckRoomFn check_room = nullptr)
      : open_(std::move(open)), check_room_(std::move(check_room)) {}
  ~LocalRequestStore() override;

  // Errors: those of `open` and of StagedRecords::Load.
  absl::Status Start(AnswerFn on_answers) override;
  // Closes the storage as well.
  void Stop() override;
  void Submit(std::vector<NumberedOperation> operations) override;
  // Of this Start. Those of all earlier ones are dead, since a storage is open only once at a time.
  std::string owner() const override { return owner_; }
  uint64_t clock_start() const override { return clock_start_; }

 private:
  std::vector<StoreAnswer> RunGroup(const std::vector<NumberedOperation>& group);
  absl::Status CheckRoom(const std::vector<NumberedOperation>& group) const;
  // Against what is stored and staged; `room` is for new records.
  StoreAnswer Apply(const NumberedOperation& operation, const absl::Status& room);

  const OpenFn open_;
  const CheckRoomFn check_room_;
  std::string owner_;
  uint64_t clock_start_ = 0;
  std::unique_ptr<kv::Storage> storage_;
  // Of the worker's thread.
  std::unique_ptr<StagedRecords> records_;
  absl::Status failure_;
  GroupWorker worker_;
};

}  // namespace lamppost::rpc

#endif  // LAMPPOST_SERVICES_RPC_STORAGE_LOCAL_REQUEST_STORE_H_
