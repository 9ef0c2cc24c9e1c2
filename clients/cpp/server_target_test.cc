#include "clients/cpp/server_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/error.h"

namespace lamppost::client {
namespace {

std::string TargetOf(const std::string& list) {
  const auto servers = ParseAddresses(list);
  if (!servers.ok()) return std::string(servers.status().message());
  const auto target = ResolveTarget(*servers, std::chrono::system_clock::now() + std::chrono::seconds(20));
  return target.ok() ? *target : ErrorReason(target.status());
}

TEST(ServerTargetTest, OneServerIsLeftToGrpc) {
  EXPECT_EQ(TargetOf("http://127.0.0.1:5000"), "ipv4:127.0.0.1:5000");
  EXPECT_EQ(TargetOf("[::1]:5000"), "ipv6:[::1]:5000");
  EXPECT_EQ(TargetOf("rpc.internal:5000"), "dns:///rpc.internal:5000");
  EXPECT_EQ(TargetOf("dns:///rpc.internal:5000"), "dns:///rpc.internal:5000");
}

TEST(ServerTargetTest, SeveralBecomeOneList) {
  EXPECT_EQ(TargetOf("http://10.0.0.1:5000,10.0.0.2:5001,10.0.0.1:5000"), "ipv4:10.0.0.1:5000,10.0.0.2:5001");
  EXPECT_EQ(TargetOf("[::1]:1,[fe80::2]:2"), "ipv6:[::1]:1,[fe80::2]:2");
  EXPECT_EQ(TargetOf("10.0.0.1:5000,[::1]:5001"), "ipv6:[::ffff:10.0.0.1]:5000,[::1]:5001");
}

TEST(ServerTargetTest, NamesAreLookedUpAndThoseUnknownLeftOut) {
  EXPECT_THAT(TargetOf("localhost:1,10.0.0.2:2"), testing::HasSubstr("127.0.0.1"));
  EXPECT_THAT(TargetOf("localhost:1,10.0.0.2:2"), testing::HasSubstr("10.0.0.2"));
  EXPECT_EQ(TargetOf("nowhere.invalid:1,10.0.0.2:2"), "ipv4:10.0.0.2:2");
  EXPECT_EQ(TargetOf("nowhere.invalid:1,nothing.invalid:2"), "NOT_CONNECTED");
}

TEST(ServerTargetTest, DnsStandsAlone) {
  EXPECT_TRUE(CheckServers(*ParseAddresses("dns:///a:1")).ok());
  EXPECT_TRUE(CheckServers(*ParseAddresses("a:1,b:2")).ok());
  EXPECT_EQ(ErrorReason(CheckServers(*ParseAddresses("dns:///a:1,b:2"))), "BAD_ADDRESS");
  EXPECT_EQ(ErrorReason(CheckServers({})), "BAD_ADDRESS");
}

TEST(ServerTargetTest, WhoAnswered) {
  EXPECT_EQ(ServerOfPeer("ipv4:10.0.0.1:5000"), "10.0.0.1:5000");
  EXPECT_EQ(ServerOfPeer("ipv6:[::1]:5000"), "[::1]:5000");
  EXPECT_EQ(ServerOfPeer("ipv6:%5B::1%5D:5000"), "[::1]:5000");
  EXPECT_EQ(ServerOfPeer("ipv6:[::ffff:10.0.0.1]:5000"), "10.0.0.1:5000");
  EXPECT_EQ(ServerOfPeer("ipv6:[::ffff:0:10.0.0.1]:5000"), "[::ffff:0:10.0.0.1]:5000");
  EXPECT_EQ(ServerOfPeer("ipv4:10.0.0.1:5000,10.0.0.2:5000"), "");
  EXPECT_EQ(ServerOfPeer("dns:///name:5000"), "");
  EXPECT_EQ(ServerOfPeer(""), "");
}

}  // namespace
}  // namespace lamppost::client
