// A channel that is brought to READY before an RPC starts on it, so that an attempt that reached nobody is
// told from one that may have been taken.
#ifndef LAMPPOST_CLIENTS_CPP_READY_LINK_H_
#define LAMPPOST_CLIENTS_CPP_READY_LINK_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamppost::client {

// What every channel of this library has: no retries of gRPC's own, keepalive while a call waits, no web
// proxy, and connections of its own.
grpc::ChannelArguments LinkArguments(int receive_bytes_max);

// credentials: null for plain text.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target, const grpc::ChannelArguments& arguments,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials);

// UNAVAILABLE (NOT_CONNECTED) if the channel does not become ready: at once when every connection is refused,
// else when the attempt's time is up.
absl::Status WaitUntilReady(grpc::Channel* channel, absl::string_view name,
                            std::chrono::system_clock::time_point deadline, int64_t timeout_ms);

// Stubs is constructed from a std::shared_ptr<grpc::Channel>. Thread-safe if Stubs is.
template <typename Stubs>
class ReadyLink {
 public:
  using Deadline = std::chrono::system_clock::time_point;
  // Errors, UNAVAILABLE as above, when there is no address to connect to. May block until the deadline.
  using OpenFn = std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>(Deadline)>;

  // `name` is for messages. Opens nothing yet.
  ReadyLink(std::string name, OpenFn open) : name_(std::move(name)), open_(std::move(open)) {}

  // The stubs, on a ready channel. After an error the next attempt gets a new channel: the old one would sit
  // out its back-off, which is the retry policy's business here. For the same reason a channel of an earlier
  // attempt that has broken since is replaced at once. An attempt that had no time to find out why there is
  // no connection tells what the one before it found.
  absl::StatusOr<std::shared_ptr<Stubs>> Get(Deadline deadline, int64_t timeout_ms) {
    while (true) {
      const std::shared_ptr<Link> old = Current();
      absl::StatusOr<std::shared_ptr<Link>> link = old ? old : Open(deadline);
      if (!link.ok()) return link.status();
      const absl::Status ready = WaitUntilReady((*link)->channel.get(), name_, deadline, timeout_ms);
      if (ready.ok()) {
        Remember(ready);
        return std::shared_ptr<Stubs>(*link, &(*link)->stubs);
      }
      Drop(*link);
      const bool time_is_up = std::chrono::system_clock::now() >= deadline;
      if (time_is_up) return LastFailureOr(ready);
      Remember(ready);
      if (!old) return ready;
    }
  }

 private:
  struct Link {
    explicit Link(std::shared_ptr<grpc::Channel> channel_in)
        : channel(std::move(channel_in)), stubs(channel) {}

    const std::shared_ptr<grpc::Channel> channel;
    Stubs stubs;
  };

  std::shared_ptr<Link> Current() {
    std::lock_guard<std::mutex> lock(mutex_);
    return link_;
  }

  // Not under the lock: it may take its time, and others may have a link before.
  absl::StatusOr<std::shared_ptr<Link>> Open(Deadline deadline) {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = open_(deadline);
    if (!channel.ok()) return channel.status();
    std::lock_guard<std::mutex> lock(mutex_);
    if (!link_) link_ = std::make_shared<Link>(*std::move(channel));
    return link_;
  }

  void Drop(const std::shared_ptr<Link>& broken) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (link_ == broken) link_ = nullptr;
  }

  void Remember(const absl::Status& end) {
    std::lock_guard<std::mutex> lock(mutex_);
    last_end_ = end;
  }

  absl::Status LastFailureOr(const absl::Status& failure) {
    std::lock_guard<std::mutex> lock(mutex_);
    return last_end_.ok() ? failure : last_end_;
  }

  const std::string name_;
  const OpenFn open_;
  std::mutex mutex_;
  std::shared_ptr<Link> link_;  // guarded by mutex_; what it points to is thread-safe
  absl::Status last_end_;       // guarded by mutex_; of the last attempt that had the time it needed
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_READY_LINK_H_
