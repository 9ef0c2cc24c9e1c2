// A conversation with the reflection service: requests, each with its length in front.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <string>
#include <vector>

#include "lamppost/kv/v1/kv_service.pb.h"
#include "services/common/reflection_answers.h"
#include "tests/fuzz/fuzz.h"

namespace lamppost::fuzz {
namespace {

constexpr int kRequestsMax = 8;

void CheckAnswer(const ReflectionAnswers::Request& request, const ReflectionAnswers::Response& response) {
  using Response = ReflectionAnswers::Response;
  FUZZ_CHECK(response.message_response_case() != Response::MESSAGE_RESPONSE_NOT_SET, "there is no answer");
  FUZZ_CHECK(response.original_request().SerializeAsString() == request.SerializeAsString(),
             "the question comes back as another one");
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    FUZZ_CHECK(file.ParseFromString(bytes), "a file cannot be read");
  }
  FUZZ_CHECK(!response.SerializeAsString().empty(), "an answer cannot be sent");
}

}  // namespace
}  // namespace lamppost::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lamppost;
  // Named, so that its file is linked in.
  const std::vector<std::string> services = {kv::v1::PutRequest::descriptor()->full_name()};
  ReflectionAnswers answers(google::protobuf::DescriptorPool::generated_pool(), &services);
  fuzz::Input input(fuzz::BytesOf(data, size));
  for (int i = 0; i < fuzz::kRequestsMax && !input.empty(); ++i) {
    ReflectionAnswers::Request request;
    if (!request.ParseFromString(std::string(input.Frame()))) continue;
    fuzz::CheckAnswer(request, answers.Answer(request));
  }
  return 0;
}
