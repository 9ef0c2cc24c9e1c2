#include "services/common/metrics/metrics_server.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/error.h"
#include "services/common/metrics/families.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/scrape.h"

namespace lamppost {
namespace {

using ::testing::HasSubstr;
using testing::HttpGet;
using ::testing::Not;
using testing::Scrape;

class Answers : public prometheus::Collectable {
 public:
  MetricFamilies Collect() const override {
    MetricFamilies families;
    AddGauge(&families, "lamppost_answer", "To everything.", 42);
    return families;
  }
};

Address Loopback(int port, const std::string& host = "127.0.0.1") {
  return {AddressScheme::kNone, host, port};
}

std::unique_ptr<MetricsServer> StartServer(const Address& address = Loopback(0)) {
  auto server = MetricsServer::Start(address, {std::make_shared<Answers>()});
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

TEST(MetricsServerTest, WhatIsCollectedIsServed) {
  const auto server = StartServer();
  ASSERT_GT(server->port(), 0);
  const auto metrics = Scrape(server->port());
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  EXPECT_EQ((*metrics)["lamppost_answer"], 42);
  EXPECT_EQ(metrics->types.at("lamppost_answer"), "gauge");
  EXPECT_EQ(metrics->helps.at("lamppost_answer"), "To everything.");
}

TEST(MetricsServerTest, NothingElseIsServed) {
  const auto server = StartServer();
  for (const char* path : {"/", "/etc/passwd", "/../etc/passwd", "//"}) {
    const auto answer = HttpGet(server->port(), path);
    ASSERT_TRUE(answer.ok()) << path << ": " << answer.status();
    EXPECT_GE(answer->code, 400) << path;
    EXPECT_THAT(answer->body, Not(HasSubstr("root"))) << path;
  }
}

TEST(MetricsServerTest, APortThatIsTakenIsNamed) {
  const auto first = StartServer();
  const auto second = MetricsServer::Start(Loopback(first->port()), {});
  EXPECT_EQ(ErrorReason(second.status()), "PORT_IN_USE") << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(std::to_string(first->port())));
  const auto nowhere = MetricsServer::Start(Loopback(0, "203.0.113.7"), {});
  EXPECT_EQ(ErrorReason(nowhere.status()), "ADDRESS_NOT_HERE") << nowhere.status();
}

TEST(MetricsServerTest, ThoseWhoSayNothingDoNotHoldItUpForLong) {
  const auto server = StartServer();
  std::vector<int> silent;
  for (int i = 0; i < 2; ++i) silent.push_back(testing::ConnectToLoopback(server->port()));
  EXPECT_TRUE(Scrape(server->port()).ok());
  for (const int connection : silent) close(connection);
}

TEST(MetricsServerTest, ItsPortIsFreeOnceItIsGone) {
  auto first = StartServer();
  const int port = first->port();
  EXPECT_TRUE(Scrape(port).ok());
  const absl::Time began = absl::Now();
  first.reset();
  EXPECT_LT(absl::Now() - began, absl::Seconds(1)) << "nobody waits for it to notice";
  EXPECT_EQ(StartServer(Loopback(port))->port(), port);
}

}  // namespace
}  // namespace lamppost
