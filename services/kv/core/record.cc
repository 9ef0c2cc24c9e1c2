#include "services/kv/core/record.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/common/mutation.h"
#include "services/kv/core/coding.h"

namespace lamppost::kv {
namespace {

// The first byte of a version: what kind of value, and whether a request id follows.
constexpr uint8_t kKindMask = 0x03;
constexpr uint8_t kTombstone = 0;
constexpr uint8_t kText = 1;
constexpr uint8_t kData = 2;
constexpr uint8_t kHasRequest = 0x10;
constexpr uint8_t kExpires = 0x20;
constexpr uint8_t kHasArrival = 0x40;
constexpr uint8_t kLapsed = 0x80;
constexpr uint8_t kKnownFlags = kKindMask | kHasRequest | kExpires | kHasArrival | kLapsed;
// Of a state.
constexpr uint8_t kRemoved = 0x01;
constexpr uint8_t kRefilling = 0x02;
constexpr uint8_t kJoined = 0x04;

uint8_t FlagsOf(const Version& version) {
  uint8_t flags = kTombstone;
  if (version.value) flags = version.value->kind == Value::Kind::kText ? kText : kData;
  if (!version.request.id.empty()) flags |= kHasRequest;
  if (version.expires_unix_ms != 0) flags |= kExpires;
  if (version.lapsed) flags |= kLapsed;
  return flags;
}

void PutTimestamp(const Timestamp& timestamp, std::string* out) {
  PutVarint(timestamp.counter, out);
  PutOrigin(timestamp.origin, out);
}

Timestamp GetTimestamp(Decoder* decoder) {
  Timestamp timestamp;
  timestamp.counter = decoder->Varint();
  timestamp.origin = decoder->GetOrigin();
  return timestamp;
}

void PutTag(const RequestTag& tag, std::string* out) {
  PutString(tag.id, out);
  PutBigEndian64(tag.fingerprint, out);
  out->push_back(static_cast<char>(tag.before));
}

void PutHeads(const Heads& heads, std::string* out) {
  PutVarint(heads.size(), out);
  for (const auto& [origin, counter] : heads) {
    PutOrigin(origin, out);
    PutVarint(counter, out);
  }
}

Heads GetHeads(Decoder* decoder) {
  Heads heads;
  for (uint64_t left = decoder->Count(); left > 0; --left) {
    const Origin origin = decoder->GetOrigin();
    heads.Raise(origin, decoder->Varint());
  }
  return heads;
}

void PutArrival(const Arrival& arrival, std::string* out) {
  out->push_back(static_cast<char>(arrival.way));
  PutString(arrival.from, out);
  PutVarint(arrival.unix_ms, out);
}

// False if it would have been written without.
bool GetArrival(Decoder* decoder, Arrival* arrival) {
  const uint8_t way = decoder->Byte();
  arrival->from = decoder->String();
  arrival->unix_ms = decoder->Varint();
  arrival->way = static_cast<Arrival::Way>(way);
  return way != 0 && way <= static_cast<uint8_t>(Arrival::Way::kRestored);
}

RequestTag GetTag(Decoder* decoder) {
  RequestTag tag;
  tag.id = decoder->String();
  tag.fingerprint = decoder->BigEndian64();
  tag.before = decoder->Byte() == 0 ? RequestTag::Before::kAbsent : RequestTag::Before::kPresent;
  return tag;
}

std::string Encode(const Version& version, uint8_t flags) {
  std::string out;
  out.reserve(64 + (version.value ? version.value->bytes.size() : 0) + version.seen.lags().size() * 14);
  out.push_back(static_cast<char>(flags));
  PutTimestamp(version.timestamp, &out);
  PutVarint(version.seen.lags().size(), &out);
  for (const auto& [origin, lag] : version.seen.lags()) {
    PutOrigin(origin, &out);
    PutVarint(lag, &out);
  }
  if (flags & kHasRequest) PutTag(version.request, &out);
  if (flags & kExpires) PutVarint(version.expires_unix_ms, &out);
  if (flags & kHasArrival) PutArrival(version.arrival, &out);
  if (version.value) out.append(version.value->bytes);  // the rest of the record
  if (LAMPPOST_MUTATION(kValueCut) && version.value && version.value->bytes.size() > 3) out.pop_back();
  return out;
}

}  // namespace

absl::Status DamagedRecord(absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "DATA_CORRUPT",
                   absl::StrCat("a stored ", what, " record cannot be read: the data is damaged"));
}

std::string EncodeVersion(const Version& version) {
  return Encode(version, FlagsOf(version));
}

std::string EncodeStored(const Version& version) {
  const bool has_arrival = version.arrival.way != Arrival::Way::kUnknown;
  return Encode(version, FlagsOf(version) | (has_arrival ? kHasArrival : 0));
}

absl::StatusOr<Version> DecodeVersion(absl::string_view bytes) {
  Decoder decoder(bytes);
  Version version;
  const uint8_t flags = decoder.Byte();
  version.timestamp = GetTimestamp(&decoder);
  std::vector<Seen::Entry> lags(decoder.Count());
  for (size_t i = 0; i < lags.size(); ++i) {
    lags[i].first = decoder.GetOrigin();
    lags[i].second = decoder.Varint();
    // Written in this order, each once; peers get them so.
    if (i > 0 && !(lags[i - 1].first < lags[i].first)) return DamagedRecord("version");
  }
  version.seen = Seen(std::move(lags));
  if (flags & kHasRequest) {
    version.request = GetTag(&decoder);
    if (version.request.id.empty()) return DamagedRecord("version");  // would be written without it
  }
  if (flags & kExpires) {
    version.expires_unix_ms = decoder.Varint();
    if (version.expires_unix_ms == 0) return DamagedRecord("version");  // would be written without it
  }
  if ((flags & kHasArrival) && !GetArrival(&decoder, &version.arrival)) return DamagedRecord("version");
  version.lapsed = (flags & kLapsed) != 0;
  const uint8_t kind = flags & kKindMask;
  if (!decoder.ok() || (flags & ~kKnownFlags) != 0 || kind > kData) return DamagedRecord("version");
  if (kind == kTombstone) {
    if (!decoder.Done() || version.expires_unix_ms != 0) return DamagedRecord("version");
    return version;
  }
  if (version.lapsed) return DamagedRecord("version");
  version.value = Value{kind == kText ? Value::Kind::kText : Value::Kind::kData, std::string(decoder.rest())};
  return version;
}

std::string EncodeIdentity(const Identity& identity) {
  std::string out;
  PutString(identity.node_id, &out);
  PutString(identity.cluster, &out);
  return out;
}

absl::StatusOr<Identity> DecodeIdentity(absl::string_view bytes) {
  Decoder decoder(bytes);
  Identity identity;
  identity.node_id = decoder.String();
  identity.cluster = decoder.String();
  if (!decoder.Done()) return DamagedRecord("identity");
  return identity;
}

std::string EncodeState(const State& state) {
  std::string out;
  PutVarint(state.clock_limit, &out);
  PutBigEndian64(state.incarnation, &out);
  PutVarint(state.keys, &out);
  PutVarint(state.tombstones, &out);
  PutVarint(state.max_write, &out);
  PutHeads(state.heads, &out);
  PutHeads(state.forgotten, &out);
  PutBigEndian64(state.birth, &out);
  out.push_back(static_cast<char>((state.removed ? kRemoved : 0) | (state.refilling ? kRefilling : 0) |
                                  (state.joined ? kJoined : 0)));
  state.hash.EncodeTo(&out);
  return out;
}

absl::StatusOr<State> DecodeState(absl::string_view bytes) {
  Decoder decoder(bytes);
  State state;
  state.clock_limit = decoder.Varint();
  state.incarnation = decoder.BigEndian64();
  state.keys = decoder.Varint();
  state.tombstones = decoder.Varint();
  state.max_write = decoder.Varint();
  state.heads = GetHeads(&decoder);
  state.forgotten = GetHeads(&decoder);
  state.birth = decoder.BigEndian64();
  const uint8_t flags = decoder.Byte();
  state.removed = (flags & kRemoved) != 0;
  state.refilling = (flags & kRefilling) != 0;
  state.joined = (flags & kJoined) != 0;
  state.hash.DecodeFrom(&decoder);
  if (!decoder.Done() || (flags & ~(kRemoved | kRefilling | kJoined)) != 0) return DamagedRecord("state");
  return state;
}

std::string EncodeMembers(const std::vector<Member>& members) {
  std::string out;
  PutVarint(members.size(), &out);
  for (const Member& member : members) {
    PutString(member.address, &out);
    PutString(member.node_id, &out);
  }
  return out;
}

absl::StatusOr<std::vector<Member>> DecodeMembers(absl::string_view bytes) {
  Decoder decoder(bytes);
  std::vector<Member> members(decoder.Count());
  for (Member& member : members) {
    member.address = decoder.String();
    member.node_id = decoder.String();
  }
  if (!decoder.Done()) return DamagedRecord("members");
  return members;
}

std::string EncodeMemberRecord(const MemberRecord& record) {
  std::string out;
  out.push_back(static_cast<char>(record.state));
  PutString(record.address, &out);
  PutBigEndian64(record.barred_birth, &out);
  return out;
}

absl::StatusOr<MemberRecord> DecodeMemberRecord(absl::string_view bytes) {
  Decoder decoder(bytes);
  MemberRecord record;
  const uint8_t state = decoder.Byte();
  record.address = decoder.String();
  record.barred_birth = decoder.BigEndian64();
  if (!decoder.Done() || state > static_cast<uint8_t>(MemberState::kRemoved)) return DamagedRecord("member");
  record.state = static_cast<MemberState>(state);
  return record;
}

std::string MemberKey(absl::string_view node_id) {
  return absl::StrCat(kMemberKeyPrefix, node_id);
}

std::string EncodeRequest(const RequestRecord& request) {
  std::string out;
  PutTag(request.tag, &out);
  PutTimestamp(request.version, &out);
  return out;
}

absl::StatusOr<RequestRecord> DecodeRequest(absl::string_view bytes) {
  Decoder decoder(bytes);
  RequestRecord request;
  request.tag = GetTag(&decoder);
  request.version = GetTimestamp(&decoder);
  if (!decoder.Done()) return DamagedRecord("request");
  return request;
}

std::string IndexStart(const Origin& origin, uint64_t counter) {
  // A node id has no NUL, so NUL ends it and "A" sorts before "AB".
  std::string out = origin.node_id;
  out.push_back('\0');
  PutBigEndian64(origin.incarnation, &out);
  PutBigEndian64(counter, &out);
  return out;
}

std::string IndexEnd(const Origin& origin) {
  if (origin.incarnation == UINT64_MAX) return origin.node_id + '\x01';
  return IndexStart({origin.node_id, origin.incarnation + 1}, 0);
}

std::string EncodeIndexKey(const Timestamp& timestamp, absl::string_view key) {
  std::string out = IndexStart(timestamp.origin, timestamp.counter);
  out.append(key.data(), key.size());
  return out;
}

absl::StatusOr<IndexKey> DecodeIndexKey(absl::string_view bytes) {
  const size_t end_of_id = bytes.find('\0');
  if (end_of_id == absl::string_view::npos) return DamagedRecord("index");
  IndexKey index;
  index.timestamp.origin.node_id = std::string(bytes.substr(0, end_of_id));
  Decoder decoder(bytes.substr(end_of_id + 1));
  index.timestamp.origin.incarnation = decoder.BigEndian64();
  index.timestamp.counter = decoder.BigEndian64();
  if (!decoder.ok()) return DamagedRecord("index");
  index.key = std::string(decoder.rest());
  return index;
}

std::string EncodeTombstoneKey(uint64_t counter, absl::string_view key) {
  std::string out;
  out.reserve(sizeof(counter) + key.size());
  PutBigEndian64(counter, &out);
  out.append(key.data(), key.size());
  return out;
}

absl::StatusOr<TombstoneKey> DecodeTombstoneKey(absl::string_view bytes) {
  Decoder decoder(bytes);
  TombstoneKey tombstone;
  tombstone.counter = decoder.BigEndian64();
  if (!decoder.ok()) return DamagedRecord("tombstone");
  tombstone.key = std::string(decoder.rest());
  return tombstone;
}

std::string EncodeExpiryKey(absl::string_view node_id, uint64_t expires_unix_ms, absl::string_view key) {
  std::string out(node_id);
  out.push_back('\0');  // a node id has none
  PutBigEndian64(expires_unix_ms, &out);
  out.append(key.data(), key.size());
  return out;
}

absl::StatusOr<ExpiryKey> DecodeExpiryKey(absl::string_view bytes) {
  const size_t end_of_id = bytes.find('\0');
  if (end_of_id == absl::string_view::npos) return DamagedRecord("expiry");
  ExpiryKey expiry;
  expiry.node_id = std::string(bytes.substr(0, end_of_id));
  Decoder decoder(bytes.substr(end_of_id + 1));
  expiry.expires_unix_ms = decoder.BigEndian64();
  if (!decoder.ok()) return DamagedRecord("expiry");
  expiry.key = std::string(decoder.rest());
  return expiry;
}

std::string ExpiryEnd(absl::string_view node_id) {
  return absl::StrCat(node_id, "\x01");
}

}  // namespace lamppost::kv
