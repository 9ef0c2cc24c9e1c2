// Reads with a session: they wait until the node has what it asks for, as at the server's SessionGate.
#include <algorithm>
#include <utility>

#include "services/common/error.h"
#include "services/kv/core/session.h"
#include "tests/sim/node.h"

namespace lamppost::sim {
namespace {

// Shorter than a client waits for an answer.
constexpr uint64_t kSessionWaitMs = 600;

}  // namespace

void Node::ReadOnceThere(const Request& request) {
  if (kv::MayServe(committed_heads(), request.session)) return Read(request);
  waiting_reads_.push_back(request);
  to_.scheduler->AfterMs(kSessionWaitMs,
                         [this, client = request.client, attempt = request.attempt, process = process_] {
                           if (process != process_) return;
                           WhenRunning([this, client, attempt] { GiveUpRead(client, attempt); });
                         });
}

void Node::ServeWaitingReads() {
  std::vector<Request> waiting;
  waiting.swap(waiting_reads_);
  for (Request& request : waiting) {
    if (kv::MayServe(committed_heads(), request.session)) {
      Read(request);
    } else {
      waiting_reads_.push_back(std::move(request));
    }
  }
}

void Node::GiveUpRead(ClientIndex client, uint64_t attempt) {
  for (auto it = waiting_reads_.begin(); it != waiting_reads_.end(); ++it) {
    if (it->client != client || it->attempt != attempt) continue;
    const Request request = std::move(*it);
    waiting_reads_.erase(it);
    Reply reply;
    reply.status = MakeRetryableError(absl::StatusCode::kUnavailable, "SESSION_AHEAD",
                                      "not all is here that the session has seen", 200);
    return Answer(request, std::move(reply));
  }
}

}  // namespace lamppost::sim
