// Many batches over one stream: BulkWrite, with what it takes to lose nothing and write nothing twice.
//
//   BulkWriter writer(&client, options);
//   while (…) if (!writer.Add(operations)) break;
//   const BulkEnd end = writer.Finish();
//
// Each batch gets a request id once. Those that are not answered yet are kept, so many as BulkOptions allows,
// and are sent again when the stream breaks: first at the same node, then at the others. Add blocks while
// there is no room; the node slows the sender down by not answering.
//
// One thread adds and finishes; the writer has threads of its own for the stream.
#ifndef LAMPPOST_CLIENTS_CPP_BULK_WRITER_H_
#define LAMPPOST_CLIENTS_CPP_BULK_WRITER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "clients/cpp/client.h"
#include "clients/cpp/outcome.h"
#include "clients/cpp/stream_link.h"
#include "clients/cpp/stream_retry.h"
#include "lamppost/kv/v1/kv_service.pb.h"

namespace lamppost::client {

struct BulkOptions {
  size_t batches_max = 16;                 // not answered yet
  uint64_t bytes_max = uint64_t{8} << 20;  // of these; one batch is always let through
  uint32_t replicas = 0;                   // of each batch; see BulkWriteRequest
  std::optional<int64_t> timeout_ms;       // of the whole
  int64_t patience_ms = 60'000;            // without any answer for so long it fails
  int64_t stall_ms = 10'000;               // a stream without an answer for so long is given up for another
  // Batches are answered in the order they were added. Called on the writer's thread; may be empty.
  std::function<void(const kv::v1::BulkWriteResponse&)> on_answer;
};

// How it ended. Of a failure the outcome is that of the first batch without an answer; those behind it that
// have been sent may have been written, too.
struct BulkEnd {
  absl::Status status;
  Outcome outcome = Outcome::kDone;
  std::string request_id;        // of the first batch without an answer
  std::string node;              // host:port of the one asked last
  uint64_t answered = 0;         // batches
  uint64_t sent_unanswered = 0;  // batches that may have been written, the first one left out
};

class BulkWriter {
 public:
  // `client` lends its nodes, clock and options, and must outlive the writer.
  BulkWriter(Client* client, BulkOptions options);
  // Breaks off if it has not been finished.
  ~BulkWriter();
  BulkWriter(const BulkWriter&) = delete;
  BulkWriter& operator=(const BulkWriter&) = delete;

  // False once a batch has failed: nothing more is taken.
  bool Add(std::vector<kv::v1::WriteOperation> operations);
  // Whether Add would give false. Ends a stream that is stuck, as Add and Finish do while they wait.
  bool HasFailed();
  // Waits for all answers, or the failure.
  BulkEnd Finish();

 private:
  using Stream = grpc::ClientReaderWriter<kv::v1::BulkWriteRequest, kv::v1::BulkWriteResponse>;
  struct Batch {
    kv::v1::BulkWriteRequest request;
    uint64_t bytes = 0;
    bool sent = false;
    Effect worst = Effect::kNone;  // of the streams that it was sent on
    absl::Status done;             // by which a node said that it is written, although that is an error
  };

  void Run();
  // One stream, from its opening to its end. False if it is not to be tried again.
  bool Attempt();
  AttemptEnd Converse(kv::v1::KvService::Stub* stub);
  void SendAll(Stream* stream);
  bool Take(const kv::v1::BulkWriteResponse& response);
  bool JudgeEnd(AttemptEnd end, int64_t started_us);
  void Fail(const absl::Status& last, const std::string& why);
  int64_t SeriesEndMs(int64_t begin_ms) const;
  void BreakIfStalled();

  Client* const client_;
  const BulkOptions options_;
  const int64_t started_ms_;
  const std::vector<std::unique_ptr<StreamLink>> links_;
  StreamRetry retry_;  // of the writer's thread

  std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  std::deque<std::shared_ptr<Batch>> batches_;  // without an answer, in order
  size_t next_ = 0;                             // of these, to be sent on the present stream
  uint64_t bytes_ = 0;
  uint64_t next_sequence_ = 1;
  int64_t progress_ms_ = 0;                 // when there was an answer, or something to wait for
  grpc::ClientContext* context_ = nullptr;  // of the present stream
  bool is_up_ = false;                      // the present stream takes batches
  bool stalled_ = false;
  bool finishing_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  BulkEnd end_;

  std::thread thread_;
};

}  // namespace lamppost::client

#endif  // LAMPPOST_CLIENTS_CPP_BULK_WRITER_H_
