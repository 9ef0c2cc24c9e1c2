// Fetches snapshots (AdminService.Snapshot) from the nodes of a cluster, with retries and fail-over.
#ifndef LAMPPOST_CLIENTS_CPP_SNAPSHOT_CLIENT_H_
#define LAMPPOST_CLIENTS_CPP_SNAPSHOT_CLIENT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cpp/client.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/options.h"
#include "lamppost/kv/v1/admin_service.pb.h"

namespace lamppost::client {

// Takes a snapshot file as it comes. All in the calling thread. An error ends the call with it.
class SnapshotReceiver {
 public:
  virtual ~SnapshotReceiver() = default;
  // A file begins, perhaps for another time: what came before it, of another moment and maybe another node,
  // is to be dropped.
  virtual absl::Status Begin() = 0;
  // estimated_bytes: of the whole file, roughly; 0: not known.
  virtual absl::Status Take(absl::string_view bytes, uint64_t estimated_bytes) = 0;
};

class SnapshotStub;

// Thread-safe. Calls block; none throws.
class SnapshotClient {
 public:
  // As Client's. retry.attempt_timeout_ms bounds the wait for the connection, and from one message to the
  // next; an attempt goes on for as long as messages come.
  explicit SnapshotClient(const ClientOptions& options, ClientEnvironment environment = {});
  ~SnapshotClient();
  SnapshotClient(const SnapshotClient&) = delete;
  SnapshotClient& operator=(const SnapshotClient&) = delete;

  // Fetches one snapshot. If the result is ok the receiver has got a whole file; whether it is sound is for
  // the receiver to find out (services/kv/snapshot). The session may be empty: see SnapshotRequest. The
  // response is the stream's last message. Errors as Client's, or the receiver's.
  Result<v1::SnapshotResponse> Fetch(const v1::Session& session, SnapshotReceiver* receiver,
                                     const CallOptions& call = {});

 private:
  const std::shared_ptr<TimeSource> time_;
  std::vector<std::unique_ptr<SnapshotStub>> stubs_;  // in the order of the connection's nodes
  const std::optional<int64_t> timeout_ms_;
  Connection connection_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_SNAPSHOT_CLIENT_H_
