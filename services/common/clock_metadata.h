// The sender's Lamport timestamp on answers that have no message to carry it: an error status takes
// it along in the trailing metadata "lamppost-clock-bin", as a serialised lamppost.clock.v1.Timestamp.
#ifndef LAMPPOST_SERVICES_COMMON_CLOCK_METADATA_H_
#define LAMPPOST_SERVICES_COMMON_CLOCK_METADATA_H_

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/string_ref.h>

#include <map>
#include <optional>

#include "services/clock/timestamp.h"

namespace lamppost {

inline constexpr char kClockMetadataKey[] = "lamppost-clock-bin";

// Call it once a call, before the call's status is given to gRPC (Finish). Not thread-safe against
// other uses of the same context.
void AttachClock(grpc::ServerContextBase* context, const Timestamp& clock);

// The server's clock, to be called once the call has ended. Nothing if it sent none, or none that can
// be read; the highest if it sent several.
std::optional<Timestamp> ClockFromTrailers(const grpc::ClientContext& context);

// The same of a call's trailing metadata. Pure and thread-safe.
std::optional<Timestamp> HighestClock(const std::multimap<grpc::string_ref, grpc::string_ref>& trailers);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_CLOCK_METADATA_H_
