// Nodes that are restarted one after the other, in good order: a client of all three notices nothing, no
// acknowledged write is lost, and each node gets what it missed and no more.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cpp/client.h"
#include "gtest/gtest.h"
#include "services/common/listen_address.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

// What is there before: so much that sending all of it again would not pass for what was missed.
constexpr int kOldKeys = 20'000;
const std::string kOldText(200, 'v');
constexpr uint64_t kMissedBytesMax = kOldKeys * 200 / 4;

// Puts and reads back one key after the other, and deletes some again, by the client library, preferring one
// of the nodes.
class User {
 public:
  User(int number, std::vector<Address> nodes) : number_(number), thread_([this, nodes] { Run(nodes); }) {}
  ~User() { Join(); }

  void Join() {
    stopped_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int done() const { return done_; }
  std::string KeyOf(int i) const { return absl::StrCat("u", number_, "-", i); }
  // Every fifth is deleted again.
  static bool IsDeleted(int i) { return i % 5 == 0; }

 private:
  void Run(std::vector<Address> nodes) {
    client::ClientOptions options;
    options.nodes = std::move(nodes);
    client::Client client(options);
    while (!stopped_) {
      const auto put = client.Put(KeyOf(done_), client::TextValue("v"));
      ASSERT_TRUE(put.ok()) << put.status << " " << client::ToString(put.outcome) << " at " << put.node;
      const auto got = client.Get(KeyOf(done_));
      ASSERT_TRUE(got.ok()) << got.status << " at " << got.node;
      if (IsDeleted(done_)) {
        const auto deleted = client.Delete(KeyOf(done_));
        ASSERT_TRUE(deleted.ok()) << deleted.status << " at " << deleted.node;
      }
      ++done_;
    }
  }

  const int number_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> done_{0};
  std::thread thread_;
};

// Of each node's peers: what it had to make up for, since it started.
void ExpectOnlyWhatWasMissed(Cluster* cluster) {
  for (const std::string& id : cluster->ids()) {
    const auto status = cluster->client(id)->Status();
    ASSERT_OK(status.status());
    for (const kv::v1::PeerStatus& peer : status->peers()) {
      EXPECT_EQ(peer.full_syncs_sent(), 0u) << id << " to " << peer.node_id();
      EXPECT_LT(peer.catch_up_bytes_sent(), kMissedBytesMax) << id << " to " << peer.node_id();
    }
  }
}

TEST(RollingRestart, NoCallFailsAndNothingIsSentTwice) {
  Cluster cluster({});
  ASSERT_OK(cluster.StartAll());
  ASSERT_OK(cluster.client("A")->Fill("old", kOldKeys, kOldText));
  ASSERT_OK(cluster.WaitConverged());
  const std::vector<std::string> ids = cluster.ids();
  std::vector<std::unique_ptr<User>> users;
  for (int number = 0; number < 6; ++number) {
    std::vector<Address> nodes;
    for (size_t i = 0; i < ids.size(); ++i) {
      const std::string& id = ids[(i + static_cast<size_t>(number)) % ids.size()];
      nodes.push_back(ParseAddresses(cluster.node(id)->address()).value().at(0));
    }
    users.push_back(std::make_unique<User>(number, nodes));
  }
  for (int round = 0; round < 2; ++round) {
    for (const std::string& id : ids) {
      const int before = users[0]->done();
      ASSERT_OK(
          WaitFor("calls to be made", absl::Seconds(20), [&] { return users[0]->done() > before + 20; }));
      const auto code = cluster.node(id)->Stop();
      ASSERT_OK(code.status());
      EXPECT_EQ(*code, 0);
      ASSERT_OK(cluster.node(id)->Start());
      ASSERT_OK(cluster.WaitText(id, "old000000", kOldText, absl::Seconds(10)));
      if (round > 0) ExpectOnlyWhatWasMissed(&cluster);
    }
  }
  for (const auto& user : users) user->Join();
  ASSERT_OK(cluster.WaitConverged());
  for (const auto& user : users) {
    for (int i = 0; i < user->done(); ++i) {
      const std::string& id = ids[static_cast<size_t>(i) % ids.size()];
      const auto text = cluster.client(id)->Text(user->KeyOf(i));
      EXPECT_EQ(text.has_value(), !User::IsDeleted(i)) << user->KeyOf(i) << " at " << id;
    }
  }
  ExpectOnlyWhatWasMissed(&cluster);
  // Each restart was in order, with the others there: every node went on with its life.
  for (const std::string& id : ids) EXPECT_EQ(cluster.client(id)->Status()->incarnation() >> 32, 1u) << id;
}

}  // namespace
}  // namespace lamppost::testing
