// Sync messages out of an input's bytes, as they come off a peer's stream.
#ifndef LAMPPOST_TESTS_FUZZ_SYNC_INPUT_H_
#define LAMPPOST_TESTS_FUZZ_SYNC_INPUT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/kv/server/sync_checksum.h"
#include "services/kv/server/sync_codec.h"

namespace lamppost::fuzz {

// Decodes a v1::SyncRequest or v1::SyncResponse (Message) to what the core takes (Decoded). An error if the
// bytes are no such message, or if the codec refuses it.
//
// Here, between parsing and decoding, is the place for whatever no fuzzer can guess: a field that must agree
// with the others is to be made to agree.
template <typename Decoded, typename Message>
absl::StatusOr<Decoded> DecodeSync(absl::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("no message of its type");
  }
  message.set_checksum(kv::ChecksumOf(message));
  return kv::FromProto(message);
}

// What a node sends must come to a peer as it was meant.
template <typename Decoded, typename Message>
absl::StatusOr<Decoded> SendAndDecode(const Decoded& sent) {
  Message message;
  kv::ToProto(sent, &message);
  return DecodeSync<Decoded, Message>(message.SerializeAsString());
}

bool Same(const kv::SyncMessage& a, const kv::SyncMessage& b);
bool Same(const kv::SyncAnswer& a, const kv::SyncAnswer& b);

}  // namespace lamppost::fuzz

#endif  // LAMPPOST_TESTS_FUZZ_SYNC_INPUT_H_
