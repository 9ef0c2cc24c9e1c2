#include "services/common/server.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/client_unary_call.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "services/common/error.h"

namespace lamppost {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::reflection::v1::ServerReflection;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kV1[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
constexpr char kV1Alpha[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

Address At(const std::string& host, int port) {
  return Address{AddressScheme::kNone, host, port};
}

std::shared_ptr<grpc::Channel> ChannelTo(const Server& server) {
  return grpc::CreateChannel(absl::StrCat("127.0.0.1:", server.port()), grpc::InsecureChannelCredentials());
}

// A method of its own, /test.Slow/Call, that a raw call reaches: it answers once it is released.
class SlowService final : public grpc::Service {
 public:
  SlowService() {
    AddMethod(new grpc::internal::RpcServiceMethod("/test.Slow/Call", grpc::internal::RpcMethod::NORMAL_RPC,
                                                   nullptr));
    MarkMethodCallback(0, new grpc::internal::CallbackUnaryHandler<HealthCheckRequest, HealthCheckResponse>(
                              [this](grpc::CallbackServerContext* context, const HealthCheckRequest*,
                                     HealthCheckResponse* response) {
                                response->set_status(HealthCheckResponse::SERVING);
                                auto* reactor = context->DefaultReactor();
                                thread_ = std::thread([this, reactor] {
                                  started.Notify();
                                  release.WaitForNotification();
                                  reactor->Finish(grpc::Status::OK);
                                });
                                return reactor;
                              }));
  }
  ~SlowService() override {
    if (thread_.joinable()) thread_.join();
  }

  absl::Notification started;
  absl::Notification release;

 private:
  std::thread thread_;
};

grpc::Status CallSlow(const std::shared_ptr<grpc::Channel>& channel, HealthCheckResponse* response) {
  grpc::ClientContext context;
  return grpc::internal::BlockingUnaryCall(
      channel.get(), grpc::internal::RpcMethod("/test.Slow/Call", grpc::internal::RpcMethod::NORMAL_RPC),
      &context, HealthCheckRequest(), response);
}

// Both versions of the protocol have the same messages, so one conversation speaks either.
class Conversation {
 public:
  using Request = ServerReflectionRequest;
  using Response = ServerReflectionResponse;

  Conversation(std::shared_ptr<grpc::Channel> channel, const char* method)
      : channel_(std::move(channel)),
        stream_(grpc::internal::ClientReaderWriterFactory<Request, Response>::Create(
            channel_.get(), grpc::internal::RpcMethod(method, grpc::internal::RpcMethod::BIDI_STREAMING),
            &context_)) {}

  Response Ask(const Request& request) {
    Response response;
    EXPECT_TRUE(stream_->Write(request));
    EXPECT_TRUE(stream_->Read(&response));
    return response;
  }

  std::vector<std::string> Services() {
    Request request;
    request.set_list_services("");
    const Response response = Ask(request);
    std::vector<std::string> names;
    for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
    std::sort(names.begin(), names.end());
    return names;
  }

  // How many files describe the symbol; 0 if it is unknown.
  int FilesFor(const std::string& symbol) {
    Request request;
    request.set_file_containing_symbol(symbol);
    return Ask(request).file_descriptor_response().file_descriptor_proto_size();
  }

  grpc::Status End() {
    stream_->WritesDone();
    return stream_->Finish();
  }
  grpc::Status WaitForTheEnd() {
    Response response;
    while (stream_->Read(&response)) {
    }
    return stream_->Finish();
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream_;
};

TEST(Server, ServesHealth) {
  SlowService slow;
  ServerOptions options;
  options.services = {{&slow, "test.Slow"}};
  Server server(options);
  ASSERT_TRUE(server.Start().ok());
  ASSERT_GT(server.port(), 0);
  const auto stub = Health::NewStub(ChannelTo(server));
  for (const char* name : {"", "test.Slow", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"}) {
    HealthCheckRequest request;
    request.set_service(name);
    HealthCheckResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(stub->Check(&context, request, &response).ok()) << name;
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING) << name;
  }
}

TEST(Server, BothReflectionsListAndDescribeTheSameServices) {
  SlowService slow;
  ServerOptions options;
  options.services = {{&slow, "test.Slow"}};
  Server server(options);
  ASSERT_TRUE(server.Start().ok());
  for (const char* method : {kV1, kV1Alpha}) {
    Conversation conversation(ChannelTo(server), method);
    EXPECT_THAT(conversation.Services(),
                ElementsAre("grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                            "grpc.reflection.v1alpha.ServerReflection", "test.Slow"))
        << method;
    for (const char* described :
         {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
          "grpc.reflection.v1alpha.ServerReflection", "grpc.health.v1.Health.Watch"}) {
      EXPECT_GE(conversation.FilesFor(described), 1) << method << " " << described;
    }
    EXPECT_EQ(conversation.FilesFor("no.Such"), 0) << method;
    EXPECT_TRUE(conversation.End().ok()) << method;
  }
}

TEST(Server, DrainTellsHealthFirstAndEndsItsOwnStreams) {
  std::vector<std::string> order;
  ServerOptions options;
  options.on_drain = [&] { order.push_back("on_drain"); };
  Server server(options);
  ASSERT_TRUE(server.Start().ok());
  const auto channel = ChannelTo(server);
  const auto stub = Health::NewStub(channel);
  grpc::ClientContext context;
  const auto watch = stub->Watch(&context, HealthCheckRequest());
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  Conversation idle(channel, kV1);
  EXPECT_THAT(idle.Services(), Contains("grpc.health.v1.Health"));

  const absl::Time begin = absl::Now();
  server.Drain(60'000);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(30)) << "a stream held it up";
  EXPECT_THAT(order, ElementsAre("on_drain"));
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(idle.WaitForTheEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
  server.Drain(0);
}

TEST(Server, DrainWaitsForACallInFlight) {
  SlowService slow;
  ServerOptions options;
  options.services = {{&slow, "test.Slow"}};
  absl::Notification draining;
  options.on_drain = [&] { draining.Notify(); };
  Server server(options);
  ASSERT_TRUE(server.Start().ok());
  const auto channel = ChannelTo(server);
  grpc::Status status;
  HealthCheckResponse response;
  std::thread caller([&] { status = CallSlow(channel, &response); });
  slow.started.WaitForNotification();

  absl::Notification drained;
  std::thread drainer([&] {
    server.Drain(60'000);
    drained.Notify();
  });
  draining.WaitForNotification();
  EXPECT_FALSE(drained.WaitForNotificationWithTimeout(absl::Milliseconds(100)));
  slow.release.Notify();
  caller.join();
  drainer.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
}

TEST(Server, DrainCancelsWhatOutlivesTheDeadline) {
  SlowService slow;
  ServerOptions options;
  options.services = {{&slow, "test.Slow"}};
  Server server(options);
  ASSERT_TRUE(server.Start().ok());
  const auto channel = ChannelTo(server);
  grpc::Status status;
  HealthCheckResponse response;
  std::thread caller([&] {
    status = CallSlow(channel, &response);
    slow.release.Notify();  // the caller was not kept waiting for it
  });
  slow.started.WaitForNotification();
  server.Drain(50);
  caller.join();
  EXPECT_FALSE(status.ok());
}

TEST(Server, APortInUseIsAPreciseError) {
  Server first((ServerOptions()));
  ASSERT_TRUE(first.Start().ok());
  for (const char* host : {"127.0.0.1", "localhost", "0.0.0.0"}) {
    ServerOptions options;
    options.listen = {At(host, first.port())};
    Server second(options);
    const absl::Status status = second.Start();
    EXPECT_EQ(ErrorReason(status), "PORT_IN_USE") << status;
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(second.port(), 0);
    if (std::string(host) == "127.0.0.1") {
      EXPECT_EQ(status.message(), absl::StrCat("port ", first.port(), " on 127.0.0.1 is in use"));
    }
  }
  const int port = first.port();
  first.Drain(0);
  ServerOptions options;
  options.listen = {At("127.0.0.1", port)};
  Server next(options);
  EXPECT_TRUE(next.Start().ok()) << "a port is free as soon as its server has ended";
}

TEST(Server, RefusesAddressesThatAreNotHere) {
  ServerOptions options;
  options.listen = {At("192.0.2.1", 0)};  // kept for documentation: nobody has it
  const absl::Status status = Server(options).Start();
  EXPECT_EQ(ErrorReason(status), "ADDRESS_NOT_HERE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1"));
  options.listen.clear();
  EXPECT_EQ(ErrorReason(Server(options).Start()), "BAD_ADDRESS");
}

TEST(Server, ListensAtEachAddress) {
  ServerOptions options;
  options.listen = {At("127.0.0.1", 0), At("127.0.0.2", 0)};
  Server server(options);
  ASSERT_TRUE(server.Start().ok());
  ASSERT_EQ(server.ports().size(), 2u);
  for (int i = 0; i < 2; ++i) {
    const auto stub = Health::NewStub(grpc::CreateChannel(
        absl::StrCat(options.listen[i].host, ":", server.ports()[i]), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    HealthCheckResponse response;
    EXPECT_TRUE(stub->Check(&context, HealthCheckRequest(), &response).ok()) << i;
  }
}

TEST(Server, RefusesMessagesOverTheLimit) {
  ServerOptions options;
  options.message_bytes_max = 1000;
  Server server(options);
  ASSERT_TRUE(server.Start().ok());
  HealthCheckRequest request;
  request.set_service(std::string(2000, 'x'));
  HealthCheckResponse response;
  grpc::ClientContext context;
  EXPECT_EQ(Health::NewStub(ChannelTo(server))->Check(&context, request, &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(Server, CanStartNotServing) {
  ServerOptions options;
  options.initial_state = ServingState::kNotServing;
  Server server(options);
  ASSERT_TRUE(server.Start().ok());
  const auto stub = Health::NewStub(ChannelTo(server));
  const auto state = [&] {
    grpc::ClientContext context;
    HealthCheckResponse response;
    EXPECT_TRUE(stub->Check(&context, HealthCheckRequest(), &response).ok());
    return response.status();
  };
  EXPECT_EQ(state(), HealthCheckResponse::NOT_SERVING);
  server.health().Set("", ServingState::kServing);
  EXPECT_EQ(state(), HealthCheckResponse::SERVING);
}

}  // namespace
}  // namespace lamppost
