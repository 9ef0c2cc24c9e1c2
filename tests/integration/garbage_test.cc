// Bytes on a node's port that are no gRPC: the node drops them and goes on serving.
#include <sys/socket.h>
#include <unistd.h>

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/integration/testing/cluster.h"
#include "tests/integration/testing/ports.h"
#include "tests/integration/testing/wait.h"

namespace lamppost::testing {
namespace {

std::string RandomBytes(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

constexpr char kHttp2Preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string HttpFrame(uint32_t length, char type, const std::string& payload) {
  std::string frame = {static_cast<char>(length >> 16),
                       static_cast<char>(length >> 8),
                       static_cast<char>(length),
                       type,
                       0,
                       0,
                       0,
                       0,
                       1};
  return frame + payload;
}

// Sends all of it; the node may hang up in the midst.
void SendBytes(int connection, const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<size_t>(count);
  }
}

class Garbage : public ::testing::Test {
 protected:
  void SetUp() override {
    ClusterOptions options;
    options.ids = {"A"};
    cluster_ = std::make_unique<Cluster>(options);
    ASSERT_OK(cluster_->StartAll());
    ASSERT_OK(cluster_->client("A")->Put("x", "10").status());
    hash_ = cluster_->client("A")->Status()->content_hash();
  }

  void ExpectServing() {
    ASSERT_TRUE(node()->process()->IsRunning());
    KvClient fresh(node()->address());
    EXPECT_EQ(fresh.Text("x"), "10");
    EXPECT_EQ(fresh.Status()->content_hash(), hash_);
    EXPECT_TRUE(fresh.IsServing());
  }

  Node* node() { return cluster_->node("A"); }

  std::unique_ptr<Cluster> cluster_;
  std::string hash_;
};

TEST_F(Garbage, StreamsOfAllKindsAreDropped) {
  const std::string tls_hello =
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + RandomBytes(508, 7);
  const std::vector<std::string> streams = {
      RandomBytes(1 << 20, 1),
      std::string(1 << 20, '\0'),
      tls_hello,
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "*1\r\n$4\r\nPING\r\n",
      std::string(kHttp2Preface) + RandomBytes(1 << 16, 2),
      std::string(kHttp2Preface) + HttpFrame(0xffffff, 0, RandomBytes(1 << 16, 3)),  // larger than allowed
      std::string(kHttp2Preface) + HttpFrame(0, 4, "") + HttpFrame(64, 1, RandomBytes(64, 4)),  // bad headers
  };
  for (size_t i = 0; i < streams.size(); ++i) {
    SCOPED_TRACE(i);
    for (int round = 0; round < 5; ++round) {
      const int connection = ConnectToLoopback(node()->port());
      ASSERT_GE(connection, 0);
      SendBytes(connection, streams[i]);
      close(connection);
    }
    ExpectServing();
  }
}

TEST_F(Garbage, HalfOpenConnectionsDoNotKeepOthersOut) {
  std::vector<int> silent;
  for (int i = 0; i < 300; ++i) {
    const int connection = ConnectToLoopback(node()->port());
    ASSERT_GE(connection, 0);
    if (i % 2 == 0) SendBytes(connection, std::string(kHttp2Preface).substr(0, 10));
    silent.push_back(connection);
  }
  ExpectServing();
  for (int connection : silent) close(connection);
  ExpectServing();
}

TEST_F(Garbage, AManyTimesRepeatedAttackCostsNoMemory) {
  const std::string attack = RandomBytes(1 << 16, 9);
  const auto round = [&] {
    for (int i = 0; i < 200; ++i) {
      const int connection = ConnectToLoopback(node()->port());
      ASSERT_GE(connection, 0);
      SendBytes(connection, attack);
      close(connection);
    }
  };
  round();
  const uint64_t before_bytes = node()->process()->MemoryBytes();
  for (int i = 0; i < 5; ++i) round();
  ExpectServing();
  EXPECT_LT(node()->process()->MemoryBytes(), before_bytes + (64u << 20));
}

}  // namespace
}  // namespace lamppost::testing
