// What the reflection protocol (grpc.reflection.v1) answers, without gRPC.
#ifndef LAMPPOST_SERVICES_COMMON_REFLECTION_ANSWERS_H_
#define LAMPPOST_SERVICES_COMMON_REFLECTION_ANSWERS_H_

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpc/reflection/v1/reflection.pb.h"

namespace lamppost {

// One stream's conversation. A file that an earlier answer of the stream held is sent again only when
// it is itself what was asked for. Not thread-safe; pool and services must outlive it.
class ReflectionAnswers {
 public:
  using Request = grpc::reflection::v1::ServerReflectionRequest;
  using Response = grpc::reflection::v1::ServerReflectionResponse;

  ReflectionAnswers(const google::protobuf::DescriptorPool* pool, const std::vector<std::string>* services)
      : pool_(pool), services_(services) {}

  // Always an answer; what cannot be answered is an ErrorResponse in it.
  Response Answer(const Request& request);

 private:
  absl::Status Fill(const Request& request, Response* response);
  absl::Status FillFile(const google::protobuf::FileDescriptor* file, absl::string_view asked,
                        Response* response);
  absl::Status FillExtension(const grpc::reflection::v1::ExtensionRequest& asked, Response* response);
  absl::Status FillExtensionNumbers(const std::string& type_name, Response* response) const;

  const google::protobuf::DescriptorPool* const pool_;
  const std::vector<std::string>* const services_;
  std::set<const google::protobuf::FileDescriptor*> sent_;
};

}  // namespace lamppost

#endif  // LAMPPOST_SERVICES_COMMON_REFLECTION_ANSWERS_H_
