#include "services/kv/server/peer_link.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/common/grpc_status.h"
#include "services/kv/server/sync_codec.h"
#include "services/security/server_tls.h"

namespace lamppost::kv {
namespace {

// An answer is small, but its heads grow with the lives of the members.
constexpr int kAnswerBytesMax = 4 << 20;

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, PeerLink::kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, PeerLink::kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, PeerLink::kBackoffMinMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, PeerLink::kBackoffMaxMs);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // A connection of its own, not shared with other channels to the same peer.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kAnswerBytesMax);
  return grpc::CreateCustomChannel(
      target, credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials, arguments);
}

}  // namespace

// A hold keeps gRPC from ending the call while the driver may still start a write; it is given up once
// the stream is closing and no write is under way.
class OutboundStream : public grpc::ClientBidiReactor<v1::SyncRequest, v1::SyncResponse> {
 public:
  OutboundStream(PeerIndex peer, PeerCheck check, Shell* shell, StreamCount* streams)
      : peer_(peer),
        check_(check),
        shell_(shell),
        streams_(streams),
        permit_(shell->gate(),
                [gate = shell->gate(), this] { return gate->VerifyNode(*context_.auth_context()); }) {}

  void Begin(v1::ReplicationService::Stub* stub, std::shared_ptr<OutboundStream> self) {
    self_ = std::move(self);
    streams_->Add();
    stub->async()->Sync(&context_, this);
    AddHold();
    StartRead(&response_);
    StartCall();
  }

  void Send(SyncMessage message) {
    {
      absl::MutexLock lock(&mutex_);
      if (closing_) return;
      queue_.push_back(std::move(message));
      if (writing_) return;
      writing_ = true;
    }
    WriteNext();
  }

  void Cancel() { context_.TryCancel(); }

  // Of the driver's thread.
  bool connected() const { return connected_; }
  bool ended() const { return ended_; }

  void OnReadInitialMetadataDone(bool ok) override {
    if (!ok) return;
    shell_->driver()->Post([this, self = self_](Replica* replica) {
      connected_ = true;
      replica->LinkUp(peer_);
    });
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Close();
    absl::StatusOr<SyncAnswer> answer = FromProto(response_);
    if (!answer.ok()) return Cancel();
    if (absl::Status status = CheckPeer(*answer); !status.ok()) return Distrust(status);
    // A peer's clock that is too far ahead breaks the link rather than this node's clock.
    shell_->Admit(
        answer->clock.counter,
        [this, self = self_, answer = *std::move(answer)] {
          shell_->driver()->Post([this, self, answer](Replica* replica) {
            if (connected_ && !ended_ && shell_->Admits(answer)) replica->ReceiveAnswer(peer_, answer);
          });
          StartRead(&response_);
        },
        [this, self = self_](const absl::Status&) {
          Cancel();
          Close();
        });
  }

  void OnWriteDone(bool ok) override {
    bool more = false;
    {
      absl::MutexLock lock(&mutex_);
      queue_.pop_front();
      if (!ok) closing_ = true;
      more = !closing_ && !queue_.empty();
      writing_ = more;
    }
    if (more) {
      WriteNext();
    } else {
      ReleaseIfIdle();
    }
  }

  void OnDone(const grpc::Status& status) override {
    const absl::Status why = distrust_.ok() ? FromGrpcStatus(status) : distrust_;
    shell_->driver()->Post([this, self = self_, why](Replica* replica) {
      ended_ = true;
      replica->LinkDown(peer_, why.ok() ? "the peer ended the link" : std::string(why.message()));
    });
    StreamCount* const streams = streams_;
    self_.reset();  // may delete this
    streams->Remove();
  }

 private:
  // Whether the answer comes from the node whose certificate the peer has shown.
  absl::Status CheckPeer(const SyncAnswer& answer) {
    if (check_ == PeerCheck::kNone) return absl::OkStatus();
    if (!certified_) {
      absl::StatusOr<security::Identity> identity = security::PeerIdentity(*context_.auth_context());
      if (!identity.ok()) return identity.status();
      certified_ = *std::move(identity);
    }
    if (absl::Status denied = permit_.Check(absl::Now()); !denied.ok()) return denied;
    const security::Identity claimed = {security::Identity::Kind::kNode, answer.clock.origin.node_id};
    if (*certified_ == claimed) return absl::OkStatus();
    return absl::PermissionDeniedError(absl::StrCat("its certificate is that of ", certified_->Text(),
                                                    ", and it answers as ", claimed.Text()));
  }

  void Distrust(const absl::Status& why) {
    distrust_ = why;
    Cancel();
    Close();
  }

  void Close() {
    {
      absl::MutexLock lock(&mutex_);
      closing_ = true;
    }
    ReleaseIfIdle();
  }

  void ReleaseIfIdle() {
    {
      absl::MutexLock lock(&mutex_);
      if (!closing_ || writing_ || released_) return;
      released_ = true;
    }
    RemoveHold();
  }

  void WriteNext() {
    const SyncMessage* next = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      next = &queue_.front();  // stays where it is while others are added behind it
    }
    request_.Clear();
    ToProto(*next, &request_);
    StartWrite(&request_);
  }

  const PeerIndex peer_;
  const PeerCheck check_;
  Shell* const shell_;
  StreamCount* const streams_;
  security::Permit permit_;
  grpc::ClientContext context_;
  // Of gRPC's reactions to reads, one at a time.
  std::optional<security::Identity> certified_;  // whom the peer's certificate names, once that was looked at
  absl::Status distrust_;                        // why the call has been cancelled
  std::shared_ptr<OutboundStream> self_;
  v1::SyncRequest request_;    // of the write under way
  v1::SyncResponse response_;  // of the read under way
  bool connected_ = false;     // of the driver's thread
  bool ended_ = false;         // of the driver's thread

  absl::Mutex mutex_;
  std::deque<SyncMessage> queue_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
};

PeerLink::PeerLink(PeerIndex peer, const std::string& target,
                   const std::shared_ptr<grpc::ChannelCredentials>& credentials, Shell* shell,
                   StreamCount* streams)
    : peer_(peer),
      check_(credentials == nullptr ? PeerCheck::kNone : PeerCheck::kCertified),
      shell_(shell),
      streams_(streams),
      channel_(MakeChannel(target, credentials)),
      stub_(v1::ReplicationService::NewStub(channel_)),
      jitter_(peer * 7) {}

PeerLink::~PeerLink() {
  Shutdown();
}

void PeerLink::Poll(uint64_t now_ms) {
  std::shared_ptr<OutboundStream> fresh;
  {
    absl::MutexLock lock(&mutex_);
    if (shutdown_) return;
    if (stream_ && !stream_->ended()) return;
    if (stream_) {
      // Ended since the last look: wait, twice as long each time it did not even connect.
      backoff_ms_ = stream_->connected() ? kBackoffMinMs : std::min(backoff_ms_ * 2, kBackoffMaxMs);
      jitter_ = (jitter_ * 31 + now_ms) % (backoff_ms_ / 2 + 1);
      next_attempt_ms_ = now_ms + backoff_ms_ / 2 + jitter_;
      stream_.reset();
    }
    if (now_ms < next_attempt_ms_) return;
    fresh = stream_ = std::make_shared<OutboundStream>(peer_, check_, shell_, streams_);
  }
  fresh->Begin(stub_.get(), fresh);
}

void PeerLink::Send(SyncMessage message) {
  std::shared_ptr<OutboundStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    stream = stream_;
  }
  if (stream && stream->connected() && !stream->ended()) stream->Send(std::move(message));
}

void PeerLink::Shutdown() {
  std::shared_ptr<OutboundStream> stream;
  {
    absl::MutexLock lock(&mutex_);
    shutdown_ = true;
    stream = stream_;
  }
  if (stream) stream->Cancel();
}

bool PeerLink::IsOver() {
  absl::MutexLock lock(&mutex_);
  return shutdown_ && (stream_ == nullptr || stream_->ended());
}

}  // namespace lamppost::kv
