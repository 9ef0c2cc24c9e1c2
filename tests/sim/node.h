// One node: a process that runs the production Replica, its driver, and its end of the network.
//
// It stands where services/kv/server stands in production, in virtual time: inputs gather while a group is
// being committed; the commit takes as long as the disk does; then, and only then, the group's messages and
// replies go out. The order of those steps is GroupCommit's, which the server's driver uses as well.
//
// Not thread-safe.
#ifndef LAMPPOST_TESTS_SIM_NODE_H_
#define LAMPPOST_TESTS_SIM_NODE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "services/kv/core/replica.h"
#include "services/kv/storage/group_commit.h"
#include "tests/sim/disk.h"
#include "tests/sim/network.h"
#include "tests/sim/observer.h"
#include "tests/sim/plan.h"
#include "tests/sim/random.h"
#include "tests/sim/scheduler.h"

namespace lamppost::sim {

// Where in a group a process dies.
enum class Step {
  kBeforeAppend,  // nothing of the batch is written
  kBeforeSync,    // it is in the page cache, and the fsync has not ended
  kBeforeSend,    // it is durable; nobody hears of it
  kBeforeReply,   // the messages are sent; the clients hear nothing
};
constexpr uint64_t kSteps = 4;

class Node : public Endpoint {
 public:
  // A group is put together at least so often, as by the server.
  static constexpr uint64_t kTickMs = 50;

  // What a node needs from the world around it.
  struct Surroundings {
    Scheduler* scheduler;
    Network* network;
    Observer* observer;
    std::function<void(Reply)> reply;                   // to a client
    std::function<void(NodeIndex, Loss)> on_self_stop;  // the process has ended by itself
  };

  Node(NodeIndex index, const Plan& plan, Random random, Surroundings surroundings);

  // The process. Start fails as Replica::Open does.
  absl::Status Start();
  // Ends it at once, unless it has ended itself in order. With kPower, some of what was not flushed is lost,
  // chosen at random.
  void Crash(Loss loss, Notice notice);
  // Ends it in order, as SIGTERM does: what is queued is done first. Takes a moment.
  void Stop();
  // As SIGSTOP and SIGCONT.
  void Pause();
  void Resume();
  // The process will die at this step of its next group that has something to write.
  void DieAt(Step step, Loss loss) { trap_ = Trap{step, loss}; }
  void Disarm() { trap_.reset(); }
  bool IsUp() const { return replica_ != nullptr; }
  // The server opens its port once the first group is committed.
  bool IsServing() const { return serving_; }
  bool IsPaused() const { return paused_; }
  bool IsTrapped() const { return trap_.has_value(); }
  bool IsSettled() const;

  // The machine.
  Disk* disk() { return disk_.get(); }
  const Disk& disk() const { return *disk_; }
  void ExchangeDisk(std::unique_ptr<Disk> disk);
  uint64_t disk_exchanges() const { return disk_exchanges_; }
  // The node's own clock leaps, as when the machine was asleep.
  void LeapTime(uint64_t by_ms) { leapt_us_ += by_ms * 1000; }
  // The wall clock, which goes by itself and may jump either way; it says what has expired.
  uint64_t WallMs() const;
  void JumpWall(int64_t by_ms) { wall_offset_ms_ += by_ms; }
  void SetWallRight() { wall_offset_ms_ = 0; }
  // From now on it goes so much faster or slower; 100 is right.
  void RunTimeAt(uint64_t percent);
  // The next commits take so much longer; 0 ends it.
  void SlowDisk(uint64_t extra_us) { slow_disk_us_ = extra_us; }
  // Writes are refused for want of room, as the server does before the disk is really full.
  void SetDiskFull(std::optional<absl::Status> why);

  // From a client.
  void OnRequest(Request request);
  // From an operator: makes the other a member, or takes it out by force, if there is anything to do.
  enum class Change { kAdd, kRemove };
  void ChangeMembers(NodeIndex other, Change change);
  // Whether the other is a member, as far as this process knows.
  bool HasMember(NodeIndex other) const;

  // From the network.
  bool Listens() const override { return IsUp(); }
  bool Accepts() const override { return serving_ && !paused_ && !stopping_; }
  void OnConnected(NodeIndex to, kv::LinkId link) override;
  void OnNotConnected(NodeIndex to) override;
  void OnLinkDown(NodeIndex to, kv::LinkId link) override;
  void OnInboundDown(kv::LinkId link) override;
  void OnPacket(Packet packet) override;

  NodeIndex index() const { return index_; }
  const kv::Replica& replica() const { return *replica_; }
  // The heads that the store holds all of.
  const kv::Heads& committed_heads() const { return commit_->committed_heads(); }
  // Writes that wait to be answered.
  size_t waiting_writes() const { return waiting_.size(); }

 private:
  using Input = std::function<void(kv::Replica*)>;
  struct Trap {
    Step step;
    Loss loss;
  };
  struct PeerLink {
    enum class State { kNone, kConnecting, kUp };
    State state = State::kNone;
    kv::LinkId link = 0;
    kv::LinkId told = 0;  // the latest that the replica has heard of: what it sends goes there or nowhere
    uint64_t next_attempt_ms = 0;
    uint64_t backoff_ms = 0;
    uint64_t retirements = 0;  // of the peer when the link was wanted
  };

  // The node's own clock.
  uint64_t NodeMs() const;
  // The replica's peer at that node's address; nothing if it has none that is a member.
  std::optional<kv::PeerIndex> PeerOf(NodeIndex node) const;
  NodeIndex NodeOf(kv::PeerIndex peer) const;

  // Runs it now, or when the process goes on.
  void WhenRunning(std::function<void()> action);
  // As the server's Shell: raises the clock above the counter, at once or after a reservation.
  void Admit(uint64_t counter, std::function<void()> on_admitted, std::function<void()> on_refused);
  uint64_t Stamp();
  void Take(const Packet& packet);
  // node_session.cc: reads with a session
  void ReadOnceThere(const Request& request);
  void ServeWaitingReads();
  void GiveUpRead(ClientIndex client, uint64_t attempt);

  void Read(const Request& request);
  void Propose(Request request);
  void Answer(const Request& request, Reply reply);

  void Enqueue(Input input);
  void Wake(uint64_t delay_us);
  void RunGroup();
  void End();
  void BeginCommit();
  void FinishGroup();
  bool Trapped(Step step);
  void SendMessages(const kv::Output& output);
  void Dispatch(const kv::Output& output);
  void PollLinks();
  void PollLink(kv::PeerIndex peer, uint64_t now_ms);
  void Flush();
  void EndByItself(Loss loss);

  const NodeIndex index_;
  const Plan& plan_;
  Random random_;
  const Surroundings to_;
  std::unique_ptr<Disk> disk_;
  uint64_t disk_exchanges_ = 0;
  uint64_t leapt_us_ = 0;
  int64_t wall_offset_ms_ = 0;
  uint64_t time_percent_ = 100;
  uint64_t time_changed_us_ = 0;  // when its speed was last changed
  uint64_t slow_disk_us_ = 0;

  // The process.
  std::unique_ptr<kv::Replica> replica_;
  std::unique_ptr<kv::GroupCommit> commit_;
  uint64_t process_ = 0;  // numbers the processes, so that what was planned for an earlier one is dropped
  bool serving_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  bool ending_ = false;                      // the group under way is the last one
  std::vector<std::function<void()>> held_;  // while paused
  std::vector<Input> inputs_;
  std::optional<kv::Output> in_flight_;  // of the group whose commit has begun
  uint64_t wake_us_ = UINT64_MAX;        // when the next group is planned
  uint64_t next_poll_ms_ = 0;
  std::vector<std::function<void()>> after_commit_;
  std::map<kv::ProposalId, Request> waiting_;
  std::vector<Request> waiting_reads_;
  kv::ProposalId next_proposal_ = 1;
  std::vector<PeerLink> links_;  // by peer
  std::optional<Trap> trap_;
  std::optional<absl::Status> disk_full_;
};

// Whether the disk has a record of it as a member.
bool RecordsMember(const Disk& disk, NodeIndex member);

}  // namespace lamppost::sim

#endif  // LAMPPOST_TESTS_SIM_NODE_H_
