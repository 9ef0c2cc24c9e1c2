// Follows what several nodes do (AdminService.Trace), each over a stream of its own, which is opened again
// whenever it breaks.
#ifndef LAMPPOST_CLIENTS_CPP_TRACE_FEED_H_
#define LAMPPOST_CLIENTS_CPP_TRACE_FEED_H_

#include <grpcpp/security/credentials.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "lamppost/kv/v1/trace.pb.h"
#include "services/common/listen_address.h"

namespace lamppost::client {

// Told by several threads, one for each node, until Stop returns. `node` is its place in the list.
class TraceReceiver {
 public:
  virtual ~TraceReceiver() = default;
  // What has come, the empty messages included.
  virtual void OnMessage(size_t node, const kv::v1::TraceResponse& message) = 0;
  // The stream has ended, or could not be begun; it is tried again.
  virtual void OnBroken(size_t node, const absl::Status& status) = 0;
};

// Start and Stop are for one thread; none throws.
class TraceFeed {
 public:
  // credentials: null for plain text. The receiver must outlive this.
  TraceFeed(const std::vector<Address>& nodes, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
            TraceReceiver* receiver);
  ~TraceFeed();
  TraceFeed(const TraceFeed&) = delete;
  TraceFeed& operator=(const TraceFeed&) = delete;

  // Once.
  void Start();
  // Ends the streams; then the receiver hears no more.
  void Stop();

 private:
  class Stream;
  std::vector<std::unique_ptr<Stream>> streams_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_TRACE_FEED_H_
