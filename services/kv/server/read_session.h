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

#include <cstdint>
#include <memory>

#include "absl/time/clock.h"
#include "absl/time/time.h"
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
  explicit ReadSession(const PublishedHeads* heads) : heads_(heads) {
    const PublishedHeads::View view = heads->Now();
    committed_ = view.written;
    number_ = view.number;
  }

  void HasRead() { upcoming_ = heads_->Now().upcoming; }

  void Saw(const Timestamp& version) {
    if (committed_->Covers(version)) return;
    if (raised_.empty()) raised_ = *committed_;
    RaiseByRead(version, *upcoming_, &raised_);
  }

  // Something was read that the commit under way covers. It may have been there before, as part of a Sync
  // that this commit ends, and then other writes that the session covers now may not have been there yet. A
  // read that must not have missed any of them is to be made again, after AwaitCommit.
  bool HasRaced() const { return !raised_.empty() && raised_ != *committed_; }
  void AwaitCommit() const { heads_->AwaitAfter(number_, absl::Now() + absl::Seconds(1)); }

  void Fill(v1::Session* session) const { ToProto(raised_.empty() ? *committed_ : raised_, session); }

 private:
  const PublishedHeads* const heads_;
  std::shared_ptr<const Heads> committed_;
  uint64_t number_ = 0;  // of the view
  std::shared_ptr<const Heads> upcoming_;
  Heads raised_;  // empty: nothing was read that the committed heads do not cover
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_READ_SESSION_H_
