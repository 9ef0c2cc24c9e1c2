// The part of a node that stands for the server's driver: groups, their commits, and what leaves after them.
#include <algorithm>
#include <utility>

#include "services/common/error.h"
#include "services/kv/core/check.h"
#include "tests/sim/node.h"

namespace lamppost::sim {
namespace {

constexpr uint64_t kFlushIntervalMs = 1000;

}  // namespace

void Node::Enqueue(Input input) {
  inputs_.push_back(std::move(input));
  Wake(20 + random_.Below(80));
}

void Node::Wake(uint64_t delay_us) {
  const uint64_t time_us = to_.scheduler->now_us() + delay_us;
  if (in_flight_ || wake_us_ <= time_us) return;
  wake_us_ = time_us;
  to_.scheduler->At(time_us, [this, time_us, process = process_] {
    if (process != process_ || wake_us_ != time_us) return;
    WhenRunning([this] { RunGroup(); });
  });
}

void Node::RunGroup() {
  wake_us_ = UINT64_MAX;
  if (in_flight_) return;
  if (stopping_ && inputs_.empty()) {
    if (replica_->held_replies().empty()) return End();
    replica_->EndReplicaWaits();
  }
  replica_->Begin(NodeMs(), WallMs());
  std::vector<Input> inputs;
  inputs.swap(inputs_);
  for (const Input& input : inputs) input(replica_.get());
  PollLinks();
  in_flight_ = replica_->TakeOutput();
  to_.observer->OnAttempted(index_, *in_flight_, replica_->clock()->now());
  BeginCommit();
}

// The last commit of an orderly end. Nothing leaves after it, so what is issued after the release is not.
void Node::End() {
  ending_ = true;
  std::map<kv::ProposalId, Request> waiting;
  waiting.swap(waiting_);
  for (const auto& [id, request] : waiting) {
    Reply reply;
    reply.status = MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the node is shutting down");
    Answer(request, std::move(reply));
  }
  std::vector<Request> reads;
  reads.swap(waiting_reads_);
  for (const Request& request : reads) {
    Reply reply;
    reply.status = MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "the node is shutting down");
    Answer(request, std::move(reply));
  }
  replica_->ReleaseClock();
  in_flight_ = replica_->TakeOutput();
  in_flight_->messages.clear();
  in_flight_->answers.clear();
  BeginCommit();
}

void Node::BeginCommit() {
  if (in_flight_->batch.empty()) return FinishGroup();
  if (Trapped(Step::kBeforeAppend)) return;
  if (trap_ && trap_->step == Step::kBeforeSync) {
    const absl::Status appended = disk_->Commit(in_flight_->batch, kv::Durability::kInterval);
    if (appended.ok() && Trapped(Step::kBeforeSync)) return;
  }
  const uint64_t commit_us = random_.Between(plan_.commit_min_us, plan_.commit_max_us) + slow_disk_us_;
  to_.scheduler->After(commit_us, [this, process = process_] {
    if (process != process_) return;
    WhenRunning([this] { FinishGroup(); });
  });
}

// True if the process has died at this step.
bool Node::Trapped(Step step) {
  if (!trap_ || trap_->step != step) return false;
  const Loss loss = trap_->loss;
  EndByItself(loss);
  return true;
}

void Node::FinishGroup() {
  const kv::Output output = *std::exchange(in_flight_, std::nullopt);
  const bool fails = !output.batch.empty() && disk_->IsFailing();
  if (!commit_->Commit(output).ok()) {
    to_.observer->OnCommitFailed(index_, output);
    return EndByItself(Loss::kProcess);
  }
  serving_ = true;
  if (fails) to_.observer->OnSentAfterFailure(index_);
  to_.observer->OnCommitted(index_, output);
  if (!output.batch.empty() && Trapped(Step::kBeforeSend)) return;
  SendMessages(output);
  if (!output.batch.empty() && Trapped(Step::kBeforeReply)) return;
  Dispatch(output);
  ServeWaitingReads();
  if (ending_) {
    (void)disk_->Flush();
    return EndByItself(Loss::kNothing);
  }
  Wake(inputs_.empty() && !stopping_ ? 1000 * std::min(kTickMs, replica_->PatienceMs()) : 20);
}

void Node::SendMessages(const kv::Output& output) {
  for (const kv::OutgoingMessage& outgoing : output.messages) {
    const PeerLink known = outgoing.peer < links_.size() ? links_[outgoing.peer] : PeerLink();
    const bool has_link = known.state == PeerLink::State::kUp && known.told == known.link;
    const kv::LinkId link = has_link ? known.link : 0;
    Packet packet{index_, NodeOf(outgoing.peer), link, outgoing.message};
    to_.observer->OnSent(packet);
    if (has_link) {
      to_.network->Send(std::move(packet));
    } else {
      to_.observer->OnMishap(packet, {Mishap::Kind::kLost, Mishap::Cause::kLinkGone});
    }
  }
  for (const kv::OutgoingAnswer& outgoing : output.answers) {
    Packet packet{index_, NodeOfId(outgoing.to), outgoing.link, outgoing.answer};
    to_.observer->OnSent(packet);
    to_.network->Send(std::move(packet));
  }
}

void Node::Dispatch(const kv::Output& output) {
  for (const kv::Reply& given : output.replies) {
    const auto it = waiting_.find(given.id);
    LAMPPOST_CHECK(it != waiting_.end(), "a reply to nobody");
    const Request request = std::move(it->second);
    waiting_.erase(it);
    Reply reply;
    reply.status = given.result.status();
    if (given.result.ok()) {
      reply.written = *given.result;
      reply.session = committed_heads();
      reply.session.Raise(reply.written.version.origin, reply.written.version.counter);
    }
    Answer(request, std::move(reply));
  }
  std::vector<std::function<void()>> next;
  next.swap(after_commit_);
  for (const std::function<void()>& run : next) run();
}

// With kInterval: what is in the page cache goes to the disk every now and then, beside the commits.
void Node::Flush() {
  const uint64_t mark = disk_->FlushMark();
  const kv::Heads heads = commit_->committed_heads();
  const uint64_t flush_us = random_.Between(plan_.commit_min_us, plan_.commit_max_us) + slow_disk_us_;
  to_.scheduler->After(flush_us, [this, mark, heads, process = process_] {
    if (process != process_) return;
    if (!disk_->FlushUpTo(mark).ok()) return EndByItself(Loss::kProcess);
    to_.observer->OnFlushed(index_, heads);
    WhenRunning([this, heads] { Enqueue([this, heads](kv::Replica*) { commit_->Flushed(heads); }); });
  });
  to_.scheduler->AfterMs(kFlushIntervalMs, [this, process = process_] {
    if (process == process_) Flush();
  });
}

}  // namespace lamppost::sim
