#include "services/common/message_bytes.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>

#include "services/common/error.h"

namespace lamppost {
namespace {

using google::protobuf::io::ArrayOutputStream;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

bool Parse(grpc::ByteBuffer* bytes, google::protobuf::MessageLite* message) {
  grpc::ProtoBufferReader reader(bytes);
  if (!reader.status().ok()) return false;
  CodedInputStream coded(&reader);
  coded.SetRecursionLimit(kMessageDepthMax);
  return message->ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage();
}

}  // namespace

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message) {
  grpc::ByteBuffer own(bytes);  // shares the slices
  if (own.Length() == 0) {
    message->Clear();
    return absl::OkStatus();
  }
  if (Parse(&own, message)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "REQUEST_UNREADABLE",
                   "the request is not a message of its type, or a key or text in it is not UTF-8");
}

grpc::ByteBuffer MessageBytes(const google::protobuf::MessageLite& message) {
  const size_t bytes = message.ByteSizeLong();
  grpc::Slice slice(bytes);
  ArrayOutputStream array(const_cast<uint8_t*>(slice.begin()), static_cast<int>(bytes));
  {
    CodedOutputStream coded(&array);
    coded.SetSerializationDeterministic(true);
    message.SerializeWithCachedSizes(&coded);
  }
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace lamppost
