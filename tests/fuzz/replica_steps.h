// The steps of a replica_sync input: read by the target, written by make_corpus.
#ifndef LAMPPOST_TESTS_FUZZ_REPLICA_STEPS_H_
#define LAMPPOST_TESTS_FUZZ_REPLICA_STEPS_H_

#include <cstdint>

namespace lamppost::fuzz {

// The byte of a step is its kind plus kStepKinds times the link or peer it is about.
enum class Step : uint8_t {
  kMessage,      // a frame: a v1::SyncRequest on an inbound link
  kAnswer,       // a frame: a v1::SyncResponse from a peer
  kTime,         // two bytes: milliseconds
  kWrite,        // a frame: the key
  kLinkUp,       // to a peer
  kLinkDown,     // to a peer
  kInboundDown,  // an inbound link
};
constexpr uint8_t kStepKinds = 7;

}  // namespace lamppost::fuzz

#endif  // LAMPPOST_TESTS_FUZZ_REPLICA_STEPS_H_
