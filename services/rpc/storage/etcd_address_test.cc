#include "services/rpc/storage/etcd_address.h"

#include <string>

#include "gtest/gtest.h"
#include "services/common/error.h"

namespace lamppost::rpc {
namespace {

TEST(EtcdAddressTest, ListsAreTaken) {
  const auto address = ParseEtcdEndpoints("etcd://one:2379,10.0.0.2:2380,[::1]:1");
  ASSERT_TRUE(address.ok()) << address.status();
  ASSERT_EQ(address->endpoints.size(), 3u);
  EXPECT_EQ(address->endpoints[0].HostPort(), "one:2379");
  EXPECT_EQ(address->endpoints[1].HostPort(), "10.0.0.2:2380");
  EXPECT_EQ(address->endpoints[2].HostPort(), "[::1]:1");
  EXPECT_EQ(address->name, "default");
}

TEST(EtcdAddressTest, NamesAreTaken) {
  EXPECT_EQ(ParseEtcdEndpoints("etcd://one:2379/blue-1.x_y")->name, "blue-1.x_y");
  EXPECT_EQ(ParseEtcdEndpoints("etcd://one:2379/")->name, "default");
  EXPECT_TRUE(ParseEtcdEndpoints("etcd://one:2379/" + std::string(63, 'n')).ok());
}

TEST(EtcdAddressTest, AnythingElseIsRefused) {
  const std::string long_name(64, 'n');
  for (const std::string& text :
       {std::string(""), std::string("one:2379"), std::string("etcd:"), std::string("etcd://"),
        std::string("etcd:///name"), std::string("etcd://one"), std::string("etcd://one:2379,"),
        std::string("etcd://http://one:2379"), std::string("etcd://one:2379/a/b"),
        std::string("etcd://one:2379/a b"), "etcd://one:2379/" + long_name, std::string("etcd://one:0")}) {
    const auto address = ParseEtcdEndpoints(text);
    EXPECT_EQ(ErrorReason(address.status()), "BAD_ADDRESS") << text;
  }
}

TEST(EtcdAddressTest, AnEtcdIsTold) {
  EXPECT_TRUE(IsEtcdAddress("etcd://one:2379"));
  EXPECT_TRUE(IsEtcdAddress("etcd:/one"));
  EXPECT_FALSE(IsEtcdAddress("rocksdb"));
  EXPECT_FALSE(IsEtcdAddress("/var/lib/etcd"));
}

}  // namespace
}  // namespace lamppost::rpc
