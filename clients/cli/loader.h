// Many puts as batches of one bulk write.
#ifndef LAMPPOST_CLIENTS_CLI_LOADER_H_
#define LAMPPOST_CLIENTS_CLI_LOADER_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "clients/cpp/bulk_writer.h"
#include "clients/cpp/client.h"

namespace lamppost::cli {

inline constexpr size_t kBatchOperationsMax = 500;
inline constexpr size_t kBatchBytesMax = 1 << 20;

struct LoaderOptions {
  int in_flight = 8;                  // batches without an answer
  std::optional<int64_t> timeout_ms;  // of the whole load
  uint32_t replicas = 0;              // of each batch; see BulkWriteRequest
};

// How a load ended. Batches are all or nothing; of those behind a failed one some may have been written, too.
struct LoadEnd {
  absl::Status status;
  client::Outcome outcome = client::Outcome::kDone;
  std::string request_id;   // of the failed batch
  uint64_t first_line = 0;  // of the failed batch
  uint64_t last_line = 0;
  uint64_t lines_written = 0;  // for certain
  uint64_t batches_written = 0;
  uint64_t lines_unsure = 0;  // in batches behind the failed one that had been sent
};

// Of lines with the same key the last one wins: within a batch only that one is sent, and a batch with
// a key of a batch in flight waits for that one's end. Memory is bounded by in_flight + 1 batches.
//
// One thread adds and finishes.
class Loader {
 public:
  // `client` must outlive the loader.
  Loader(client::Client* client, LoaderOptions options);
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Blocks while there is no room. False once a batch has failed: nothing more is taken.
  bool Add(uint64_t line, kv::v1::PutOperation put);
  // Sends the rest, unless something failed, and waits for everything in flight.
  LoadEnd Finish();

  uint64_t lines_written() const;

 private:
  struct Batch {
    std::vector<kv::v1::WriteOperation> operations;
    absl::flat_hash_map<std::string, size_t> position_of;  // key -> place in operations
    size_t bytes = 0;
    uint64_t first_line = 0;
    uint64_t last_line = 0;
    uint64_t lines = 0;
  };

  bool Submit();
  bool SharesKeysInFlight(const Batch& batch) const;
  void OnAnswer();

  Batch filling_;  // the adding thread's

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  std::deque<Batch> in_flight_;  // without their operations; in order
  absl::flat_hash_set<std::string> keys_in_flight_;
  uint64_t lines_written_ = 0;

  client::BulkWriter writer_;  // its thread uses what stands above
};

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_LOADER_H_
