// A plain caller of one node: no retries, no fail-over, so that a test sees what the node itself says.
//
// Thread-safe, but for error_clock. Errors are those of the node, with their reason
// (services/common/error.h).
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_KV_CLIENT_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_KV_CLIENT_H_

#include <grpcpp/security/credentials.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "lamppost/kv/v1/kv_service.grpc.pb.h"
#include "services/clock/timestamp.h"

namespace lamppost::testing {

using TextPairs = std::vector<std::pair<std::string, std::string>>;

class KvClient {
 public:
  using Credentials = std::shared_ptr<grpc::ChannelCredentials>;

  // host:port; in plain text without credentials.
  explicit KvClient(const std::string& address, absl::Duration timeout = absl::Seconds(10),
                    const Credentials& credentials = nullptr);

  absl::StatusOr<kv::v1::PutResponse> Put(const std::string& key, const std::string& text,
                                          const std::string& request_id = "");
  absl::StatusOr<kv::v1::PutResponse> Put(const kv::v1::PutRequest& request);
  absl::StatusOr<kv::v1::GetResponse> Get(const std::string& key);
  absl::StatusOr<kv::v1::GetResponse> Get(const kv::v1::GetRequest& request);
  absl::StatusOr<kv::v1::DeleteResponse> Delete(const std::string& key);
  absl::StatusOr<kv::v1::DeleteResponse> Delete(const kv::v1::DeleteRequest& request);
  absl::StatusOr<kv::v1::WriteResponse> Write(const kv::v1::WriteRequest& request);
  absl::StatusOr<kv::v1::ScanResponse> Scan(const kv::v1::ScanRequest& request);
  absl::StatusOr<kv::v1::StatusResponse> Status();

  // The key's text; nothing if it has none or the node cannot be asked.
  std::optional<std::string> Text(const std::string& key);
  // All keys with their text values, page by page.
  absl::StatusOr<std::map<std::string, std::string>> Everything();
  // Sets keys PREFIX000000… with the given text, in batches of 1000.
  absl::Status Fill(const std::string& prefix, int count, const std::string& text);
  // Whether the health service says SERVING for the service ("": the whole server).
  bool IsServing(const std::string& service = "");

  // The node's timestamp in the trailers of the last call of this client that failed.
  std::optional<Timestamp> error_clock() const { return error_clock_; }
  kv::v1::KvService::Stub* stub() { return stub_.get(); }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (kv::v1::KvService::Stub::*method)(grpc::ClientContext*,
                                                                                const Request&, Response*),
                                const Request& request);

  const absl::Duration timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<kv::v1::KvService::Stub> stub_;
  std::optional<Timestamp> error_clock_;
};

// A batch with one put for each pair.
kv::v1::WriteRequest Batch(const TextPairs& pairs);

// Of an error of a node.
std::string ReasonOf(const absl::Status& status);

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_KV_CLIENT_H_
