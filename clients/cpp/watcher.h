// A watch that outlives its connection: it goes on at the next node, from the session of the last message.
//
//   Watcher watcher(&client, options);
//   while (watcher.Next()) for (const auto& event : watcher.message().events()) …
//   if (!watcher.status().ok()) …
//
// Nothing is missed and no version comes twice, whichever node goes on. Keep message().session(): with it as
// WatchOptions::session a later Watcher begins where this one stopped.
//
// One thread reads; Stop is for any.
#ifndef LAMPPOST_CLIENTS_CPP_WATCHER_H_
#define LAMPPOST_CLIENTS_CPP_WATCHER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "clients/cpp/client.h"
#include "clients/cpp/stream_link.h"
#include "clients/cpp/stream_retry.h"
#include "lamppost/kv/v1/kv_service.pb.h"

namespace lamppost::client {

enum class WatchContent { kKeysAndValues, kKeysOnly };
// Of the keys, what they have; or their conflicts.
enum class WatchSubject { kKeys, kConflicts };

struct WatchOptions {
  std::string prefix;  // empty: all keys
  std::string key;     // this one alone; empty: as prefix says
  WatchSubject subject = WatchSubject::kKeys;
  std::optional<kv::v1::Session> session;  // see WatchRequest
  WatchContent content = WatchContent::kKeysAndValues;
  std::optional<int64_t> progress_interval_ms;
  std::optional<int64_t> timeout_ms;  // of the whole watch; unset: it goes on for ever
  int64_t first_answer_ms = 10'000;   // until then some node must have answered; later it tries for ever
};

class Watcher {
 public:
  // `client` lends its nodes, clock and options, and must outlive the watcher. Connects at the first Next.
  Watcher(Client* client, WatchOptions options);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher();

  // Blocks until there is a message; false once the watch is over.
  bool Next();
  // After Next gave true.
  const kv::v1::WatchResponse& message() const { return message_; }

  // After Next gave false: OK if it was stopped; DEADLINE_EXCEEDED (TIMEOUT) if its time is up; else why it
  // cannot go on: OUT_OF_RANGE (WATCH_TOO_OLD), what is wrong with the request, or that nobody answered.
  const absl::Status& status() const { return status_; }
  // host:port of the node asked last.
  std::string node() const;

  // Next gives false from now on, at once.
  void Stop();

 private:
  using Reader = grpc::ClientReader<kv::v1::WatchResponse>;

  // The present connection, if there is one.
  struct Call {
    grpc::ClientContext context;
    std::shared_ptr<StreamStubs> stubs;
    std::unique_ptr<Reader> reader;
    bool answered = false;
  };

  kv::v1::WatchRequest MakeRequest();
  // OK once a stream is open.
  AttemptEnd Open();
  AttemptEnd Close();
  // Whether to go on after this end of a connection; waits first if so.
  bool GoesOn(const AttemptEnd& end);
  int64_t DeadlineMs() const;

  Client* const client_;
  const WatchOptions options_;
  const int64_t started_ms_;
  const std::vector<std::unique_ptr<StreamLink>> links_;
  StreamRetry retry_;
  std::optional<kv::v1::Session> session_;
  kv::v1::WatchResponse message_;
  absl::Status status_;
  absl::Status unreached_;  // of the last attempt that had time, if it reached nobody
  bool heard_ = false;      // from any node
  int64_t opened_us_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable stopped_changed_;
  std::unique_ptr<Call> call_;  // changed under mutex_, by the reading thread
  bool stopped_ = false;        // guarded by mutex_
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_WATCHER_H_
