#include "services/kv/core/messages.h"

namespace lamppost::kv {

const char* ToString(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
      return "accepted";
    case Refusal::kGap:
      return "heads do not fit";
    case Refusal::kOtherLife:
      return "meant for another life of the receiver";
    case Refusal::kFenced:
      return "the receiver knows a newer life of the sender";
    case Refusal::kClusterMismatch:
      return "the peer belongs to another cluster";
    case Refusal::kUnknownMember:
      return "the peer does not have this node among its members";
    case Refusal::kDuplicateNodeId:
      return "two nodes have the same id";
    case Refusal::kSelf:
      return "the address is this node's own";
    case Refusal::kStorage:
      return "the peer cannot store anything at present";
    case Refusal::kClock:
      return "the clock is too far ahead";
    case Refusal::kInvalid:
      return "the peer found the message invalid";
    case Refusal::kBusy:
      return "the peer takes this later: either of the two is still to be given everything";
    case Refusal::kRemoved:
      return "this node was removed: it can come back with an empty disk, once it is added again";
  }
  return "unknown";
}

}  // namespace lamppost::kv
