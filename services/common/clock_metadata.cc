#include "services/common/clock_metadata.h"

#include <cstddef>
#include <string>

#include "lamppost/clock/v1/clock.pb.h"
#include "services/common/clock_proto.h"

namespace lamppost {
namespace {

// A node id has at most 32 characters, so a real one is far smaller.
constexpr size_t kValueBytesMax = 256;

}  // namespace

void AttachClock(grpc::ServerContextBase* context, const Timestamp& clock) {
  clock::v1::Timestamp message;
  ToProto(clock, &message);
  context->AddTrailingMetadata(kClockMetadataKey, message.SerializeAsString());
}

std::optional<Timestamp> ClockFromTrailers(const grpc::ClientContext& context) {
  return HighestClock(context.GetServerTrailingMetadata());
}

std::optional<Timestamp> HighestClock(const std::multimap<grpc::string_ref, grpc::string_ref>& trailers) {
  std::optional<Timestamp> highest;
  const auto [begin, end] = trailers.equal_range(kClockMetadataKey);
  for (auto it = begin; it != end; ++it) {
    clock::v1::Timestamp message;
    if (it->second.size() > kValueBytesMax) continue;
    if (!message.ParseFromArray(it->second.data(), static_cast<int>(it->second.size()))) continue;
    const Timestamp clock = FromProto(message);
    if (!highest || *highest < clock) highest = clock;
  }
  return highest;
}

}  // namespace lamppost
