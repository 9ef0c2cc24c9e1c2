// What can be watched in a run, and by whom: checks, the trace and whoever else wants to know. The watched
// never see their observers.
#ifndef LAMPPOST_TESTS_SIM_OBSERVER_H_
#define LAMPPOST_TESTS_SIM_OBSERVER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "services/kv/core/replica.h"
#include "tests/history/history.h"
#include "tests/sim/wire.h"

namespace lamppost::sim {

// What goes with a process that ends: nothing if it ends in order; what it had in memory; with the machine's
// power, what was not flushed as well.
enum class Loss { kNothing, kProcess, kPower };

// What has befallen a message on its way. The nodes see nothing of it.
struct Mishap {
  enum class Kind {
    kLost,
    kDelayed,  // by delay_ms
    kDoubled,  // it arrives a second time
  };
  enum class Cause {
    kChance,     // one of the plan's rates
    kLinkFault,  // a link that is slow or lossy
    kCut,
    kGarbled,   // its bytes could not be read
    kLinkGone,  // before it had arrived, or been sent
    kNobodyThere,
  };
  Kind kind = Kind::kLost;
  Cause cause = Cause::kChance;
  uint64_t delay_ms = 0;
};

class Observer {
 public:
  virtual ~Observer() = default;

  // A process has opened its store and is about to run its first group.
  virtual void OnStarted(NodeIndex) {}
  // It has ended. With kPower, `lost` of the batches that were not flushed are gone.
  virtual void OnStopped(NodeIndex, Loss, size_t /*lost*/) {}
  // A node that is down has another disk now: empty or with an old copy.
  virtual void OnDiskExchanged(NodeIndex) {}

  // A message or an answer leaves its node, if the link is still there: what it stands on is committed.
  virtual void OnSent(const Packet&) {}
  // Something that was sent has met this.
  virtual void OnMishap(const Packet&, const Mishap&) {}
  // Something has come in; the node's clock has observed it, and shows `now`.
  virtual void OnReceived(NodeIndex, const Packet&, uint64_t /*now*/) {}
  virtual void OnRequest(NodeIndex, const Request&, uint64_t /*now*/) {}
  // A counter that was too far ahead has been refused; the clock shows `now`.
  virtual void OnRefused(NodeIndex, uint64_t /*counter*/, uint64_t /*now*/) {}

  // A write is about to be handed to the replica, which has these heads.
  virtual void OnProposed(NodeIndex, const kv::Proposal&, const kv::Heads&) {}
  // A group has been put together; the clock shows `now`. Its batch may or may not get to the disk.
  virtual void OnAttempted(NodeIndex, const kv::Output&, uint64_t /*now*/) {}
  // The group's batch is as durable as the mode promises; nothing of the output has left yet.
  virtual void OnCommitted(NodeIndex, const kv::Output&) {}
  // A batch that the disk has refused: whether it is there is not known. The process is about to end.
  virtual void OnCommitFailed(NodeIndex, const kv::Output&) {}
  // Something was sent or answered although the disk had refused the batch it stands on.
  virtual void OnSentAfterFailure(NodeIndex) {}
  // What was committed when the flush began is on stable storage.
  virtual void OnFlushed(NodeIndex, const kv::Heads&) {}

  // A client is answered.
  virtual void OnReply(NodeIndex, const Request&, const Reply&) {}

  // A client's attempt has ended.
  virtual void OnOperation(const history::Operation&) {}

  // In words, for the trace.
  virtual void OnTold(const std::string&) {}
  // All faults have ended.
  virtual void OnHealed() {}
  // All is quiet, and all nodes are up.
  virtual void OnEnd() {}
  // It has not become quiet in time.
  virtual void OnNotSettled(const std::string&) {}
};

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_OBSERVER_H_
