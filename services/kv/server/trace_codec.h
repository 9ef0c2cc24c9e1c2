// What a replica tells of itself, as it is sent to those who watch. Pure and thread-safe.
#ifndef LAMPPOST_SERVICES_KV_SERVER_TRACE_CODEC_H_
#define LAMPPOST_SERVICES_KV_SERVER_TRACE_CODEC_H_

#include "lamppost/kv/v1/trace.pb.h"
#include "services/kv/core/tracer.h"

namespace lamppost::kv {

using VectorField = google::protobuf::RepeatedPtrField<v1::VectorEntry>;
void ToProto(const VectorClock& vector, VectorField* field);
// Null if there is none, or none that can be: it is only for those who watch.
Trace TraceFromProto(const VectorField& field);

// All but the time.
void ToProto(const TracePoint& point, v1::TraceEvent* event);

}  // namespace lamppost::kv

#endif  // LAMPPOST_SERVICES_KV_SERVER_TRACE_CODEC_H_
