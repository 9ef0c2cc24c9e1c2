// For tests: the services on a gRPC server of their own, with fake functions and a store in memory, and a
// client that keeps all that comes back.
#ifndef LAMPPOST_SERVICES_RPC_SERVER_TESTING_SERVICE_FIXTURE_H_
#define LAMPPOST_SERVICES_RPC_SERVER_TESTING_SERVICE_FIXTURE_H_

#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "lamppost/rpc/v1/fault_service.grpc.pb.h"
#include "lamppost/rpc/v1/function_service.grpc.pb.h"
#include "services/common/clock_metadata.h"
#include "services/common/error.h"
#include "services/common/grpc_status.h"
#include "services/common/message_bytes.h"
#include "services/common/server.h"
#include "services/rpc/server/fault_service.h"
#include "services/rpc/server/function_service.h"
#include "services/rpc/server/testing/fake_functions.h"
#include "services/rpc/server/testing/gated_store.h"

namespace lamppost::rpc::testing {

inline std::string IdText(uint8_t number) {
  return ToString(TestId(number));
}

inline google::protobuf::Struct StructOf(const std::string& json) {
  google::protobuf::Struct message;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &message).ok());
  return message;
}

inline v1::CallRequest Request(uint8_t number, const std::string& method, const std::string& params = "{}") {
  v1::CallRequest request;
  request.set_request_id(IdText(number));
  request.set_method(method);
  *request.mutable_params() = StructOf(params);
  return request;
}

inline v1::CallStreamRequest StreamRequest(uint8_t number, const std::string& method) {
  v1::CallStreamRequest request;
  request.set_request_id(IdText(number));
  request.set_method(method);
  return request;
}

// All that came of a call.
struct Answer {
  Answer() = default;
  Answer(const grpc::Status& status_in, const grpc::ClientContext& context) : status(status_in) {
    const absl::Status error = FromGrpcStatus(status);
    reason = ErrorReason(error);
    retry_delay_ms = RetryDelayMs(error);
    trailer = ClockFromTrailers(context);
  }

  grpc::Status status;
  std::string reason;
  std::optional<int64_t> retry_delay_ms;
  std::optional<Timestamp> trailer;
  v1::CallResponse response;
  v1::GetCallResponse get;
  std::string outcome_bytes;  // as they came, of field 3 of the response
};

class ServiceFixture : public ::testing::Test {
 protected:
  static constexpr size_t kCallsMax = 8;

  void SetUp() override {
    faults_ = std::make_unique<Faults>(Faults::Mode::kEnabled, 1, [this](uint64_t delay_ms) {
      absl::MutexLock lock(&mutex_);
      crashes_.push_back(delay_ms);
    });
    DriverOptions options;
    options.engine.origin = {"A", 5};
    options.on_run_started = [this](const RequestId& id) { faults_->RunStarted(id); };
    options.on_fatal_error = [](const absl::Status& status) { FAIL() << status; };
    driver_ = std::make_unique<Driver>(options, &store_, functions_.registry);
    ASSERT_TRUE(driver_->Start().ok());
    shell_ = std::make_unique<CallShell>("A", driver_->clock(),
                                         [this](uint64_t counter, std::function<void(absl::Status)> next) {
                                           driver_->ReserveThen(counter, std::move(next));
                                         });
    shell_->set_incarnation(5);
    service_ = std::make_unique<FunctionServiceImpl>(shell_.get(), driver_.get(), faults_.get(), kCallsMax);
    fault_service_ = std::make_unique<FaultServiceImpl>(shell_.get(), faults_.get());
    ServerOptions server_options;
    server_options.services = {{service_.get(), v1::FunctionService::service_full_name()},
                               {fault_service_.get(), v1::FaultService::service_full_name()}};
    server_ = std::make_unique<Server>(server_options);
    ASSERT_TRUE(server_->Start().ok());
    channel_ =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()), grpc::InsecureChannelCredentials());
    stub_ = v1::FunctionService::NewStub(channel_);
    fault_stub_ = v1::FaultService::NewStub(channel_);
  }
  void TearDown() override {
    server_->Drain(0);
    driver_->Stop();
  }

  Answer Call(const v1::CallRequest& request, absl::Duration timeout = kPatience) {
    Answer answer = CallRaw("/lamppost.rpc.v1.FunctionService/Call", request.SerializeAsString(), timeout);
    return answer;
  }

  Answer Get(uint8_t number) {
    grpc::ClientContext context;
    v1::GetCallRequest request;
    request.set_request_id(IdText(number));
    v1::GetCallResponse response;
    const grpc::Status status = stub_->GetCall(&context, request, &response);
    Answer answer(status, context);
    answer.get = response;
    return answer;
  }

  // Sends these bytes; the response is taken for a CallResponse.
  Answer CallRaw(const std::string& method, const std::string& bytes, absl::Duration timeout = kPatience) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    const grpc::Status status = grpc::internal::BlockingUnaryCall(
        channel_.get(), grpc::internal::RpcMethod(method.c_str(), grpc::internal::RpcMethod::NORMAL_RPC),
        &context, request, &response);
    Answer answer(status, context);
    if (!status.ok()) return answer;
    EXPECT_TRUE(ParseMessage(response, &answer.response).ok());
    answer.outcome_bytes = FieldBytes(response, 3);
    return answer;
  }

  // What stands in a message for one of its fields that is a message.
  static std::string FieldBytes(const grpc::ByteBuffer& buffer, int number) {
    std::vector<grpc::Slice> slices;
    EXPECT_TRUE(buffer.Dump(&slices).ok());
    std::string bytes;
    for (const grpc::Slice& slice : slices) bytes.append(slice.begin(), slice.end());
    google::protobuf::io::CodedInputStream coded(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                 static_cast<int>(bytes.size()));
    while (const uint32_t tag = coded.ReadTag()) {
      uint64_t value = 0;
      std::string text;
      if ((tag & 7) == 2) {
        uint32_t length = 0;
        if (!coded.ReadVarint32(&length) || !coded.ReadString(&text, static_cast<int>(length))) break;
      } else if (!coded.ReadVarint64(&value)) {
        break;
      }
      if (static_cast<int>(tag >> 3) == number) return text;
    }
    return "";
  }

  FakeFunctions functions_;
  GatedStore store_;
  absl::Mutex mutex_;
  std::vector<uint64_t> crashes_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Faults> faults_;
  std::unique_ptr<Driver> driver_;
  std::unique_ptr<CallShell> shell_;
  std::unique_ptr<FunctionServiceImpl> service_;
  std::unique_ptr<FaultServiceImpl> fault_service_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::FunctionService::Stub> stub_;
  std::unique_ptr<v1::FaultService::Stub> fault_stub_;
};

}  // namespace lamppost::rpc::testing

#endif  // LAMPPOST_SERVICES_RPC_SERVER_TESTING_SERVICE_FIXTURE_H_
