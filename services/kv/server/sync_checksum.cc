#include "services/kv/server/sync_checksum.h"

#include <xxhash.h>

#include <array>
#include <cstring>
#include <string>

namespace lamppost::kv {
namespace {

using HeadList = google::protobuf::RepeatedPtrField<clock::v1::Head>;

// What is hashed first, so that neither kind of message passes for the other.
enum class Kind : uint64_t { kRequest = 1, kResponse = 2 };

// Gathers small fields, so that the hash is fed in few large pieces.
class Digest {
 public:
  explicit Digest(Kind kind) {
    XXH3_64bits_reset(&state_);
    Number(static_cast<uint64_t>(kind));
  }

  void Number(uint64_t number) {
    if (used_ + 8 > buffer_.size()) Feed();
    for (int i = 0; i < 8; ++i) buffer_[used_ + i] = static_cast<char>(number >> (8 * i));
    used_ += 8;
  }

  void Text(const std::string& text) {
    Number(text.size());
    if (text.empty()) return;
    if (used_ + text.size() > buffer_.size()) Feed();
    if (text.size() > buffer_.size()) {
      XXH3_64bits_update(&state_, text.data(), text.size());
      return;
    }
    std::memcpy(buffer_.data() + used_, text.data(), text.size());
    used_ += text.size();
  }

  uint64_t Finish() {
    Feed();
    return XXH3_64bits_digest(&state_);
  }

 private:
  void Feed() {
    XXH3_64bits_update(&state_, buffer_.data(), used_);
    used_ = 0;
  }

  XXH3_state_t state_;
  std::array<char, 4096> buffer_;
  size_t used_ = 0;
};

void Add(const clock::v1::Timestamp& timestamp, Digest* digest) {
  digest->Number(timestamp.counter());
  digest->Text(timestamp.node_id());
  digest->Number(timestamp.incarnation());
}

void Add(const clock::v1::Origin& origin, Digest* digest) {
  digest->Text(origin.node_id());
  digest->Number(origin.incarnation());
}

void Add(const HeadList& heads, Digest* digest) {
  digest->Number(heads.size());
  for (const clock::v1::Head& head : heads) {
    Add(head.origin(), digest);
    digest->Number(head.counter());
  }
}

void Add(const v1::Version& version, Digest* digest) {
  digest->Number(version.counter());
  digest->Number(version.origin());
  digest->Text(version.key());
  digest->Number(static_cast<uint64_t>(version.kind()));
  digest->Text(version.value());
  digest->Number(version.seen_size());
  for (const uint64_t lag : version.seen()) digest->Number(lag);
  digest->Text(version.request_id());
  digest->Number(version.request_fingerprint());
  digest->Number(version.replaced_value() ? 1 : 0);
  digest->Number(version.expires_unix_ms());
  if (version.lapsed()) digest->Number(1);
}

}  // namespace

uint64_t ChecksumOf(const v1::SyncRequest& message) {
  Digest digest(Kind::kRequest);
  Add(message.clock(), &digest);
  digest.Text(message.cluster());
  digest.Number(message.boot_id());
  digest.Number(message.receiver_incarnation());
  Add(message.from(), &digest);
  Add(message.to(), &digest);
  digest.Number(message.entries_size());
  for (const v1::Version& version : message.entries()) Add(version, &digest);
  digest.Number(message.last() ? 1 : 0);
  digest.Number(message.progress());
  digest.Number(message.sequence());
  digest.Number(message.origins_size());
  for (const clock::v1::Origin& origin : message.origins()) Add(origin, &digest);
  digest.Number(message.after());
  digest.Number(message.birth());
  digest.Number(message.has_full() ? 1 : 0);
  digest.Text(message.full().start());
  digest.Text(message.full().end());
  Add(message.forgotten(), &digest);
  digest.Number(message.repair_buckets());
  digest.Number(message.wants_buckets() ? 1 : 0);
  return digest.Finish();
}

uint64_t ChecksumOf(const v1::SyncResponse& message) {
  Digest digest(Kind::kResponse);
  Add(message.clock(), &digest);
  digest.Number(static_cast<uint64_t>(message.refusal()));
  Add(message.heads(), &digest);
  Add(message.durable_heads(), &digest);
  Add(message.pending(), &digest);
  Add(message.progress(), &digest);
  digest.Number(message.sequence());
  digest.Text(message.content_hash());
  digest.Number(message.boot_id());
  digest.Text(message.cluster());
  digest.Number(message.birth());
  digest.Text(message.buckets());
  return digest.Finish();
}

}  // namespace lamppost::kv
