// The session of an answer to a read: what the node had committed, raised to what was read (core/session.h
// tells why).
//
//   ReadSession session(published);       // first
//   …open a cursor, or get a value…
//   session.HasRead();                    // what is read from now on was there then
//   session.Saw(version.timestamp); …
//   session.Fill(response->mutable_session());
//
// Not thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_READ_SESSION_H_
#define LAMPPOST_SERVICES_KV_SERVER_READ_SESSION_H_

#include <memory>

#include "lamppost/kv/v1/types.pb.h"
#include "services/clock/timestamp.h"
#include "services/kv/core/heads.h"
#include "services/kv/core/session.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/published_heads.h"

namespace lamppost::kv {

class ReadSession {
 public:
  // The heads must outlive this.
  explicit ReadSession(const PublishedHeads* heads) : heads_(heads), committed_(heads->Now().written) {}

  void HasRead() { upcoming_ = heads_->Now().upcoming; }

  void Saw(const Timestamp& version) {
    if (committed_->Covers(version)) return;
    if (raised_.empty()) raised_ = *committed_;
    RaiseByRead(version, *upcoming_, &raised_);
  }

  void Fill(v1::Session* session) const { ToProto(raised_.empty() ? *committed_ : raised_, session); }

 private:
  const PublishedHeads* const heads_;
  const std::shared_ptr<const Heads> committed_;
  std::shared_ptr<const Heads> upcoming_;
  Heads raised_;  // empty: nothing was read that the committed heads do not cover
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_READ_SESSION_H_
