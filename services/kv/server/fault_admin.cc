#include "services/kv/server/fault_admin.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/logging.h"
#include "services/kv/server/pending_call.h"

namespace lamppost::kv {
namespace {

constexpr uint64_t kForMsMax = uint64_t{7} * 24 * 60 * 60 * 1000;

absl::Status Disabled() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "FAULTS_DISABLED",
                   "the node was not started with --enable-faults");
}

absl::Status Invalid(absl::string_view what) {
  return MakeError(absl::StatusCode::kInvalidArgument, "FAULT_INVALID", what);
}

LinkFault FromProto(const v1::LinkFault& message) {
  LinkFault fault;
  fault.cut = message.cut();
  fault.delay_ms = message.delay_ms();
  fault.jitter_ms = message.jitter_ms();
  fault.drop = message.drop();
  fault.duplicate = message.duplicate();
  fault.reorder = message.reorder();
  return fault;
}

void ToProto(const FaultyOutbox::Counts& counts, v1::LinkFault* message) {
  message->set_dropped(counts.dropped);
  message->set_delayed(counts.delayed);
  message->set_duplicated(counts.duplicated);
}

uint64_t LeftMs(uint64_t until_ms, uint64_t now_ms) {
  return until_ms == 0 ? 0 : std::max(until_ms, now_ms + 1) - now_ms;
}

void ToProto(const FaultyOutbox::Listed& listed, uint64_t now_ms, v1::LinkFault* message) {
  message->set_to(listed.to);
  message->set_cut(listed.fault.cut);
  message->set_delay_ms(listed.fault.delay_ms);
  message->set_jitter_ms(listed.fault.jitter_ms);
  message->set_drop(listed.fault.drop);
  message->set_duplicate(listed.fault.duplicate);
  message->set_reorder(listed.fault.reorder);
  message->set_for_ms(LeftMs(listed.fault.until_ms, now_ms));
  ToProto(listed.counts, message);
}

absl::Status CheckShape(const v1::LinkFault& message) {
  if (message.for_ms() > kForMsMax) return Invalid("a fault lasts a week at most");
  const LinkFault fault = FromProto(message);
  if (!message.pause()) return CheckFault(fault);
  if (!fault.IsNone() || !message.to().empty())
    return Invalid("a pause is of all links, and nothing besides");
  return absl::OkStatus();
}

// A link leads from this node to another member.
absl::Status CheckLink(const Replica& replica, const std::string& to) {
  if (to == replica.me().node_id) {
    return MakeError(absl::StatusCode::kInvalidArgument, "LINK_TO_SELF",
                     absl::StrCat("node ", to, " has no link to itself"));
  }
  const bool is_peer = std::any_of(replica.peers().begin(), replica.peers().end(), [&](const Peer& peer) {
    return !peer.retired && !to.empty() && peer.node_id == to;
  });
  if (is_peer) return absl::OkStatus();
  return MakeError(absl::StatusCode::kNotFound, "MEMBER_UNKNOWN",
                   absl::StrCat("node ", replica.me().node_id, " has no link to a node '", to, "'"));
}

}  // namespace

void FaultAdmin::Set(std::unique_ptr<SetCall> call) {
  if (faults_ == nullptr) return SetCall::Fail(std::move(call), Disabled());
  if (absl::Status status = CheckShape(call->request().fault()); !status.ok()) {
    return SetCall::Fail(std::move(call), status);
  }
  auto pending = std::make_shared<PendingCall<SetCall>>(std::move(call));
  shell_->driver()->Post([this, pending](Replica* replica) {
    const v1::LinkFault& asked = pending->call->request().fault();
    const uint64_t until_ms = asked.for_ms() == 0 ? 0 : MonotonicMs() + asked.for_ms();
    if (asked.pause()) {
      Log(LogLevel::kWarn, "the replication is paused on demand", {{"for_ms", asked.for_ms()}});
      faults_->Pause(until_ms);
      return SetCall::Answer(std::move(pending->call));
    }
    if (absl::Status status = CheckLink(*replica, asked.to()); !status.ok()) {
      return SetCall::Fail(std::move(pending->call), status);
    }
    LinkFault fault = FromProto(asked);
    fault.until_ms = until_ms;
    Log(LogLevel::kWarn, "a link is disturbed on demand", {{"to", asked.to()}, {"for_ms", asked.for_ms()}});
    faults_->Set(asked.to(), fault);
    SetCall::Answer(std::move(pending->call));
  });
}

void FaultAdmin::Clear(std::unique_ptr<ClearCall> call) {
  if (faults_ == nullptr) return ClearCall::Fail(std::move(call), Disabled());
  auto pending = std::make_shared<PendingCall<ClearCall>>(std::move(call));
  shell_->driver()->Post([this, pending](Replica*) {
    const std::string& to = pending->call->request().to();
    const size_t cleared = to.empty() ? faults_->ClearAll() : faults_->Clear(to);
    pending->call->response()->set_cleared(static_cast<uint32_t>(cleared));
    ClearCall::Answer(std::move(pending->call));
  });
}

void FaultAdmin::List(std::unique_ptr<ListCall> call) {
  if (faults_ == nullptr) return ListCall::Fail(std::move(call), Disabled());
  auto pending = std::make_shared<PendingCall<ListCall>>(std::move(call));
  shell_->driver()->Post([this, pending](Replica*) {
    v1::ListLinkFaultsResponse* const response = pending->call->response();
    const uint64_t now_ms = MonotonicMs();
    if (faults_->IsPaused()) {
      v1::LinkFault* const pause = response->add_faults();
      pause->set_pause(true);
      pause->set_for_ms(LeftMs(faults_->paused_until_ms(), now_ms));
      ToProto(faults_->pause_counts(), pause);
    }
    for (const FaultyOutbox::Listed& listed : faults_->List())
      ToProto(listed, now_ms, response->add_faults());
    ListCall::Answer(std::move(pending->call));
  });
}

}  // namespace lamppost::kv
