// Faults on demand, as a client asks for them and meets them.
#include "services/rpc/server/fault_service.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "services/rpc/server/testing/service_fixture.h"

namespace lamppost::rpc {
namespace {

using testing::Answer;
using testing::Request;

class FaultServiceTest : public testing::ServiceFixture {
 protected:
  Answer Add(v1::FaultKind kind, const std::string& method, uint32_t times, uint64_t delay_ms = 0,
             double probability = 0) {
    v1::AddFaultRequest request;
    request.mutable_fault()->set_kind(kind);
    request.mutable_fault()->set_method(method);
    request.mutable_fault()->set_times(times);
    request.mutable_fault()->set_delay_ms(delay_ms);
    request.mutable_fault()->set_probability(probability);
    grpc::ClientContext context;
    v1::AddFaultResponse response;
    const grpc::Status status = fault_stub_->AddFault(&context, request, &response);
    if (status.ok()) EXPECT_GT(response.clock().counter(), 0u);
    return Answer(status, context);
  }
};

TEST_F(FaultServiceTest, ListsAndClearsWhatWasAdded) {
  ASSERT_TRUE(Add(v1::FAULT_KIND_DELAY, "echo", 0, 30, 0.5).status.ok());
  ASSERT_TRUE(Add(v1::FAULT_KIND_CRASH, "", 2).status.ok());
  grpc::ClientContext list_context;
  v1::ListFaultsResponse list;
  ASSERT_TRUE(fault_stub_->ListFaults(&list_context, v1::ListFaultsRequest(), &list).ok());
  ASSERT_EQ(list.faults_size(), 2);
  EXPECT_EQ(list.faults(0).kind(), v1::FAULT_KIND_DELAY);
  EXPECT_EQ(list.faults(0).method(), "echo");
  EXPECT_EQ(list.faults(0).delay_ms(), 30u);
  EXPECT_EQ(list.faults(0).probability(), 0.5);
  EXPECT_EQ(list.faults(1).times(), 2u);
  EXPECT_EQ(list.faults(1).probability(), 1);
  grpc::ClientContext clear_context;
  v1::ClearFaultsResponse cleared;
  ASSERT_TRUE(fault_stub_->ClearFaults(&clear_context, v1::ClearFaultsRequest(), &cleared).ok());
  EXPECT_EQ(cleared.cleared(), 2u);
  EXPECT_TRUE(faults_->List()->empty());
}

TEST_F(FaultServiceTest, AFaultOfNoKindIsRefused) {
  const Answer answer = Add(v1::FAULT_KIND_UNSPECIFIED, "", 0);
  EXPECT_EQ(answer.reason, "FAULT_INVALID");
  EXPECT_TRUE(answer.trailer.has_value());
}

TEST_F(FaultServiceTest, FailBeforeDoesNothingAndSaysSo) {
  ASSERT_TRUE(Add(v1::FAULT_KIND_FAIL_BEFORE, "echo", 1).status.ok());
  const Answer failed = Call(Request(1, "echo"));
  EXPECT_EQ(failed.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(failed.reason, "FAULT_INJECTED");
  EXPECT_TRUE(failed.retry_delay_ms.has_value());
  EXPECT_TRUE(failed.trailer.has_value());
  EXPECT_EQ(store_.created(), 0);
  const Answer retried = Call(Request(1, "echo"));
  EXPECT_TRUE(retried.status.ok());
  EXPECT_FALSE(retried.response.replayed());
}

TEST_F(FaultServiceTest, ALostReplyLooksLikeABrokenConnectionAndTheRetryIsReplayed) {
  ASSERT_TRUE(Add(v1::FAULT_KIND_LOSE_REPLY, "echo", 1).status.ok());
  const Answer lost = Call(Request(1, "echo"));
  EXPECT_EQ(lost.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(lost.status.error_details(), "");
  EXPECT_EQ(lost.reason, "");
  const Answer retried = Call(Request(1, "echo"));
  ASSERT_TRUE(retried.status.ok());
  EXPECT_TRUE(retried.response.replayed());
  EXPECT_EQ(store_.Snapshot().records().size(), 1u);
}

TEST_F(FaultServiceTest, AStreamLosesItsOutcomeToo) {
  ASSERT_TRUE(Add(v1::FAULT_KIND_LOSE_REPLY, "", 1).status.ok());
  grpc::ClientContext context;
  const auto stream = stub_->CallStream(&context, testing::StreamRequest(1, "held"));
  const auto run = functions_.held->Next();
  v1::CallStreamResponse message;
  run.Progress(0.5, "half");
  ASSERT_TRUE(stream->Read(&message));
  run.Finish(1);
  EXPECT_FALSE(stream->Read(&message));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_details(), "");
}

TEST_F(FaultServiceTest, ADelayHoldsTheCallNotTheServer) {
  ASSERT_TRUE(Add(v1::FAULT_KIND_DELAY, "held", 1, kFaultDelayMsMax).status.ok());
  grpc::ClientContext context;
  std::thread held([&] {
    v1::CallResponse response;
    EXPECT_EQ(stub_->Call(&context, Request(1, "held"), &response).error_code(), grpc::StatusCode::CANCELLED);
  });
  const absl::Time give_up = absl::Now() + testing::kPatience;
  while (!faults_->List()->empty() && absl::Now() < give_up) std::this_thread::yield();
  ASSERT_TRUE(Add(v1::FAULT_KIND_DELAY, "echo", 1, 20).status.ok());
  const absl::Time start = absl::Now();
  EXPECT_TRUE(Call(Request(2, "echo")).status.ok());
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(20));
  EXPECT_EQ(Get(1).reason, "REQUEST_ID_UNKNOWN");
  context.TryCancel();
  held.join();
}

TEST_F(FaultServiceTest, ACrashStrikesOnceTheRunHasStarted) {
  ASSERT_TRUE(Call(Request(1, "echo")).status.ok());
  ASSERT_TRUE(Add(v1::FAULT_KIND_CRASH, "echo", 0, 50).status.ok());
  EXPECT_TRUE(Call(Request(1, "echo")).response.replayed());  // no run starts
  {
    absl::MutexLock lock(&mutex_);
    EXPECT_TRUE(crashes_.empty());
  }
  ASSERT_TRUE(Call(Request(2, "echo")).status.ok());
  absl::MutexLock lock(&mutex_);
  EXPECT_EQ(crashes_, std::vector<uint64_t>{50});
}

}  // namespace
}  // namespace lamppost::rpc
