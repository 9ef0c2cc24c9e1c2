// What becomes of messages on links that are cut, slow or lossy, and of several of that at once.
#include "tests/sim/network.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace lamppost::sim {
namespace {

constexpr uint64_t kLatencyMs = 1;
constexpr uint64_t kSlowMs = 200;

// Takes everything in, and knows when.
class Receiver : public Endpoint {
 public:
  explicit Receiver(const Scheduler* scheduler) : scheduler_(scheduler) {}

  bool Listens() const override { return true; }
  bool Accepts() const override { return true; }
  void OnConnected(NodeIndex, kv::LinkId link) override { link_ = link; }
  void OnNotConnected(NodeIndex) override {}
  void OnLinkDown(NodeIndex, kv::LinkId) override { link_ = 0; }
  void OnInboundDown(kv::LinkId) override {}
  void OnPacket(Packet packet) override {
    counters_.push_back(packet.clock().counter);
    latest_ms_ = scheduler_->now_ms();
  }

  kv::LinkId link() const { return link_; }  // that it has opened; 0: none
  const std::vector<uint64_t>& counters() const { return counters_; }
  uint64_t latest_ms() const { return latest_ms_; }

 private:
  const Scheduler* const scheduler_;
  kv::LinkId link_ = 0;
  std::vector<uint64_t> counters_;
  uint64_t latest_ms_ = 0;
};

class Mishaps : public Observer {
 public:
  void OnMishap(const Packet&, const Mishap& mishap) override { all_.push_back(mishap); }
  size_t Count(Mishap::Kind kind, Mishap::Cause cause) const {
    size_t count = 0;
    for (const Mishap& mishap : all_) count += mishap.kind == kind && mishap.cause == cause ? 1 : 0;
    return count;
  }
  const std::vector<Mishap>& all() const { return all_; }

 private:
  std::vector<Mishap> all_;
};

class NetworkTest : public ::testing::TestWithParam<Carriage> {
 protected:
  void SetUp() override { Begin(GetParam(), 1); }

  void Begin(Carriage carriage, uint64_t seed) {
    plan_.seed = seed;
    plan_.nodes = 2;
    plan_.carriage = carriage;
    plan_.latency_min_us = plan_.latency_max_us = kLatencyMs * 1000;
    mishaps_ = Mishaps();
    scheduler_ = std::make_unique<Scheduler>();
    network_ = std::make_unique<Network>(plan_, Random(seed), scheduler_.get(), &tally_, &mishaps_);
    a_ = std::make_unique<Receiver>(scheduler_.get());
    b_ = std::make_unique<Receiver>(scheduler_.get());
    network_->Attach({a_.get(), b_.get()});
    next_ = 1;
    Connect();
  }
  void Connect() {
    network_->Connect(0, 1);
    Pass(10);
  }
  void Pass(uint64_t ms) { scheduler_->RunUntil(scheduler_->now_us() + ms * 1000); }
  void Send() {
    kv::SyncMessage message;
    message.clock.counter = next_++;
    network_->Send({0, 1, a_->link(), message});
  }
  // How long the next message takes.
  uint64_t TakesMs() {
    const uint64_t sent_ms = scheduler_->now_ms();
    const size_t before = b_->counters().size();
    Send();
    Pass(1000);
    return b_->counters().size() == before ? UINT64_MAX : b_->latest_ms() - sent_ms;
  }
  bool IsStream() const { return plan_.carriage == Carriage::kStream; }

  Plan plan_;
  Tally tally_;
  Mishaps mishaps_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Receiver> a_;
  std::unique_ptr<Receiver> b_;
  uint64_t next_ = 1;
};

using Kind = Mishap::Kind;
using Cause = Mishap::Cause;

TEST_P(NetworkTest, ALinkWithoutFaultsCarriesEverythingInOrder) {
  for (int i = 0; i < 5; ++i) Send();
  Pass(10);
  EXPECT_EQ(b_->counters(), (std::vector<uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_TRUE(mishaps_.all().empty());
}

TEST_P(NetworkTest, ASlowLinkThatIsCutAndMendedIsSlowAgain) {
  network_->Slow(0, 1, kSlowMs);
  EXPECT_GE(TakesMs(), kSlowMs / 2);
  network_->Cut(0, 1);
  Pass(10);
  network_->Mend(0, 1);
  const uint64_t slow_ms = TakesMs();
  EXPECT_GE(slow_ms, kSlowMs / 2);
  EXPECT_LE(slow_ms, 2 * kSlowMs);
  network_->Slow(0, 1, 0);
  EXPECT_EQ(TakesMs(), kLatencyMs);
  EXPECT_EQ(mishaps_.Count(Kind::kDelayed, Cause::kLinkFault), 2u);
}

TEST_P(NetworkTest, ACutThatIsSlowedStaysACut) {
  network_->Cut(0, 1);
  network_->Slow(0, 1, kSlowMs);
  network_->Slow(0, 1, 0);
  EXPECT_EQ(TakesMs(), UINT64_MAX);
}

TEST_P(NetworkTest, WhatMeetsACutWaitsInAStreamAndIsLostAsADatagram) {
  Send();  // it is on its way when the cut comes
  network_->Cut(0, 1);
  Send();
  Pass(50);
  EXPECT_TRUE(b_->counters().empty());
  network_->Mend(0, 1);
  Pass(50);
  if (IsStream()) {
    EXPECT_EQ(b_->counters(), (std::vector<uint64_t>{1, 2}));
    EXPECT_EQ(mishaps_.Count(Kind::kDelayed, Cause::kCut), 2u);
    EXPECT_EQ(mishaps_.all().front().delay_ms, 50 - kLatencyMs);
  } else {
    EXPECT_TRUE(b_->counters().empty());
    EXPECT_EQ(mishaps_.Count(Kind::kLost, Cause::kCut), 2u);
  }
}

TEST_P(NetworkTest, ALinkThatStaysCutIsGivenUpWithWhatWaits) {
  network_->Cut(0, 1);
  Send();
  Pass(Network::kKeepaliveMs + 1);
  EXPECT_EQ(a_->link(), 0u);
  EXPECT_EQ(mishaps_.Count(Kind::kLost, IsStream() ? Cause::kLinkGone : Cause::kCut), 1u);
}

TEST_P(NetworkTest, ACutOfOneDirectionLetsTheOtherPass) {
  network_->Cut(1, 0);
  EXPECT_EQ(TakesMs(), kLatencyMs);
}

TEST_P(NetworkTest, ALossyLinkLosesAMessageOrBreaks) {
  kv::LinkFault chances;
  chances.drop = 1;
  network_->Spoil(0, 1, chances);
  EXPECT_EQ(TakesMs(), UINT64_MAX);
  EXPECT_EQ(mishaps_.Count(Kind::kLost, Cause::kLinkFault), 1u);
  EXPECT_EQ(a_->link() == 0, IsStream());
  network_->Spoil(0, 1, {});
  Connect();
  EXPECT_EQ(TakesMs(), kLatencyMs);
}

TEST_P(NetworkTest, ADatagramIsDoubledAndOvertakenWhereAStreamKeepsItsOrder) {
  kv::LinkFault chances;
  chances.duplicate = chances.reorder = 1;
  network_->Spoil(0, 1, chances);
  std::vector<uint64_t> in_order;
  for (uint64_t i = 1; i <= 20; ++i) {
    in_order.push_back(i);
    Send();
  }
  Pass(1000);
  if (IsStream()) {
    EXPECT_EQ(b_->counters(), in_order);
    EXPECT_TRUE(mishaps_.all().empty());
  } else {
    EXPECT_EQ(b_->counters().size(), 40u);
    EXPECT_FALSE(std::is_sorted(b_->counters().begin(), b_->counters().end()));
    EXPECT_EQ(mishaps_.Count(Kind::kDoubled, Cause::kLinkFault), 20u);
  }
}

TEST_P(NetworkTest, HealingEndsEverything) {
  kv::LinkFault chances;
  chances.drop = chances.duplicate = chances.reorder = 1;
  network_->Cut(0, 1);
  network_->Slow(0, 1, kSlowMs);
  network_->Spoil(0, 1, chances);
  Send();
  Pass(10);
  network_->Heal();
  Pass(10);
  EXPECT_EQ(b_->counters().size(), IsStream() ? 1u : 0u);
  EXPECT_EQ(TakesMs(), kLatencyMs);
}

TEST_P(NetworkTest, TheSameSeedLosesTheSameMessages) {
  kv::LinkFault chances;
  chances.drop = 0.3;
  std::vector<std::vector<uint64_t>> arrived;
  for (const uint64_t seed : {7, 7, 8}) {
    Begin(Carriage::kDatagram, seed);
    network_->Spoil(0, 1, chances);
    for (int i = 0; i < 200; ++i) Send();
    Pass(100);
    arrived.push_back(b_->counters());
    EXPECT_GT(arrived.back().size(), 110u);
    EXPECT_LT(arrived.back().size(), 170u);
  }
  EXPECT_EQ(arrived[0], arrived[1]);
  EXPECT_NE(arrived[0], arrived[2]);
}

INSTANTIATE_TEST_SUITE_P(Carriages, NetworkTest, ::testing::Values(Carriage::kStream, Carriage::kDatagram),
                         [](const ::testing::TestParamInfo<Carriage>& carriage) {
                           return carriage.param == Carriage::kStream ? "Stream" : "Datagram";
                         });

}  // namespace
}  // namespace lamppost::sim
