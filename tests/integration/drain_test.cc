// SIGTERM: the node says that it goes, finishes what is under way, and ends with 0.
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

ClusterOptions One() {
  ClusterOptions options;
  options.ids = {"A"};
  return options;
}

TEST(Drain, WatchersOfTheHealthServiceAreToldThatItGoes) {
  Cluster cluster(One());
  ASSERT_OK(cluster.StartAll());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  const std::shared_ptr<grpc::ChannelInterface> channel = cluster.client("A")->channel();
  const auto stub = Health::NewStub(channel);
  const auto watch = stub->Watch(&context, HealthCheckRequest());
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  cluster.node("A")->process()->Signal(SIGTERM);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  const auto code = cluster.node("A")->process()->Wait(absl::Seconds(20));
  ASSERT_OK(code.status());
  EXPECT_EQ(*code, 0);
}

// Each write is either acknowledged, and then there, or refused: none ends in silence.
TEST(Drain, WritesUnderWayAreFinished) {
  Cluster cluster(One());
  ASSERT_OK(cluster.StartAll());
  std::atomic<int> acknowledged{0};
  std::vector<std::thread> writers;
  std::vector<int> last(8, -1);
  for (int w = 0; w < 8; ++w) {
    writers.emplace_back([&, w] {
      KvClient client(cluster.node("A")->address());
      for (int i = 0;; ++i) {
        const absl::Status status = client.Put(absl::StrCat("w", w, "-", i), "v").status();
        if (status.ok()) {
          last[static_cast<size_t>(w)] = i;
          ++acknowledged;
          continue;
        }
        // gRPC itself cancels calls that it has not yet handed to the service.
        EXPECT_TRUE(status.code() == absl::StatusCode::kUnavailable ||
                    status.code() == absl::StatusCode::kCancelled)
            << status;
        return;
      }
    });
  }
  EXPECT_OK(WaitFor("writes", absl::Seconds(20), [&] { return acknowledged > 500; }));
  const auto code = cluster.node("A")->Stop();
  for (std::thread& writer : writers) writer.join();
  ASSERT_OK(code.status());
  EXPECT_EQ(*code, 0);
  ASSERT_OK(cluster.node("A")->Start());
  for (size_t w = 0; w < last.size(); ++w) {
    for (int i = 0; i <= last[w]; ++i) {
      ASSERT_TRUE(cluster.client("A")->Text(absl::StrCat("w", w, "-", i))) << w << " " << i;
    }
  }
}

TEST(Drain, APeerThatHangsDoesNotHoldItUp) {
  Cluster cluster({});
  ASSERT_OK(cluster.StartAll());
  cluster.node("B")->Pause();
  const auto code = cluster.node("A")->Stop(absl::Seconds(10));
  ASSERT_OK(code.status());
  EXPECT_EQ(*code, 0);
  cluster.node("B")->Resume();
}

TEST(Drain, SigintDoesTheSame) {
  Cluster cluster(One());
  ASSERT_OK(cluster.StartAll());
  cluster.node("A")->process()->Signal(SIGINT);
  const auto code = cluster.node("A")->process()->Wait(absl::Seconds(10));
  ASSERT_OK(code.status());
  EXPECT_EQ(*code, 0);
}

}  // namespace
}  // namespace lamppost::testing
