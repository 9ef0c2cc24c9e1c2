#include "services/common/reflection_answers.h"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lamppost {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

absl::Status NotFound(absl::string_view what, absl::string_view name) {
  return absl::NotFoundError(absl::StrCat("no ", what, " \"", name, "\""));
}

}  // namespace

ReflectionAnswers::Response ReflectionAnswers::Answer(const Request& request) {
  Response response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  const absl::Status status = Fill(request, &response);
  if (!status.ok()) {
    response.mutable_error_response()->set_error_code(static_cast<int>(status.code()));
    response.mutable_error_response()->set_error_message(std::string(status.message()));
  }
  return response;
}

absl::Status ReflectionAnswers::Fill(const Request& request, Response* response) {
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      return FillFile(pool_->FindFileByName(request.file_by_filename()), request.file_by_filename(),
                      response);
    case Request::kFileContainingSymbol:
      return FillFile(pool_->FindFileContainingSymbol(request.file_containing_symbol()),
                      request.file_containing_symbol(), response);
    case Request::kFileContainingExtension:
      return FillExtension(request.file_containing_extension(), response);
    case Request::kAllExtensionNumbersOfType:
      return FillExtensionNumbers(request.all_extension_numbers_of_type(), response);
    case Request::kListServices:
      for (const std::string& service : *services_) {
        response->mutable_list_services_response()->add_service()->set_name(service);
      }
      return absl::OkStatus();
    case Request::MESSAGE_REQUEST_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("the request asks nothing that is known here");
}

// The file, then what it imports, breadth first.
absl::Status ReflectionAnswers::FillFile(const FileDescriptor* file, absl::string_view asked,
                                         Response* response) {
  if (file == nullptr) return NotFound("file or symbol", asked);
  auto* files = response->mutable_file_descriptor_response();
  std::vector<const FileDescriptor*> queue = {file};
  sent_.insert(file);
  for (size_t next = 0; next < queue.size(); ++next) {
    google::protobuf::FileDescriptorProto proto;
    queue[next]->CopyTo(&proto);
    files->add_file_descriptor_proto(proto.SerializeAsString());
    for (int i = 0; i < queue[next]->dependency_count(); ++i) {
      const FileDescriptor* import = queue[next]->dependency(i);
      if (sent_.insert(import).second) queue.push_back(import);
    }
  }
  return absl::OkStatus();
}

absl::Status ReflectionAnswers::FillExtension(const grpc::reflection::v1::ExtensionRequest& asked,
                                              Response* response) {
  const Descriptor* type = pool_->FindMessageTypeByName(asked.containing_type());
  if (type == nullptr) return NotFound("message type", asked.containing_type());
  const FieldDescriptor* extension = pool_->FindExtensionByNumber(type, asked.extension_number());
  const std::string name = absl::StrCat(asked.containing_type(), ":", asked.extension_number());
  if (extension == nullptr) return NotFound("extension", name);
  return FillFile(extension->file(), name, response);
}

absl::Status ReflectionAnswers::FillExtensionNumbers(const std::string& type_name, Response* response) const {
  const Descriptor* type = pool_->FindMessageTypeByName(type_name);
  if (type == nullptr) return NotFound("message type", type_name);
  std::vector<const FieldDescriptor*> extensions;
  pool_->FindAllExtensions(type, &extensions);
  auto* numbers = response->mutable_all_extension_numbers_response();
  numbers->set_base_type_name(type_name);
  for (const FieldDescriptor* extension : extensions) numbers->add_extension_number(extension->number());
  std::sort(numbers->mutable_extension_number()->begin(), numbers->mutable_extension_number()->end());
  return absl::OkStatus();
}

}  // namespace lamppost
