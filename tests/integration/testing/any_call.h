// Calls of any method, by its name, with an empty request: to see who is let in.
#ifndef LAMPPOST_TESTS_INTEGRATION_TESTING_ANY_CALL_H_
#define LAMPPOST_TESTS_INTEGRATION_TESTING_ANY_CALL_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/clock/timestamp.h"
#include "services/common/clock_metadata.h"
#include "services/common/grpc_status.h"

namespace lamppost::testing {

// "/lamppost.kv.v1.KvService/Put" and so on.
inline std::vector<std::string> MethodsOf(const google::protobuf::ServiceDescriptor* service) {
  std::vector<std::string> methods;
  for (int i = 0; i < service->method_count(); ++i)
    methods.push_back(absl::StrCat("/", service->full_name(), "/", service->method(i)->name()));
  return methods;
}

struct AnyCallEnd {
  absl::Status status;
  std::optional<Timestamp> clock;  // of the trailers
};

// One request and at most one response, whatever kind the method is: streams that go on end with the
// deadline.
inline AnyCallEnd CallAny(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                          absl::Duration timeout = absl::Seconds(10)) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  const grpc::Slice nothing("");
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response, [&](grpc::Status end) {
    status = std::move(end);
    done.Notify();
  });
  done.WaitForNotification();
  return {FromGrpcStatus(status), ClockFromTrailers(context)};
}

// Whether the server has let the caller in: what has come of the call otherwise is of no interest.
inline bool IsLetIn(const absl::Status& status) {
  return status.code() != absl::StatusCode::kUnauthenticated &&
         status.code() != absl::StatusCode::kPermissionDenied &&
         status.code() != absl::StatusCode::kUnavailable;
}

}  // namespace lamppost::testing

#endif  // LAMPPOST_TESTS_INTEGRATION_TESTING_ANY_CALL_H_
