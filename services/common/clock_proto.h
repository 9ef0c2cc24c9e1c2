// Lamport timestamps and origins to and from their messages. Pure and thread-safe.
//
// Nothing is validated here: what comes from outside is checked by whoever receives it.
#ifndef LAMPPOST_SERVICES_COMMON_CLOCK_PROTO_H_
#define LAMPPOST_SERVICES_COMMON_CLOCK_PROTO_H_

#include "lamppost/clock/v1/clock.pb.h"
#include "services/clock/timestamp.h"

namespace lamppost {

Timestamp FromProto(const clock::v1::Timestamp& message);
Origin FromProto(const clock::v1::Origin& message);

// Each sets every field of the message.
void ToProto(const Timestamp& timestamp, clock::v1::Timestamp* message);
void ToProto(const Origin& origin, clock::v1::Origin* message);

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_CLOCK_PROTO_H_
