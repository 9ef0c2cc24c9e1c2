// The messages of peers, from their bytes to what the core works with.
#include "services/kv/server/sync_codec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sync_input.h"

namespace lamppost::fuzz {
namespace {

// What was understood is understood alike when it is sent on (a relay does that).
template <typename Decoded, typename Message>
void CheckMessage(absl::string_view bytes) {
  const absl::StatusOr<Decoded> decoded = DecodeSync<Decoded, Message>(bytes);
  if (!decoded.ok()) {
    FUZZ_CHECK(decoded.status().code() == absl::StatusCode::kInvalidArgument, "a refusal by another code");
    return;
  }
  const absl::StatusOr<Decoded> again = SendAndDecode<Decoded, Message>(*decoded);
  FUZZ_CHECK(again.ok(), "a message that was taken cannot be sent on");
  FUZZ_CHECK(Same(*decoded, *again), "a message has become another one");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  fuzz::Input input(fuzz::BytesOf(data, size));
  if (input.Byte() % 2 == 0) {
    fuzz::CheckMessage<kv::SyncMessage, kv::v1::SyncRequest>(input.rest());
  } else {
    fuzz::CheckMessage<kv::SyncAnswer, kv::v1::SyncResponse>(input.rest());
  }
  return 0;
}
