#include "services/kv/core/replica.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/kv/core/check.h"
#include "services/kv/core/membership.h"

namespace lamppost::kv {
namespace {

absl::Status Precondition(absl::string_view reason, absl::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, reason, message);
}

// SplitMix64 (Steele, Lea, Flood, 2014): spreads a seed over all bits.
uint64_t Mix(uint64_t seed) {
  seed += 0x9E3779B97F4A7C15u;
  seed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9u;
  seed = (seed ^ (seed >> 27)) * 0x94D049BB133111EBu;
  return seed ^ (seed >> 31);
}

// Of what a write does, so that the same request id for something else is noticed.
uint64_t FingerprintOf(const Proposal& proposal) {
  std::string bytes;
  for (const Operation& operation : proposal.operations) {
    PutString(operation.key, &bytes);
    bytes.push_back(operation.value ? static_cast<char>(operation.value->kind) : '-');
    PutString(operation.value ? operation.value->bytes : "", &bytes);
    PutVarint(operation.ttl_ms, &bytes);  // as asked for: a retry comes at another time
  }
  if (proposal.settlement) PutString(EncodeSettlement(*proposal.settlement), &bytes);
  return XXH3_64bits(bytes.data(), bytes.size());
}

// Whether a replica can have written this. The limit is durable before a counter below it is issued or
// observed, and every head and write is one of those. The upper half of the counters is never reached.
bool IsPossible(const State& state) {
  if (state.clock_limit > UINT64_MAX / 2) return false;
  if (state.heads.Max() > state.clock_limit || state.max_write > state.clock_limit) return false;
  if (state.forgotten.Max() > state.clock_limit) return false;
  return std::all_of(state.heads.begin(), state.heads.end(),
                     [](const Heads::Entry& entry) { return entry.first.life() <= Origin::kLifeMax; }) &&
         state.incarnation >> 32 <= Origin::kLifeMax;
}

uint64_t ExpiryOf(const Operation& operation, uint64_t unix_ms) {
  return operation.value && operation.ttl_ms != 0 ? unix_ms + operation.ttl_ms : 0;
}

// What an entry takes on its way beside its key and value; so that the window bounds small ones too.
constexpr uint64_t kEntryOverheadBytes = 64;
constexpr uint64_t kSeenBytes = 4;  // for each origin in which what it has seen differs from its counter

}  // namespace

Replica::Replica(ReplicaOptions options, const Store* store)
    : options_(std::move(options)),
      store_(store),
      table_(store, &state_),
      requests_(options_.requests_max),
      ledger_(options_.ledger),
      tracer_({options_.node_id, options_.boot_id}) {
  for (const std::string& address : options_.peer_addresses) peers_.emplace_back(address);
}

absl::StatusOr<std::unique_ptr<Replica>> Replica::Open(ReplicaOptions options, const Store* store) {
  std::unique_ptr<Replica> replica(new Replica(std::move(options), store));
  if (absl::Status status = replica->Load(); !status.ok()) return status;
  const State& state = replica->state_;
  replica->clock_ = std::make_unique<LamportClock>(LAMPPOST_MUTATION(kClockNotReserved) ? state.max_write
                                                                                        : state.clock_limit);
  return replica;
}

absl::Status Replica::Load() {
  absl::StatusOr<std::optional<std::string>> format = store_->Get(Space::kMeta, kFormatKey);
  if (!format.ok()) return format.status();
  if (!*format) {
    output_.batch.Put(Space::kMeta, std::string(kFormatKey), absl::StrCat(kFormatVersion));
    output_.batch.Put(Space::kMeta, std::string(kIdentityKey),
                      EncodeIdentity({options_.node_id, options_.cluster}));
    state_changed_ = true;
    output_.urgency = Urgency::kMustBeStable;
    return absl::OkStatus();
  }
  if (**format == absl::StrCat(kFormatVersionLeast)) {
    output_.batch.Put(Space::kMeta, std::string(kFormatKey), absl::StrCat(kFormatVersion));
  } else if (**format != absl::StrCat(kFormatVersion)) {
    return Precondition("FORMAT_UNKNOWN", absl::StrCat("the data has format ", **format,
                                                       ", this software reads ", kFormatVersion));
  }
  absl::StatusOr<std::optional<std::string>> identity_bytes = store_->Get(Space::kMeta, kIdentityKey);
  if (!identity_bytes.ok()) return identity_bytes.status();
  absl::StatusOr<Identity> identity = DecodeIdentity(identity_bytes->value_or(""));
  if (!identity.ok()) return identity.status();
  if (identity->node_id != options_.node_id) {
    return Precondition("NODE_ID_MISMATCH", absl::StrCat("the data belongs to node ", identity->node_id,
                                                         ", not to ", options_.node_id));
  }
  if (identity->cluster != options_.cluster) {
    return Precondition("CLUSTER_MISMATCH", absl::StrCat("the data belongs to cluster ", identity->cluster,
                                                         ", not to ", options_.cluster));
  }
  absl::StatusOr<std::optional<std::string>> salvage = store_->Get(Space::kMeta, kSalvageKey);
  if (!salvage.ok()) return salvage.status();
  if (*salvage)
    return Precondition("SALVAGE_UNFINISHED", "the data is being salvaged, and that has not ended");
  absl::StatusOr<std::optional<std::string>> state_bytes = store_->Get(Space::kMeta, kStateKey);
  if (!state_bytes.ok()) return state_bytes.status();
  absl::StatusOr<State> state = DecodeState(state_bytes->value_or(""));
  if (!state.ok()) return state.status();
  if (!IsPossible(*state)) {
    return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT",
                     "the stored state contradicts itself: the data is damaged");
  }
  state_ = *std::move(state);
  durable_heads_ = state_.heads;
  if (absl::Status status = LoadMembers(); !status.ok()) return status;
  if (absl::Status status = LoadMemberRecords(); !status.ok()) return status;
  if (absl::Status status = LoadLedger(); !status.ok()) return status;
  written_ = state_.heads;
  if (absl::Status status = LoadHeld(); !status.ok()) return status;
  return requests_.Load(*store_);
}

absl::Status Replica::LoadMembers() {
  absl::StatusOr<std::optional<std::string>> bytes = store_->Get(Space::kMeta, kMembersKey);
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return absl::OkStatus();
  absl::StatusOr<std::vector<Member>> members = DecodeMembers(**bytes);
  if (!members.ok()) return members.status();
  for (const Member& member : *members) {
    for (Peer& peer : peers_) {
      if (peer.address == member.address) peer.node_id = member.node_id;
    }
  }
  return absl::OkStatus();
}

void Replica::SaveMembers() {
  std::vector<Member> members;
  for (const Peer& peer : peers_) {
    if (!peer.node_id.empty()) members.push_back({peer.address, peer.node_id});
  }
  output_.batch.Put(Space::kMeta, std::string(kMembersKey), EncodeMembers(members));
}

uint64_t Replica::Tick() {
  if (LAMPPOST_MUTATION(kClockFollowsTime) && now_ms_ > clock_->now()) clock_->Observe(now_ms_);
  const std::optional<uint64_t> counter = clock_->Tick();
  // Begin keeps half a block (half a million counters) in reserve for each group.
  LAMPPOST_CHECK(counter.has_value(), "the clock's reservation is used up");
  return *counter;
}

void Replica::ReserveClock(uint64_t target) {
  if (target <= state_.clock_limit) return;
  state_.clock_limit = target;
  state_changed_ = true;
  output_.urgency = Urgency::kMustBeStable;
}

void Replica::ReleaseClock() {
  clock_released_ = true;
  state_.clock_limit = clock_->now();
  state_changed_ = true;
}

void Replica::Begin(uint64_t now_ms, uint64_t unix_ms) {
  unix_ms_ = unix_ms;
  now_ms_ = std::max(now_ms_, now_ms);
  if (clock_->RunsLow()) ReserveClock(clock_->now() + LamportClock::kBlock);
  if (clock_->now() == clock_->limit()) return;  // the first group
  if (!started_ms_) started_ms_ = now_ms_;
  DecideLifeIfPossible();
  AdvanceIdleHead();
  for (PeerIndex i = 0; i < peers_.size(); ++i) {
    ConsiderRelay(i);
    PumpCatchUp(i);
    ConsiderRepair(i);
    PumpRepair(i);
    Heartbeat(i);
  }
  // After what reads snapshots beside the state: the store still has what is dropped now.
  Forget();
  // After the catch-ups, whose snapshots must not miss a write that the heads cover.
  while (life_decided_ && !waiting_.empty()) {
    const Proposal proposal = std::move(waiting_.front());
    waiting_.pop_front();
    Write(proposal);
  }
  RecordPeers();
  ExpireDue();
}

// A stored life goes on only if every peer has answered and none knows more of it than this node;
// otherwise the disk may be an old copy. Without answers for a while, a new life is safe whatever the
// peers know.
void Replica::DecideLifeIfPossible() {
  if (life_decided_) return;
  const Origin stored{options_.node_id, state_.incarnation};
  bool all_answered = true;
  bool superseded = state_.incarnation == 0 || state_.refilling;
  for (const Peer& peer : peers_) {
    if (peer.retired) continue;
    all_answered &= peer.answered && !peer.IsRefilling();
    const Heads known = peer.Known();
    superseded |= known.At(stored) > state_.heads.At(stored) ||
                  known.NewestIncarnation(options_.node_id) > state_.incarnation || HasStranger(known);
  }
  const bool waited = now_ms_ - *started_ms_ >= options_.life_wait_ms;
  if (!all_answered && !waited) return;
  if (all_answered && !superseded) {
    Note(absl::StrCat("goes on as ", ToString(stored)));
  } else {
    TakeNewLife(state_.incarnation == 0
                    ? (state_.max_write == 0 ? "it has no data yet" : "it is a restored one")
                : state_.refilling ? "part of its data is lost"
                : superseded       ? "its peers know more of the last one than it does"
                                   : "not every peer could be asked about the last one");
  }
  life_decided_ = true;
  began_empty_ = state_.max_write == 0 && std::any_of(peers_.begin(), peers_.end(), [](const Peer& peer) {
                   return !peer.retired && peer.answered && peer.heads.Max() > 0;
                 });
  LifeDecided();
}

// Whether there is a life among these of a node that this one does not know of: it may be a member since, and
// so have what this node's disk has lost.
bool Replica::HasStranger(const Heads& known) const {
  return std::any_of(known.begin(), known.end(), [&](const Heads::Entry& head) {
    const Origin& origin = head.first;
    if (origin.node_id == options_.node_id) return false;
    for (const Peer& peer : peers_) {
      if (!peer.retired && peer.node_id == origin.node_id) return false;
    }
    const MemberRecord* record = RecordOf(origin.node_id);
    return record == nullptr || record->state != MemberState::kRemoved ||
           record->barred_birth < origin.incarnation;
  });
}

void Replica::TakeNewLife(const std::string& why) {
  if (LAMPPOST_MUTATION(kNoLifeCheck) && state_.incarnation != 0) return;
  uint64_t newest = std::max(state_.incarnation, state_.heads.NewestIncarnation(options_.node_id));
  for (const Peer& peer : peers_) newest = std::max(newest, peer.Known().NewestIncarnation(options_.node_id));
  const uint64_t life = (newest >> 32) + 1;
  LAMPPOST_CHECK(life <= Origin::kLifeMax, "the node's lives are used up");
  state_.incarnation = life << 32 | (Mix(options_.life_seed ^ life) & 0xFFFFFFFFu);
  state_.heads.Raise({options_.node_id, state_.incarnation}, 0);
  if (state_.birth == 0) state_.birth = state_.incarnation;
  own_replaced_ = false;
  state_changed_ = true;
  output_.urgency = Urgency::kMustBeStable;
  Note(absl::StrCat("takes a new life, ", ToString(Origin{options_.node_id, state_.incarnation}), ": ", why));
  if (life_decided_) LifeDecided();
}

// What peers have been sent concerned the life before.
void Replica::LifeDecided() {
  own_writes_.clear();
  own_bytes_ = 0;
  for (Peer& peer : peers_) {
    if (peer.state == LinkState::kLive || peer.state == LinkState::kCatchingUp)
      BeginCatchUp(&peer, peer.heads);
  }
}

void Replica::Propose(Proposal proposal) {
  if (life_decided_) return Write(proposal);
  if (waiting_.size() < options_.waiting_proposals_max) {
    waiting_.push_back(std::move(proposal));
    return;
  }
  output_.replies.push_back(
      {proposal.id, MakeRetryableError(absl::StatusCode::kUnavailable, "STARTING",
                                       "the node is starting and too many writes wait for it", 500)});
}

void Replica::Write(const Proposal& proposal) {
  const absl::Status status = CheckReplicas(proposal);
  ReplyWhenHeld(proposal, status.ok() ? WriteNow(proposal) : status);
}

std::optional<absl::StatusOr<WriteResult>> Replica::Replayed(const Proposal& proposal,
                                                             uint64_t fingerprint) const {
  const RequestRecord* before = requests_.Find(proposal.request_id);
  if (before == nullptr) return std::nullopt;
  if (before->tag.fingerprint != fingerprint && !LAMPPOST_MUTATION(kFingerprintIgnored)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED",
                     absl::StrCat("request id ", proposal.request_id, " has been used for another write"));
  }
  WriteResult result;
  result.version = before->version;
  result.replayed = true;
  result.found = before->tag.before == RequestTag::Before::kPresent;
  return result;
}

absl::StatusOr<WriteResult> Replica::WriteNow(const Proposal& proposal) {
  RequestTag tag;
  if (!proposal.request_id.empty()) {
    tag.id = proposal.request_id;
    tag.fingerprint = FingerprintOf(proposal);
    if (auto replayed = Replayed(proposal, tag.fingerprint)) return *std::move(replayed);
  }
  if (const auto refusal = WriteRefusal()) return *refusal;
  if (proposal.settlement) return Settle(proposal, std::move(tag));
  return WriteUnchecked(proposal, std::move(tag));
}

absl::StatusOr<WriteResult> Replica::WriteUnchecked(const Proposal& proposal, RequestTag tag) {
  // All reads come first, so that damaged data stops the batch before any of it has happened.
  WriteResult result;
  std::vector<std::optional<Heads>> known(
      proposal.operations.size());  // by key, where it is more than the heads
  for (size_t i = 0; i < proposal.operations.size(); ++i) {
    const std::string& key = proposal.operations[i].key;
    const absl::StatusOr<bool> has_value = table_.HasValue(key, unix_ms_);
    if (!has_value.ok()) return has_value.status();
    if (i == 0) result.found = *has_value;
    const absl::StatusOr<const Version*> beyond = table_.FindBeyondHeads(key);
    if (!beyond.ok()) return beyond.status();
    if (*beyond != nullptr && !LAMPPOST_MUTATION(kSeenByHeadsAlone))
      known[i] = RaisedBy(**beyond, state_.heads);
  }
  const bool has_seen_more =
      !proposal.session.IsCoveredBy(state_.heads) && !LAMPPOST_MUTATION(kSessionUnseen);
  if (has_seen_more) {
    for (std::optional<Heads>& of_key : known) {
      of_key = RaisedBySession(proposal.session, of_key ? *std::move(of_key) : state_.heads);
    }
  }
  if (!tag.id.empty() && result.found) tag.before = RequestTag::Before::kPresent;

  const Origin self = me();
  const uint64_t counter = Tick();
  result.version = {counter, self};
  const Seen seen(state_.heads, counter);
  for (size_t i = 0; i < proposal.operations.size(); ++i) {
    const Operation& operation = proposal.operations[i];
    if (LAMPPOST_MUTATION(kSeenTooLittle)) known[i] = {{self, state_.heads.At(self)}};
    Version version{result.version,
                    operation.value,
                    known[i] ? Seen(*known[i], counter) : seen,
                    tag,
                    ExpiryOf(operation, unix_ms_),
                    operation.lapsed,
                    {Arrival::Way::kWritten, "", unix_ms_}};
    own_bytes_ += kEntryOverheadBytes + kSeenBytes * version.seen.lags().size() + operation.key.size() +
                  (operation.value ? operation.value->bytes.size() : 0);
    own_writes_.push_back({operation.key, version});
    const absl::StatusOr<Merge> merge = table_.Apply(operation.key, std::move(version));
    LAMPPOST_CHECK(merge.ok(), "a key that has just been read is in the table");
  }
  state_.heads.Raise(self, counter);
  written_.Raise(self, counter);
  state_changed_ = true;
  if (tracer_.IsOn()) TraceWrite(result.version, proposal);
  if (!tag.id.empty()) requests_.Record({tag, result.version}, &output_.batch);
  return result;
}

// Without writes of its own a node would hold stability up; so it lets its head rise above the last
// write it knows of, once, and says so by heartbeat. Nothing is written to an idle disk again and again.
void Replica::AdvanceIdleHead() {
  if (!life_decided_ || state_.removed || write_refusal_ || state_.heads.At(me()) >= state_.max_write) return;
  if (now_ms_ < idle_head_due_ms_) return;
  idle_head_due_ms_ = now_ms_ + options_.heartbeat_ms;
  state_.heads.Raise(me(), Tick());
  state_changed_ = true;
}

Heads Replica::WrittenHeads() const {
  Heads written;
  for (const auto& [origin, counter] : state_.heads) {
    const uint64_t last = std::max(written_.At(origin), state_.forgotten.At(origin));
    if (last > 0) written.Raise(origin, std::min(counter, last));
  }
  return written;
}

// What the group has shown the node to write by itself.
void Replica::WriteRecords() {
  RecordConflicts();
  CorrectRecords();
  BoundLedger();
}

Output Replica::TakeOutput() {
  FollowRecords();
  if (!clock_released_) WriteRecords();
  PushLive();
  ReleaseReplies();
  CompleteAnswers();
  table_.WriteTo(&output_.batch);
  if (state_changed_) output_.batch.Put(Space::kMeta, std::string(kStateKey), EncodeState(state_));
  state_changed_ = false;
  if (tracer_.IsOn()) output_.trace = tracer_.Take();
  Output output = std::move(output_);
  output_ = Output();
  return output;
}

void Replica::Committed() {
  table_.Committed();
  clock_->Reserve(state_.clock_limit);
}

uint64_t Replica::LagOf(const Peer& peer) const {
  uint64_t lag = 0;
  for (const auto& [origin, counter] : state_.heads) {
    const uint64_t theirs = peer.heads.At(origin);
    if (theirs < counter) lag = std::max(lag, counter - theirs);
  }
  return lag;
}

bool Replica::Converged() const {
  for (const Peer& peer : peers_) {
    if (peer.retired) continue;
    const bool linked = peer.state == LinkState::kLive || peer.state == LinkState::kCatchingUp;
    if (!linked || now_ms_ - peer.last_answer_ms > options_.answer_fresh_ms) return false;
    if (!Agree(peer.heads, state_.heads) || peer.content_hash != state_.hash.Total()) return false;
  }
  return life_decided_ && !state_.refilling;
}

}  // namespace lamppost::kv
