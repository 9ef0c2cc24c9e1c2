#include "services/kv/server/sync_codec.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "services/common/clock_proto.h"
#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/common/utf8.h"
#include "services/kv/core/coding.h"
#include "services/kv/server/codec.h"
#include "services/kv/server/sync_checksum.h"
#include "services/kv/server/trace_codec.h"

namespace lamppost::kv {

using lamppost::FromProto;
using lamppost::ToProto;

namespace {

absl::Status Invalid(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "MESSAGE_INVALID", message);
}

// A message without a checksum has a wrong one.
template <typename Message>
absl::Status CheckUndamaged(const Message& message) {
  if (message.checksum() == ChecksumOf(message) || LAMPPOST_MUTATION(kWireUnchecked)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "MESSAGE_DAMAGED",
                   "a message does not have its checksum: it was damaged on its way");
}

// More lives than any cluster has had.
constexpr int kOriginsMax = 10000;

absl::Status TooManyOrigins() {
  return Invalid("a message speaks of too many origins");
}

bool HasTooMany(std::initializer_list<const HeadsField*> fields) {
  return std::any_of(fields.begin(), fields.end(),
                     [](const HeadsField* field) { return field->size() > kOriginsMax; });
}

// Gives each origin of a message's entries its place in the message's list.
class OriginTable {
 public:
  int PlaceOf(const Origin& origin) {
    // Versions mostly name the same origins in the same order as the one before.
    if (++last_ >= origins_.size()) last_ = 0;
    if (last_ < origins_.size() && *origins_[last_] == origin) return static_cast<int>(last_);
    const auto [it, is_new] = places_.try_emplace(origin, origins_.size());
    if (is_new) origins_.push_back(&origin);
    last_ = it->second;
    return static_cast<int>(last_);
  }

  // The origins must still be where they were.
  void ToProto(google::protobuf::RepeatedPtrField<clock::v1::Origin>* field) const {
    for (const Origin* origin : origins_) lamppost::ToProto(*origin, field->Add());
  }

 private:
  std::vector<const Origin*> origins_;
  absl::flat_hash_map<Origin, size_t> places_;  // looked up, never walked over
  size_t last_ = 0;
};

v1::VersionKind KindOf(const Version& version) {
  if (version.IsTombstone()) return v1::VERSION_KIND_TOMBSTONE;
  return version.value->kind == Value::Kind::kText ? v1::VERSION_KIND_TEXT : v1::VERSION_KIND_DATA;
}

void SeenToProto(const Seen& seen, OriginTable* table, v1::Version* message) {
  for (const auto& [origin, lag] : seen.lags()) {
    const int place = table->PlaceOf(origin);
    while (message->seen_size() <= place) message->add_seen(0);
    message->set_seen(place, lag + 1);
  }
}

void EntryToProto(const KeyedVersion& entry, OriginTable* table, v1::Version* message) {
  const Version& version = entry.version;
  SeenToProto(version.seen, table, message);
  message->set_counter(version.timestamp.counter);
  message->set_origin(table->PlaceOf(version.timestamp.origin));
  message->set_key(entry.key);
  message->set_kind(KindOf(version));
  if (version.value) message->set_value(version.value->bytes);
  if (version.expires_unix_ms != 0) message->set_expires_unix_ms(version.expires_unix_ms);
  message->set_lapsed(version.lapsed);
  if (version.request.id.empty()) return;
  message->set_request_id(version.request.id);
  message->set_request_fingerprint(version.request.fingerprint);
  message->set_replaced_value(version.request.before == RequestTag::Before::kPresent);
}

absl::StatusOr<std::optional<Value>> ValueFromProto(const v1::Version& message) {
  switch (message.kind()) {
    case v1::VERSION_KIND_TOMBSTONE:
      return std::optional<Value>();
    case v1::VERSION_KIND_TEXT:
      // As a text it is answered to clients, and gRPC does not send what is none.
      if (!IsUtf8(message.value())) return Invalid("a text is not UTF-8");
      return std::optional<Value>(Value{Value::Kind::kText, message.value()});
    case v1::VERSION_KIND_DATA:
      return std::optional<Value>(Value{Value::Kind::kData, message.value()});
    default:
      return Invalid("a version is of no known kind");
  }
}

// A message's origins, as its versions name them.
struct ListedOrigins {
  explicit ListedOrigins(const google::protobuf::RepeatedPtrField<clock::v1::Origin>& field) {
    by_place.reserve(field.size());
    for (const clock::v1::Origin& origin : field) by_place.push_back(FromProto(origin));
    places.resize(by_place.size());
    std::iota(places.begin(), places.end(), 0);
    std::sort(places.begin(), places.end(), [this](int a, int b) { return by_place[a] < by_place[b]; });
    ranks.resize(places.size());
    for (size_t rank = 0; rank < places.size(); ++rank) ranks[places[rank]] = static_cast<int>(rank);
  }

  bool HasRepetitions() const {
    return std::adjacent_find(places.begin(), places.end(),
                              [this](int a, int b) { return by_place[a] == by_place[b]; }) != places.end();
  }

  std::vector<Origin> by_place;
  std::vector<int> places;  // by ascending origin
  std::vector<int> ranks;   // of each place, in that order
};

// Costs by what the version names, not by what the message lists: a message may have many of both.
Seen SeenFromProto(const ListedOrigins& origins, const v1::Version& message) {
  absl::InlinedVector<int, 16> ranks;
  for (int place = 0; place < message.seen_size(); ++place) {
    if (message.seen(place) != 0) ranks.push_back(origins.ranks[place]);
  }
  std::sort(ranks.begin(), ranks.end());
  std::vector<Seen::Entry> lags;
  lags.reserve(ranks.size());
  for (const int rank : ranks) {
    const int place = origins.places[rank];
    lags.emplace_back(origins.by_place[place], message.seen(place) - 1);
  }
  return Seen(std::move(lags));
}

absl::StatusOr<KeyedVersion> EntryFromProto(const ListedOrigins& origins, const v1::Version& message) {
  const size_t listed = origins.by_place.size();
  if (message.origin() >= listed || static_cast<size_t>(message.seen_size()) > listed)
    return Invalid("a version names an origin that the message does not list");
  KeyedVersion entry;
  entry.key = message.key();
  entry.version.timestamp = {message.counter(), origins.by_place[message.origin()]};
  absl::StatusOr<std::optional<Value>> value = ValueFromProto(message);
  if (!value.ok()) return value.status();
  entry.version.value = *std::move(value);
  entry.version.seen = SeenFromProto(origins, message);
  entry.version.expires_unix_ms = message.expires_unix_ms();
  entry.version.lapsed = message.lapsed();
  if (!entry.version.IsTombstone() && message.lapsed()) return Invalid("a value is not deleted");
  if (entry.version.IsTombstone() && message.expires_unix_ms() != 0)
    return Invalid("a deletion does not expire");
  if (message.request_id().empty()) return entry;  // what else there is of a request means nothing
  entry.version.request.id = message.request_id();
  entry.version.request.fingerprint = message.request_fingerprint();
  entry.version.request.before =
      message.replaced_value() ? RequestTag::Before::kPresent : RequestTag::Before::kAbsent;
  return entry;
}

absl::StatusOr<Entries> EntriesFromProto(const v1::SyncRequest& message) {
  if (message.entries_size() == 0) return Entries();
  if (message.origins_size() > kOriginsMax) return TooManyOrigins();
  const ListedOrigins origins(message.origins());
  if (origins.HasRepetitions()) return Invalid("a message lists an origin twice");
  auto entries = std::make_shared<std::vector<KeyedVersion>>();
  entries->reserve(message.entries_size());
  for (const v1::Version& version : message.entries()) {
    absl::StatusOr<KeyedVersion> entry = EntryFromProto(origins, version);
    if (!entry.ok()) return entry.status();
    entries->push_back(*std::move(entry));
  }
  return Entries(std::move(entries));
}

void EntriesToProto(const std::vector<KeyedVersion>& entries, v1::SyncRequest* message) {
  OriginTable table;
  message->mutable_entries()->Reserve(static_cast<int>(entries.size()));
  for (const KeyedVersion& entry : entries) EntryToProto(entry, &table, message->add_entries());
  table.ToProto(message->mutable_origins());
}

// The core's refusals and the protocol's have the same numbers.
static_assert(static_cast<int>(Refusal::kGap) == v1::SYNC_REFUSAL_GAP);
static_assert(static_cast<int>(Refusal::kOtherLife) == v1::SYNC_REFUSAL_OTHER_LIFE);
static_assert(static_cast<int>(Refusal::kFenced) == v1::SYNC_REFUSAL_FENCED);
static_assert(static_cast<int>(Refusal::kClusterMismatch) == v1::SYNC_REFUSAL_CLUSTER_MISMATCH);
static_assert(static_cast<int>(Refusal::kUnknownMember) == v1::SYNC_REFUSAL_UNKNOWN_MEMBER);
static_assert(static_cast<int>(Refusal::kDuplicateNodeId) == v1::SYNC_REFUSAL_DUPLICATE_NODE_ID);
static_assert(static_cast<int>(Refusal::kSelf) == v1::SYNC_REFUSAL_SELF);
static_assert(static_cast<int>(Refusal::kStorage) == v1::SYNC_REFUSAL_STORAGE);
static_assert(static_cast<int>(Refusal::kClock) == v1::SYNC_REFUSAL_CLOCK);
static_assert(static_cast<int>(Refusal::kInvalid) == v1::SYNC_REFUSAL_INVALID);
static_assert(static_cast<int>(Refusal::kBusy) == v1::SYNC_REFUSAL_BUSY);
static_assert(static_cast<int>(Refusal::kRemoved) == v1::SYNC_REFUSAL_REMOVED);

// One that a newer peer may send is no better than an invalid one.
Refusal RefusalFromProto(v1::SyncRefusal refusal) {
  return v1::SyncRefusal_IsValid(refusal) ? static_cast<Refusal>(refusal) : Refusal::kInvalid;
}

}  // namespace

absl::StatusOr<SyncMessage> FromProto(const v1::SyncRequest& message) {
  if (HasTooMany({&message.from(), &message.to(), &message.forgotten()})) return TooManyOrigins();
  if (absl::Status status = CheckUndamaged(message); !status.ok()) return status;
  SyncMessage sync;
  sync.clock = FromProto(message.clock());
  sync.cluster = message.cluster();
  sync.boot_id = message.boot_id();
  sync.receiver_incarnation = message.receiver_incarnation();
  sync.from = FromProto(message.from());
  sync.to = FromProto(message.to());
  absl::StatusOr<Entries> entries = EntriesFromProto(message);
  if (!entries.ok()) return entries.status();
  sync.entries = *std::move(entries);
  sync.last = message.last();
  sync.progress = message.progress();
  sync.after = message.after();
  sync.sequence = message.sequence();
  sync.birth = message.birth();
  if (message.has_full()) sync.full = KeyRange{message.full().start(), message.full().end()};
  sync.forgotten = FromProto(message.forgotten());
  sync.repair_buckets = message.repair_buckets();
  sync.wants_buckets = message.wants_buckets();
  sync.trace = TraceFromProto(message.trace());
  return sync;
}

void ToProto(const SyncMessage& sync, v1::SyncRequest* message) {
  ToProto(sync.clock, message->mutable_clock());
  message->set_cluster(sync.cluster);
  message->set_boot_id(sync.boot_id);
  message->set_receiver_incarnation(sync.receiver_incarnation);
  ToProto(sync.from, message->mutable_from());
  ToProto(sync.to, message->mutable_to());
  if (sync.entries) EntriesToProto(*sync.entries, message);
  message->set_last(sync.last);
  message->set_progress(sync.progress);
  message->set_after(sync.after);
  message->set_sequence(sync.sequence);
  message->set_birth(sync.birth);
  if (sync.full) {
    message->mutable_full()->set_start(sync.full->start);
    message->mutable_full()->set_end(sync.full->end);
  }
  ToProto(sync.forgotten, message->mutable_forgotten());
  message->set_repair_buckets(sync.repair_buckets);
  message->set_wants_buckets(sync.wants_buckets);
  if (sync.trace) ToProto(*sync.trace, message->mutable_trace());
  message->set_checksum(ChecksumOf(*message));
}

absl::StatusOr<SyncAnswer> FromProto(const v1::SyncResponse& message) {
  if (HasTooMany({&message.heads(), &message.durable_heads(), &message.pending(), &message.progress()})) {
    return TooManyOrigins();
  }
  if (absl::Status status = CheckUndamaged(message); !status.ok()) return status;
  SyncAnswer answer;
  answer.clock = FromProto(message.clock());
  answer.refusal = RefusalFromProto(message.refusal());
  answer.cluster = message.cluster();
  answer.boot_id = message.boot_id();
  answer.heads = FromProto(message.heads());
  answer.durable_heads = FromProto(message.durable_heads());
  answer.pending = FromProto(message.pending());
  answer.progress = FromProto(message.progress());
  answer.sequence = message.sequence();
  Decoder hash(message.content_hash());
  answer.content_hash.high = hash.BigEndian64();
  answer.content_hash.low = hash.BigEndian64();
  if (!hash.Done()) return Invalid("a content hash has 16 bytes");
  answer.birth = message.birth();
  answer.trace = TraceFromProto(message.trace());
  if (message.buckets().empty()) return answer;
  Decoder buckets(message.buckets());
  answer.buckets.emplace();
  for (Hash128& bucket : *answer.buckets) bucket = {buckets.BigEndian64(), buckets.BigEndian64()};
  if (!buckets.Done()) return Invalid("64 buckets have 16 bytes each");
  return answer;
}

void ToProto(const SyncAnswer& answer, v1::SyncResponse* message) {
  ToProto(answer.clock, message->mutable_clock());
  message->set_refusal(static_cast<v1::SyncRefusal>(answer.refusal));
  message->set_cluster(answer.cluster);
  message->set_boot_id(answer.boot_id);
  ToProto(answer.heads, message->mutable_heads());
  ToProto(answer.durable_heads, message->mutable_durable_heads());
  ToProto(answer.pending, message->mutable_pending());
  ToProto(answer.progress, message->mutable_progress());
  message->set_sequence(answer.sequence);
  PutBigEndian64(answer.content_hash.high, message->mutable_content_hash());
  PutBigEndian64(answer.content_hash.low, message->mutable_content_hash());
  message->set_birth(answer.birth);
  if (answer.trace) ToProto(*answer.trace, message->mutable_trace());
  if (answer.buckets) {
    for (const Hash128& bucket : *answer.buckets) {
      PutBigEndian64(bucket.high, message->mutable_buckets());
      PutBigEndian64(bucket.low, message->mutable_buckets());
    }
  }
  message->set_checksum(ChecksumOf(*message));
}

}  // namespace lamppost::kv
