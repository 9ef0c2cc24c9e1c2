#include "clients/cli/status_format.h"

#include <gtest/gtest.h>

#include "clients/cli/json_format.h"

namespace lamppost::cli {
namespace {

constexpr uint64_t kLifeTwo = (uint64_t{2} << 32) + 1;

kv::v1::StatusResponse Example() {
  kv::v1::StatusResponse status;
  status.mutable_clock()->set_counter(120);
  status.set_node_id("A");
  status.set_incarnation(kLifeTwo);
  status.set_cluster("lamppost");
  status.set_version("0.1.0");
  clock::v1::Head* head = status.add_heads();
  head->mutable_origin()->set_node_id("A");
  head->mutable_origin()->set_incarnation(kLifeTwo);
  head->set_counter(119);
  status.set_keys(3);
  status.set_tombstones(1);
  status.set_content_hash("0123456789abcdef0123456789abcdef");
  status.set_stable(100);
  status.set_horizon(90);
  kv::v1::StableHold* hold = status.add_stable_held_by();
  hold->set_node_id("B");
  hold->set_address("http://h:2");
  hold->set_detail("has A.2 up to 100 only");
  status.set_conflicts(2);
  status.set_ledger_entries(3);
  status.set_ledger_open(2);
  status.set_ledger_dropped(5);
  status.set_durability("sync");
  status.set_uptime_ms(61'000);
  kv::v1::PeerStatus* peer = status.add_peers();
  peer->set_node_id("B");
  peer->set_address("http://h:2");
  peer->set_state(kv::v1::PEER_STATE_CATCHING_UP);
  peer->set_lag(19);
  peer->set_last_answer_ms(40);
  peer = status.add_peers();
  peer->set_address("http://h:3");
  peer->set_state(kv::v1::PEER_STATE_DOWN);
  peer->set_detail("refused\n");
  return status;
}

TEST(StatusFormatTest, OneNode) {
  EXPECT_EQ(FormatStatus(Example(), "h:1", Colour::kOff),
            "node        A at h:1\n"
            "life        A.2\n"
            "clock       120\n"
            "heads       A.2=119\n"
            "keys        3\n"
            "tombstones  1\n"
            "hash        0123456789abcdef0123456789abcdef\n"
            "stable      100\n"
            "held up by  B: has A.2 up to 100 only\n"
            "horizon     90\n"
            "conflicts   3, 2 open, 5 older ones left out\n"
            "converged   no\n"
            "durability  sync\n"
            "cluster     lamppost\n"
            "version     0.1.0\n"
            "up          1m1s\n"
            "\n"
            "PEER  STATE        LAG  ANSWERED  HASH  ADDRESS     DETAIL\n"
            "B     catching_up  19   40ms ago  ?     http://h:2\n"
            "?     down         0    never     ?     http://h:3  refused\\n\n");
}

TEST(StatusFormatTest, RefusedWritesAreShown) {
  kv::v1::StatusResponse status = Example();
  status.set_write_refusal("STORAGE_FAILED");
  EXPECT_NE(FormatStatus(status, "h:1", Colour::kOff).find("writes      refused: STORAGE_FAILED\n"),
            std::string::npos);
}

TEST(StatusFormatTest, LostAndDifferentDataIsShown) {
  kv::v1::StatusResponse status = Example();
  status.set_refilling(true);
  status.mutable_peers(0)->set_divergent_buckets(3);
  const std::string text = FormatStatus(status, "h:1", Colour::kOff);
  EXPECT_NE(text.find("reads       refused: part of the data is lost"), std::string::npos) << text;
  EXPECT_NE(text.find("3 of 64 buckets differ"), std::string::npos) << text;
}

TEST(StatusFormatTest, FaultsAreShownWhileThereAreSome) {
  kv::v1::StatusResponse status = Example();
  status.set_link_faults(1);
  EXPECT_NE(FormatStatus(status, "h:1", Colour::kOff)
                .find("faults      in force on 1 link: see lamppost fault list\nconverged   no\n"),
            std::string::npos);
  status.set_link_faults(2);
  EXPECT_NE(FormatStatus(status, "h:1", Colour::kOff).find("in force on 2 links:"), std::string::npos);
  EXPECT_EQ(StatusJson(status, "h:1")["link_faults"], 2);
}

TEST(StatusFormatTest, SeveralNodes) {
  std::vector<NodeStatus> nodes(2);
  nodes[0].address = "h:1";
  nodes[0].result.response = Example();
  nodes[1].address = "h:2";
  nodes[1].result.status = absl::UnavailableError("h:2 cannot be reached");
  EXPECT_EQ(FormatStatuses(nodes, Colour::kOff),
            "NODE  LIFE  CLOCK  KEYS  TOMBSTONES  HASH                              STABLE  LIVE PEERS  "
            "CONVERGED  ADDRESS\n"
            "A     2     120    3     1           0123456789abcdef0123456789abcdef  100     0 of 2      "
            "no         h:1\n"
            "?     -     -      -     -           -                                 -       -           "
            "no answer  h:2\n"
            "h:2: h:2 cannot be reached\n");
}

TEST(StatusFormatTest, Json) {
  EXPECT_EQ(
      Line(StatusJson(Example(), "h:1")),
      R"({"node_id":"A","incarnation":"8589934593","clock":120,)"
      R"("heads":[{"node_id":"A","incarnation":"8589934593","counter":119}],"keys":3,"tombstones":1,)"
      R"("content_hash":"0123456789abcdef0123456789abcdef","stable":100,"peers":[)"
      R"({"node_id":"B","address":"http://h:2","state":"catching_up","heads":[],"lag":19,"detail":"",)"
      R"("incarnation":"0","content_hash":"","last_answer_ms":40,"catch_up_bytes_sent":0,"full_syncs_sent":0,"divergent_buckets":0,"repaired_buckets":0},)"
      R"({"node_id":"","address":"http://h:3","state":"down","heads":[],"lag":0,"detail":"refused\n",)"
      R"("incarnation":"0","content_hash":"","last_answer_ms":null,"catch_up_bytes_sent":0,"full_syncs_sent":0,"divergent_buckets":0,"repaired_buckets":0}],"converged":false,"conflicts":2,"ledger_entries":3,"ledger_open":2,"ledger_dropped":5,)"
      R"("cluster":"lamppost","version":"0.1.0","durability":"sync","uptime_ms":61000,"write_refusal":"",)"
      R"("removed":false,"horizon":90,"stable_held_by":[)"
      R"({"node_id":"B","address":"http://h:2","detail":"has A.2 up to 100 only"}],"refilling":false,"link_faults":0,)"
      R"("address":"h:1"})");
}

TEST(StatusFormatTest, EveryStateHasItsName) {
  EXPECT_EQ(PeerStateName(kv::v1::PEER_STATE_DOWN), "down");
  EXPECT_EQ(PeerStateName(kv::v1::PEER_STATE_PROBING), "probing");
  EXPECT_EQ(PeerStateName(kv::v1::PEER_STATE_LIVE), "live");
  EXPECT_EQ(PeerStateName(kv::v1::PEER_STATE_CATCHING_UP), "catching_up");
  EXPECT_EQ(PeerStateName(kv::v1::PEER_STATE_REFUSED), "refused");
  EXPECT_EQ(PeerStateName(static_cast<kv::v1::PeerState>(99)), "state_99");
}

}  // namespace
}  // namespace lamppost::cli
