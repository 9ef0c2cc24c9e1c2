// A replica: the whole of a node's logic as a state machine without I/O.
//
// It is driven by one thread (or by the simulator) in groups:
//
//   replica.Begin(now_ms, unix_ms);               // time; chunks for peers that catch up
//   replica.Propose(…); replica.Receive(…); …     // any number of inputs
//   Output out = replica.TakeOutput();
//   storage.Commit(out.batch); replica.Committed();   // see services/kv/storage/group_commit.h
//   send out.messages and out.answers, give out.replies
//
// What is in an output was decided on the ground of its batch, so nothing of it may leave the node
// before the batch is durable. If the commit fails the replica must not be used any more: whether the
// batch will be there after a restart is not known, and only a new replica, opened on what is really
// there, can go on. The first group takes no inputs: it makes the first counters available.
//
// The rules are those of section 4 of the design; ARCHITECTURE.md tells where they are in the code.
//
// Not thread-safe, but for the clock it is given. Times are milliseconds of a clock that never goes
// back, with any zero.
#ifndef LAMPPOST_SERVICES_KV_CORE_REPLICA_H_
#define LAMPPOST_SERVICES_KV_CORE_REPLICA_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/clock/lamport_clock.h"
#include "services/kv/core/ledger.h"
#include "services/kv/core/messages.h"
#include "services/kv/core/peer.h"
#include "services/kv/core/receiver.h"
#include "services/kv/core/record.h"
#include "services/kv/core/request_table.h"
#include "services/kv/core/store.h"
#include "services/kv/core/table.h"
#include "services/kv/core/tracer.h"

namespace lamppost::kv {

// When what a group has committed is on stable storage.
enum class Stability {
  kAtFlushes,     // once Flushed says so
  kAtEachCommit,  // when its output leaves: an answer may already give it as durable
};

struct ReplicaOptions {
  std::string node_id;
  std::string cluster;
  std::vector<std::string> peer_addresses;  // the other members
  uint64_t boot_id = 0;                     // random, different at each start
  uint64_t life_seed = 0;                   // random, for the low half of new incarnations

  uint64_t life_wait_ms = 2000;       // how long to ask whether the stored life may go on
  uint64_t heartbeat_ms = 250;        // a peer hears at least this often
  uint64_t relay_ms = 1000;           // an origin's writes are relayed if they lag for so long
  uint64_t refused_retry_ms = 500;    // a peer that refuses is greeted so often
  uint64_t answer_fresh_ms = 2000;    // older answers prove no convergence
  uint64_t repair_after_ms = 2000;    // other contents at equal heads are repaired after so long
  uint64_t window_bytes = 4u << 20;   // sent to a peer and not yet answered, at most about
  uint64_t chunk_bytes = 128u << 10;  // of a catch-up, about
  // While a peer still has to answer, own writes wait so long, or for so many, to share a message and a
  // sync at the peer.
  uint64_t live_gather_ms = 5;
  uint64_t live_gather_bytes = 128u << 10;
  uint64_t expiry_ms = 250;              // what has expired is looked for so often
  size_t expiries_max = 200;             // turned into tombstones in one group
  size_t waiting_proposals_max = 10000;  // while the life is undecided
  size_t requests_max = 200000;          // request ids remembered
  Stability stability = Stability::kAtFlushes;
  size_t held_replies_max = 10000;  // writes that wait for other members
  LedgerLimits ledger;
};

// How durable a batch has to be before anything of its output may take effect.
enum class Urgency {
  kAsConfigured,  // as the node's durability mode says
  // On stable storage, whatever the mode: the batch reserves counters or begins a life. If a power failure
  // took that back, the next start would issue the same timestamps again.
  kMustBeStable,
};

// A member that others wait for: tombstones are kept for its sake.
struct StableHold {
  std::string node_id;  // empty while it has not said who it is
  std::string address;  // empty: this node itself
  std::string detail;   // "has A.1 up to 15 only"; for people
};

// What the driver is to do after a group of inputs; see the top of the file for the order.
struct Output {
  Urgency urgency = Urgency::kAsConfigured;
  WriteBatch batch;
  std::vector<OutgoingMessage> messages;
  std::vector<OutgoingAnswer> answers;
  std::vector<Reply> replies;
  std::vector<std::string> notes;     // for the log
  std::vector<std::string> warnings;  // the same, of what should not be
  Tracer::Points trace;               // while it is traced
  // Not OK: what the store holds is not what was written to it, although it reads well (DATA_LOSS,
  // CONTENT_DAMAGED). The replica goes on; what it holds is to be had from the others again (salvage.h).
  absl::Status damage;
};

class Replica {
 public:
  // A write that is done here, and whose reply waits for other members.
  struct HeldReply {
    ProposalId id;
    WriteResult result;
    size_t wanted;
    uint64_t until_ms;
  };

  // Reads the node's state from the store; writes an empty store's first records with the first batch.
  // FAILED_PRECONDITION: the store belongs to another node or cluster (NODE_ID_MISMATCH,
  // CLUSTER_MISMATCH) or to another version of the software (FORMAT_UNKNOWN). DATA_LOSS: it cannot be
  // read. The store must outlive the replica.
  static absl::StatusOr<std::unique_ptr<Replica>> Open(ReplicaOptions options, const Store* store);

  // The clock of this node. Threads that receive messages call Observe on it before they hand them in
  // here, and Reserve if it asks for that.
  LamportClock* clock() { return clock_.get(); }

  // Starts a group. The store must hold everything committed so far. unix_ms: the wall clock, which may jump;
  // it decides what has expired, and nothing else.
  void Begin(uint64_t now_ms, uint64_t unix_ms);

  // A client's write, checked by CheckProposal. Its reply comes with an output: the next one, or, if it asks
  // for more than one replica, one in which that is known, or its time is up (DEADLINE_EXCEEDED,
  // REPLICAS_PENDING; the write stands).
  void Propose(Proposal proposal);
  // From the next output on nobody waits for other members: whoever does is told how far it has come.
  void EndReplicaWaits() { ends_replica_waits_ = true; }

  // The link to a peer: connected, broken, or an answer on it. An answer that comes after its link has been
  // broken is not to be handed in: it may be one to a process before this.
  void LinkUp(PeerIndex peer);
  void LinkDown(PeerIndex peer, std::string why);
  void ReceiveAnswer(PeerIndex peer, const SyncAnswer& answer);

  // A link from a peer: a message on it, or broken.
  void Receive(LinkId link, const SyncMessage& message);
  void InboundDown(LinkId link);

  // Counters up to at least `target` shall become available with this group.
  void ReserveClock(uint64_t target);
  // For an orderly end: gives back the counters that were reserved and not issued, so that the next start
  // goes on without a jump. Nothing may be issued or handed in any more once this group is committed.
  void ReleaseClock();
  // Everything that was in the store when its heads were `heads` is on stable storage. To be called after
  // each synchronous commit, or each flush.
  void Flushed(const Heads& heads) { durable_heads_.RaiseAll(heads); }
  // While set, nothing is written: proposals and messages are refused with it.
  void RefuseWrites(std::optional<absl::Status> why) { write_refusal_ = std::move(why); }

  // From now on its outputs tell what it does. While it does so, a message that comes in takes a counter of
  // its own where otherwise several might share one.
  void StartTrace() { tracer_.Start(); }
  void StopTrace() { tracer_.Stop(); }

  // Ends a group.
  Output TakeOutput();
  // The output's batch is as durable as its urgency and the durability mode ask for.
  void Committed();

  // How long the next group may wait for inputs, as far as the replica is concerned: not at all if a peer
  // waits for a chunk that could be sent now, a moment if own writes wait for company.
  uint64_t PatienceMs() const;

  // For status, tests and the driver; between groups.
  const ReplicaOptions& options() const { return options_; }
  bool IsLifeDecided() const { return life_decided_; }
  Origin me() const { return {options_.node_id, life_decided_ ? state_.incarnation : 0}; }
  const State& state() const { return state_; }
  const Heads& heads() const { return state_.heads; }
  const Heads& durable_heads() const { return durable_heads_; }
  // The heads, each lowered to the last write of its origin that this node has merged or forgotten. They
  // cover the same, and name no counter that only this node knows of because nothing was written there: a
  // session made of the heads themselves could wait for ever once this node is gone.
  Heads WrittenHeads() const;
  // Grows only; a peer keeps its place for as long as the process runs. Retired ones are no members.
  const std::vector<Peer>& peers() const { return peers_; }
  size_t member_count() const;  // this node included
  // What is recorded of a node; null if nothing is. replica_members.cc has all that follows from it.
  const MemberRecord* RecordOf(const std::string& node_id) const;
  // All that there are records of, by node id.
  struct RecordedMember {
    MemberRecord record;
    Timestamp timestamp;  // of the record's version
  };
  const std::map<std::string, RecordedMember>& member_records() const { return members_; }
  // Linked, and it has answered lately.
  bool IsAnswering(const Peer& peer) const {
    return peer.IsLinked() && peer.answered && now_ms_ - peer.last_answer_ms <= options_.answer_fresh_ms;
  }
  const std::vector<HeldReply>& held_replies() const { return held_replies_; }
  // What is here is known to be a part: the node began with an empty disk, or is being given everything, and
  // no peer has yet brought it all that it has, but one may. Of the first case a restart in its midst knows
  // nothing.
  bool IsFilling() const;
  // With what all writes are refused at present, if they are.
  std::optional<absl::Status> WriteRefusal() const;
  // How often since the start two versions have met here neither of whose writers had seen the other.
  uint64_t conflicts() const { return conflicts_; }
  const Ledger& ledger() const { return ledger_; }
  uint64_t LagOf(const Peer& peer) const;
  // Up to this counter all writes are on stable storage at every member. 0 as long as a member has not
  // answered.
  uint64_t Stable() const;
  // Who holds Stable() below the latest write known here, and why; nobody if it is not below.
  std::vector<StableHold> StableHeldBy() const;
  bool Converged() const;

 private:
  // Where a member stands: this node or a peer.
  struct Standing {
    std::string node_id;
    std::string address;  // empty: this node
    bool answered = true;
    const Heads* heads;  // on stable storage
  };

  Replica(ReplicaOptions options, const Store* store);
  absl::Status Load();
  absl::Status LoadMembers();
  absl::Status LoadHeld();

  // replica.cc: own writes, life, output
  void DecideLifeIfPossible();
  bool HasStranger(const Heads& known) const;
  void TakeNewLife(const std::string& why);
  void LifeDecided();
  void Write(const Proposal& proposal);
  absl::StatusOr<WriteResult> WriteNow(const Proposal& proposal);
  absl::StatusOr<WriteResult> WriteUnchecked(const Proposal& proposal, RequestTag tag);
  std::optional<absl::StatusOr<WriteResult>> Replayed(const Proposal& proposal, uint64_t fingerprint) const;
  void AdvanceIdleHead();
  void WriteRecords();
  uint64_t Tick();
  void Note(std::string text) { output_.notes.push_back(std::move(text)); }
  void Warn(std::string text) { output_.warnings.push_back(std::move(text)); }

  // replica_members.cc: who belongs to the cluster
  absl::Status LoadMemberRecords();
  bool IsSoundRecord(const KeyedVersion& entry) const;
  void FollowRecords();
  void TakeRecord(const std::string& key, const Version& version);
  void Enlist(const std::string& node_id, const std::string& address);
  void Retire(Peer* peer, std::string why);
  bool IsTheOnly(PeerIndex index, const std::string& node_id);
  bool IsGoneFor(const std::string& node_id, const std::vector<Standing>& members) const;
  void RecordPeers();
  void ConsiderRemoval(const std::string& key, const Version& version);
  void ConsiderRecord(const std::string& key, const Version& winner, const Version& loser);
  void CorrectRecords();
  bool IsRefused(const std::string& node_id, uint64_t birth) const;
  static bool MeansMember(Refusal refusal);
  void Join();
  void Part();
  static absl::Status RemovedError();
  static absl::Status StrangerError();
  static absl::Status DoubleError();
  void OnRefusedAsRemoved(const SyncAnswer& answer);
  void BecomeRemoved();

  // replica_ledger.cc: what has lost to what did not know of it
  absl::Status LoadLedger();
  void TakeLedgerRecord(const std::string& key, const Version* version);
  bool IsSoundLedgerRecord(const KeyedVersion& entry) const;
  void NoteConflict(const std::string& key, const Version& winner, const Version& loser);
  void RecordConflicts();
  struct OpenConflicts {
    std::vector<Conflict> conflicts;
    bool has_more = false;
  };
  absl::StatusOr<OpenConflicts> FindOpen(const Settlement& settlement);
  absl::StatusOr<Version> KeptBy(const Settlement& settlement, const std::vector<Conflict>& conflicts);
  absl::StatusOr<WriteResult> Settle(const Proposal& request, RequestTag tag);
  void BoundLedger();
  size_t DropEntries(const std::vector<std::string>& keys);
  absl::Status WriteLedger(std::vector<Operation> operations);

  // replica_expiry.cc: what has expired
  bool IsFirstAbout() const;
  bool ExpiresFor(const std::string& node_id) const;
  void ExpireDue();
  size_t ExpireOf(const std::string& node_id, size_t most);

  // replica_acks.cc: replies that wait for other members, and what clients have seen
  size_t MembersHolding(const Timestamp& version) const;
  const Heads& DurableAfterCommit() const;
  absl::Status CheckReplicas(const Proposal& proposal) const;
  void ReplyWhenHeld(const Proposal& proposal, absl::StatusOr<WriteResult> result);
  void ReleaseReplies();
  Heads RaisedBySession(const Heads& session, Heads heads);
  bool HasRoomFor(const Origin& life);

  // replica_receive.cc: what peers send
  bool IsPlausible(const Origin& origin) const;
  Refusal CheckSender(const SyncMessage& message) const;
  bool EndsAll(const SyncMessage& message) const;
  Refusal CheckHearing(LinkId link, const SyncMessage& message);
  void NoteRefused(const SyncMessage& message, Refusal refusal);
  Refusal CheckContent(const SyncMessage& message) const;
  Refusal Admit(LinkId link, const SyncMessage& message) const;
  Refusal MergeEntries(const SyncMessage& message);
  Arrival ArrivalOf(const SyncMessage& message) const;
  Refusal MergeEntry(const KeyedVersion& entry, const SyncMessage& message);
  bool MayBringBack(const SyncMessage& message) const;
  void RaiseHeads(const Heads& to);
  void Answer(LinkId link, const SyncMessage& message, Refusal refusal);
  void CompleteAnswers();

  // replica_trace.cc: what is told of all this
  void TraceSend(const std::string& to, SyncMessage* message);
  void TraceSend(const std::string& to, SyncAnswer* answer);
  template <typename Message>
  void TraceReceipt(const Message& message, Refusal refusal);
  uint64_t ReceiptCounter();
  void TraceWrite(const Timestamp& version, const Proposal& proposal);
  void TraceConflict(const std::string& key, const Version& winner, const Version& loser);

  // replica_send.cc: what peers get
  void Greet(PeerIndex index);
  void Heartbeat(PeerIndex index);
  void PushLive();
  bool IsPushDue() const;
  void PumpCatchUp(PeerIndex index);
  // Whether a round brings what no heads cover, or only follows one that has.
  enum class Loose { kSent, kSentBefore };
  std::unique_ptr<CatchUp> OpenRound(Heads from, Loose loose) const;
  void FinishRound(Peer* peer, const Heads& to);
  void GiveUpReading(Peer* peer, const absl::Status& why);
  void BeginCatchUp(Peer* peer, Heads start);
  void Postpone(Peer* peer, std::string why);
  bool HoldsLoose() const;
  void ConsiderRelay(PeerIndex index);
  bool CheckIdentity(PeerIndex index, const SyncAnswer& answer);
  void Learn(Peer* peer, const SyncAnswer& answer);
  void FollowUp(PeerIndex index, const SyncAnswer& answer);
  void Refuse(Peer* peer, std::string why);
  Heads StartFor(const Peer& peer) const;
  void Send(PeerIndex index, SyncMessage message, uint64_t bytes);
  void SaveMembers();

  // replica_full.cc: giving and getting everything
  bool NeedsFull(const Peer& peer) const;
  bool CanGiveFull(const Peer& peer) const;
  bool OthersKnowBetter() const;
  Heads ForgottenWithinHeads() const;
  void NoteReplaced(const Timestamp& held);
  void PumpFull(PeerIndex index);
  Refusal CheckFull(const SyncMessage& message) const;
  Refusal MergeFull(const SyncMessage& message);
  absl::StatusOr<size_t> DropUnsent(const SyncMessage& message);
  absl::StatusOr<bool> ReplaceUnsent(const KeyedVersion& entry, const Heads& to);

  // replica_forget.cc: what tombstones are kept for, and dropping them
  std::vector<Standing> Standings() const;
  template <typename Visit>
  void VisitUnfinished(const std::vector<Standing>& members, Visit visit) const;
  void Forget();
  bool ForgetOne(const TombstoneKey& tombstone);
  void NoteTombstone(const Version& version);

  // replica_repair.cc: other contents at equal heads
  bool IsComparable(const Peer& peer) const;
  void ConsiderRepair(PeerIndex index);
  void CompareBuckets(Peer* peer, const SyncAnswer& answer);
  void PumpRepair(PeerIndex index);
  void EndSoundnessCheck(Divergence* divergence);
  Refusal MergeRepair(const SyncMessage& message);

  const ReplicaOptions options_;
  const Store* const store_;
  std::unique_ptr<LamportClock> clock_;
  State state_;
  Heads durable_heads_;
  Heads written_;  // the latest write known of each origin; of those before this process: the heads it found
  Heads held_;     // the latest write merged of each origin; beyond the heads while a Sync is incomplete
  uint64_t loose_merged_ = 0;  // so many versions have come loose: the heads did not cover them
  bool own_replaced_ = false;  // while refilling: what this life wrote is not all in the store any more
  Table table_;
  RequestTable requests_;
  std::vector<Peer> peers_;
  std::map<std::string, RecordedMember> members_;
  std::vector<Operation> corrections_;  // what this group has shown of records: they must say no less
  Ledger ledger_;
  std::deque<Conflict> found_conflicts_;  // in this group
  size_t found_bytes_ = 0;
  std::set<std::string> found_keys_;  // of their entries
  std::optional<uint64_t> ledger_over_since_ms_;
  uint64_t conflicts_left_out_ = 0;  // and not yet counted in this node's record
  Receiver receiver_;

  uint64_t now_ms_ = 0;
  uint64_t unix_ms_ = 0;
  std::optional<uint64_t> started_ms_;
  bool clock_released_ = false;  // nothing is written any more
  uint64_t idle_head_due_ms_ = 0;
  uint64_t expiry_due_ms_ = 0;
  bool expiries_left_ = false;  // more was due than fits into a group
  bool life_decided_ = false;
  bool began_empty_ = false;  // and a peer was not; until one has brought all that it has
  bool is_double_ = false;    // a peer has gone on saying that there is another node by this one's id
  struct KeptOut {
    uint64_t since_ms;
    bool is_told;  // in the log
  };
  std::map<std::pair<std::string, uint64_t>, KeptOut> kept_out_;  // by node id and boot id
  bool is_stranger_ = false;      // a peer does not have this node among its members, and none ever had
  std::deque<Proposal> waiting_;  // for the life to be decided
  std::optional<absl::Status> write_refusal_;
  uint64_t conflicts_ = 0;
  std::vector<HeldReply> held_replies_;
  std::set<Origin> session_lives_;  // that only sessions have told of, and that writes have seen
  bool ends_replica_waits_ = false;

  // The group under way.
  Output output_;
  bool state_changed_ = false;
  Tracer tracer_;
  std::map<LinkId, OutgoingAnswer> answers_;
  std::set<LinkId> wants_buckets_;

  // Dropping tombstones: a sweep goes from the lowest that may still be there up to what is stable.
  uint64_t swept_ = 0;          // what was stable at the last sweep
  uint64_t sweep_from_ = 0;     // no droppable tombstone has a lower counter
  uint64_t sweep_due_ms_ = 0;   // when the next one may begin
  std::string sweep_position_;  // of the one under way; empty: there is none
  uint64_t sweep_left_ = 0;     // the lowest counter that it has left; 0: none

  // Own writes that have not been pushed yet, of this group and of some before.
  std::vector<KeyedVersion> own_writes_;
  uint64_t own_bytes_ = 0;
  uint64_t last_push_ms_ = 0;
};

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_CORE_REPLICA_H_
