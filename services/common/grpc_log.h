// gRPC's own messages, sent to the process's log, so that stderr holds one kind of line.
#ifndef LAMPPOST_SERVICES_COMMON_GRPC_LOG_H_
#define LAMPPOST_SERVICES_COMMON_GRPC_LOG_H_

namespace lamppost {

// Call it once, in main(), before gRPC is first used. GRPC_VERBOSITY still decides what gRPC says.
void SendGrpcMessagesToLog();

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_GRPC_LOG_H_
