#include "services/kv/metrics/node_families.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/metrics/families_text.h"

namespace lamppost::kv {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class NodeFamiliesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    status()->set_node_id("A");
    status()->set_incarnation(1);
    AddPeer("B", "http://10.0.0.2:8001", v1::PEER_STATE_LIVE)->set_last_answer_ms(1500);
    AddPeer("", "http://10.0.0.3:8002", v1::PEER_STATE_DOWN);
    replica_.peers[0].lag_entries = 7;
    replica_.peers[0].lag_ms = 2500;
    replica_.peers[1].lag_ms = 60'000;
  }

  v1::StatusResponse* status() { return &replica_.status; }
  v1::PeerStatus* AddPeer(const std::string& id, const std::string& address, v1::PeerState state) {
    v1::PeerStatus* const peer = status()->add_peers();
    peer->set_node_id(id);
    peer->set_address(address);
    peer->set_state(state);
    replica_.peers.push_back({});
    return peer;
  }
  void AddHead(const std::string& node, uint64_t incarnation, uint64_t counter) {
    auto* const head = status()->add_heads();
    head->mutable_origin()->set_node_id(node);
    head->mutable_origin()->set_incarnation(incarnation);
    head->set_counter(counter);
  }
  std::string Text() const { return TextOf(NodeFamilies(&replica_, server_)); }

  ReplicaFacts replica_;
  ServerFacts server_;
};

TEST_F(NodeFamiliesTest, APeersLagIsToldInEntriesCountersAndSeconds) {
  status()->mutable_peers(0)->set_lag(99);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("lamppost_kv_peer_lag_entries{peer=\"B\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_peer_lag_counters{peer=\"B\"} 99\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_peer_lag_seconds{peer=\"B\"} 2.5\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_peer_last_answer_seconds{peer=\"B\"} 1.5\n"));
}

TEST_F(NodeFamiliesTest, OfAPeerThatHasNeverAnsweredOnlyTheTimeIsKnown) {
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("lamppost_kv_peer_lag_seconds{peer=\"http://10.0.0.3:8002\"} 60\n"));
  for (const char* name : {"peer_lag_entries", "peer_lag_counters", "peer_last_answer_seconds"}) {
    EXPECT_THAT(text, Not(HasSubstr(std::string("lamppost_kv_") + name + "{peer=\"http://10.0.0.3:8002\"}")));
  }
}

TEST_F(NodeFamiliesTest, OneStateOfEachIsOne) {
  std::string text = Text();
  EXPECT_THAT(text, HasSubstr("lamppost_kv_peer_state{peer=\"B\",state=\"live\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_peer_state{peer=\"B\",state=\"down\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_peer_state{peer=\"http://10.0.0.3:8002\",state=\"down\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_state{state=\"serving\"} 1\n"));
  status()->set_refilling(true);
  EXPECT_THAT(Text(), HasSubstr("lamppost_kv_state{state=\"refilling\"} 1\n"));
  status()->set_incarnation(0);
  EXPECT_THAT(Text(), HasSubstr("lamppost_kv_state{state=\"deciding\"} 1\n"));
  status()->set_removed(true);
  text = Text();
  EXPECT_THAT(text, HasSubstr("lamppost_kv_state{state=\"removed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_state{state=\"serving\"} 0\n"));
}

TEST_F(NodeFamiliesTest, OfEachNodeTheNewestLifesHeadIsShownAndNotOfAnyNumber) {
  AddHead("A", 2, 10);
  AddHead("A", 1, 500);
  AddHead("B", 1, 20);
  std::string text = Text();
  EXPECT_THAT(text, HasSubstr("lamppost_kv_head{node=\"A\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_head{node=\"B\"} 20\n"));
  for (int i = 0; i < 100; ++i) AddHead("N" + std::to_string(i), 1, 1);
  text = Text();
  size_t shown = 0;
  for (size_t at = 0; (at = text.find("lamppost_kv_head{", at)) != std::string::npos; ++at) ++shown;
  EXPECT_EQ(shown, 64u);
}

TEST_F(NodeFamiliesTest, WhoHoldsUpStabilityIsNamed) {
  replica_.max_write = 100;
  status()->set_stable(40);
  status()->add_stable_held_by()->set_node_id("C");
  status()->add_stable_held_by()->set_address("http://10.0.0.3:8002");
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("lamppost_kv_stable_held_up_by{node=\"C\"} 60\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_stable_held_up_by{node=\"http://10.0.0.3:8002\"} 60\n"));
  // An idle cluster's stable counter goes beyond the latest write.
  status()->set_stable(150);
  EXPECT_THAT(Text(), HasSubstr("lamppost_kv_stable_held_up_by{node=\"C\"} 0\n"));
}

TEST_F(NodeFamiliesTest, TwoPeersOfOneNameDoNotSpoilTheRest) {
  AddPeer("B", "http://10.0.0.9:8001", v1::PEER_STATE_DOWN);
  const std::string text = Text();
  const std::string series = "lamppost_kv_peer_lag_seconds{peer=\"B\"}";
  EXPECT_EQ(text.find(series), text.rfind(series));
}

TEST_F(NodeFamiliesTest, WithoutTheDriverTheRestIsTold) {
  server_.queued_writes = 3;
  const std::string text = TextOf(NodeFamilies(nullptr, server_));
  EXPECT_THAT(text, HasSubstr("lamppost_driver_up 0\n"));
  EXPECT_THAT(text, HasSubstr("lamppost_kv_queued_writes 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("lamppost_kv_keys")));
  EXPECT_THAT(Text(), HasSubstr("lamppost_driver_up 1\n"));
}

TEST_F(NodeFamiliesTest, EachFamilyHasItsOwnNameAndAHelpText) {
  std::set<std::string> names;
  for (const prometheus::MetricFamily& family : NodeFamilies(&replica_, server_)) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_THAT(family.help, testing::EndsWith(".")) << family.name;
    const bool is_counter = family.type == prometheus::MetricType::Counter;
    EXPECT_EQ(is_counter, family.name.rfind("_total") == family.name.size() - 6) << family.name;
  }
}

}  // namespace
}  // namespace lamppost::kv
