#include "services/common/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "services/common/error.h"

namespace lamppost {
namespace {

using std::string_literals::operator""s;
using testing::HasSubstr;

TEST(ParseAddress, ReadsEachForm) {
  struct Case {
    std::string text;
    AddressScheme scheme;
    std::string host_port;
    std::string target;
  };
  for (const Case& c : std::vector<Case>{
           {"http://10.0.0.1:8000", AddressScheme::kHttp, "10.0.0.1:8000", "ipv4:10.0.0.1:8000"},
           {"http://10.0.0.1:8000/", AddressScheme::kHttp, "10.0.0.1:8000", "ipv4:10.0.0.1:8000"},
           {"http://[2001:db8::1]:80", AddressScheme::kHttp, "[2001:db8::1]:80", "ipv6:[2001:db8::1]:80"},
           {"https://10.0.0.1:8000/", AddressScheme::kHttps, "10.0.0.1:8000", "ipv4:10.0.0.1:8000"},
           {"https://a.example:443", AddressScheme::kHttps, "a.example:443", "dns:///a.example:443"},
           {"localhost:1", AddressScheme::kNone, "localhost:1", "dns:///localhost:1"},
           {"[::1]:65535", AddressScheme::kNone, "[::1]:65535", "ipv6:[::1]:65535"},
           {"[::ffff:1.2.3.4]:5", AddressScheme::kNone, "[::ffff:1.2.3.4]:5", "ipv6:[::ffff:1.2.3.4]:5"},
           {"node-a.my_net.example.:8000", AddressScheme::kNone, "node-a.my_net.example.:8000",
            "dns:///node-a.my_net.example.:8000"},
           {"dns:///kv.example:8000", AddressScheme::kDns, "kv.example:8000", "dns:///kv.example:8000"},
           {"4u.example2:08000", AddressScheme::kNone, "4u.example2:8000", "dns:///4u.example2:8000"},
           {"http://dns:80", AddressScheme::kHttp, "dns:80", "dns:///dns:80"},
           {"dns:80", AddressScheme::kNone, "dns:80", "dns:///dns:80"},
       }) {
    const auto address = ParseAddress(c.text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->scheme, c.scheme) << c.text;
    EXPECT_EQ(address->HostPort(), c.host_port);
    EXPECT_EQ(address->Target(), c.target);
  }
}

TEST(ParseAddress, SaysWhatIsWrong) {
  struct Case {
    std::string text;
    std::string wrong;
  };
  for (const Case& c : std::vector<Case>{
           {"", "it is empty"},
           {"HTTPS://a:1", "unknown scheme \"HTTPS\""},
           {"https://a:1/x", "a path is not expected"},
           {"ftp://a:1", "unknown scheme \"ftp\""},
           {"HTTP://a:1", "unknown scheme \"HTTP\""},
           {"://a:1", "unknown scheme"},
           {"unix:///tmp/socket", "unknown scheme \"unix\""},
           {"dns:a:1", "three slashes"},
           {"dns://8.8.8.8/a:1", "three slashes"},
           {"host", "the port is missing"},
           {"http://host", "the port is missing"},
           {"http://", "the host is missing"},
           {"http:///", "the host is missing"},
           {"host:", "the port is missing"},
           {"[::1]", "the port is missing"},
           {"[::1]:", "the port is missing"},
           {"host:0", "port 0 is not between 1 and 65535"},
           {"host:65536", "port 65536 is not between"},
           {"host:99999999999999999999", "is not between"},
           {"host:-1", "\"-1\" is no port number"},
           {"host:+80", "\"+80\" is no port number"},
           {"host:0x50", "is no port number"},
           {"host:http", "\"http\" is no port number"},
           {":8000", "the host is missing"},
           {"http://:8000", "the host is missing"},
           {"8000", "the port is missing"},
           {"http://host:80/path", "a path is not expected"},
           {"http://host:80//", "a path is not expected"},
           {"host:80/", "a path is not expected"},
           {"dns:///a/b:1", "a path is not expected"},
           {" host:80", "a space"},
           {"host:80 ", "a space"},
           {"ho st:80", "a space"},
           {"host:80\n", "a space"},
           {"host:\t80", "a space"},
           {"::1:80", "must be in brackets"},
           {"a:b:80", "must be in brackets"},
           {"[::1:80", "the ']' is missing"},
           {"[]:80", "no IPv6 address in the brackets"},
           {"[localhost]:80", "no IPv6 address in the brackets"},
           {"[127.0.0.1]:80", "no IPv6 address in the brackets"},
           {"[::1%eth0]:80", "no IPv6 address in the brackets"},
           {"[::1\0]:80"s, "no IPv6 address in the brackets"},
           {"[::1]80", "after the ']'"},
           {"[::1]]:80", "after the ']'"},
           {"[::1]:80:90", "is no port number"},
           {"a,b:80", "not a list"},
           {"a\0b:80"s, "'\\000' in it"},
           {"caf\xc3\xa9:80", "in it"},
           {"user@host:80", "'@' in it"},
           {"host?x:80", "'?' in it"},
           {"a..b:80", "an empty part"},
           {".a:80", "an empty part"},
           {".:80", "an empty part"},
           {"a..:80", "an empty part"},
           {"-a:80", "begins or ends with '-'"},
           {"a-.b:80", "begins or ends with '-'"},
           {"1.2.3:80", "not an IPv4 address"},
           {"256.1.1.1:80", "not an IPv4 address"},
           {"1.2.3.4.5:80", "not an IPv4 address"},
           {"127.0.0.01:80", "not an IPv4 address"},
           {std::string(64, 'a') + ":80", "a part longer than 63"},
           {std::string(500, 'a') + ":80", "longer than 253"},
           {std::string(600, 'a') + ":80", "it is too long"},
       }) {
    const auto address = ParseAddress(c.text);
    ASSERT_FALSE(address.ok()) << c.text << " became " << address->HostPort();
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ErrorReason(address.status()), "BAD_ADDRESS");
    EXPECT_THAT(std::string(address.status().message()), HasSubstr(c.wrong)) << c.text;
    EXPECT_THAT(std::string(address.status().message()), HasSubstr("http://host:port")) << "what is accepted";
    EXPECT_LT(address.status().message().size(), 500u);
  }
}

TEST(ParseAddress, WhatIsAcceptedIsAFixedPoint) {
  std::mt19937 random(11);
  const std::vector<std::string> pieces = {
      "http://", "dns:///", "https://", "host", "10.0.0.1", "[::1]", "::1", ":", "80",
      "65536",   "0",       "/",        ",",    " ",        "a.b",   "-",   ".", "[",
      "]",       "é",       "\x01",     "\xff", "%",        "@",     "_",   "x"};
  const std::vector<std::string> schemes = {"", "http://", "dns:///"};
  const std::vector<std::string> hosts = {"", "host", "127.0.0.1", "[::1]", "1.example"};
  const std::vector<std::string> ports = {"", "1", "00080", "65535", "65536"};
  const auto pick = [&](const std::vector<std::string>& from) { return from[random() % from.size()]; };
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    // Either any pieces in a row, or such as make an address now and then.
    std::string text;
    if (i % 2 == 0) {
      for (int n = static_cast<int>(random() % 6); n >= 0; --n) text += pick(pieces);
    } else {
      text = pick(schemes) + pick(pieces) + pick(hosts) + ":" + pick(ports);
    }
    const auto address = ParseAddress(text);
    if (!address.ok()) {
      ASSERT_EQ(ErrorReason(address.status()), "BAD_ADDRESS") << text;
      for (const char c : address.status().message()) ASSERT_NE(c, '\n');
      continue;
    }
    ++accepted;
    ASSERT_TRUE(address->port >= 1 && address->port <= 65535) << text;
    const auto again = ParseAddress(address->HostPort());
    ASSERT_TRUE(again.ok()) << text << ": " << again.status();
    ASSERT_EQ(again->HostPort(), address->HostPort());
    ASSERT_EQ(again->Target(), address->Target());
  }
  EXPECT_GT(accepted, 1000) << "the pieces should make some good addresses too";
}

TEST(ParseAddress, EveryPortIsReadOrRefused) {
  for (int port = -10; port < 70'000; ++port) {
    const auto address = ParseAddress("host:" + std::to_string(port));
    ASSERT_EQ(address.ok(), port >= 1 && port <= 65535) << port;
    if (address.ok()) {
      ASSERT_EQ(address->port, port);
    }
  }
}

TEST(Address, Urls) {
  EXPECT_EQ(ParseAddress("https://a:1")->Url(Transport::kPlainText), "http://a:1");
  EXPECT_EQ(ParseAddress("[::1]:2")->Url(Transport::kTls), "https://[::1]:2");
}

TEST(ParseAddresses, KeepsTheOrder) {
  const auto addresses = ParseAddresses("http://b:1,a:2,[::1]:3,b:1");
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  std::vector<std::string> texts;
  for (const Address& address : *addresses) texts.push_back(address.HostPort());
  EXPECT_EQ(texts, (std::vector<std::string>{"b:1", "a:2", "[::1]:3", "b:1"}));
}

TEST(ParseAddresses, RefusesBadLists) {
  for (const char* bad :
       {"", ",", "a:1,", ",a:1", "a:1,,b:2", "a:1, b:2", "a:1;b:2", "a:1,b", "a:1,ftp://b:2"}) {
    const auto addresses = ParseAddresses(bad);
    ASSERT_FALSE(addresses.ok()) << bad;
    EXPECT_EQ(ErrorReason(addresses.status()), "BAD_ADDRESS");
  }
}

TEST(ParseAddresses, NothingAtAllIsNoList) {
  EXPECT_FALSE(ParseAddresses("").ok());
  EXPECT_FALSE(ParseAddresses(absl::string_view()).ok());
}

TEST(ParseAddresses, IsBounded) {
  std::string list = "a:1";
  for (size_t i = 1; i < kAddressesMax; ++i) list += ",a:1";
  EXPECT_TRUE(ParseAddresses(list).ok());
  EXPECT_THAT(std::string(ParseAddresses(list + ",a:1").status().message()), HasSubstr("more than 64"));
}

TEST(ParseListenAddress, TakesIpAddressesAndPortZero) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:0")->HostPort(), "127.0.0.1:0");
  EXPECT_EQ(ParseListenAddress("0.0.0.0:8000")->HostPort(), "0.0.0.0:8000");
  EXPECT_EQ(ParseListenAddress("[::]:8000")->HostPort(), "[::]:8000");
  EXPECT_EQ(ParseListenAddress("localhost:8000")->HostPort(), "localhost:8000");
  for (const char* bad :
       {"kv.example:8000", "127.0.0.1", "127.0.0.1:65536", "*:80", ":80", "http://127.0.0.1:80", ""}) {
    const auto address = ParseListenAddress(bad);
    ASSERT_FALSE(address.ok()) << bad;
    EXPECT_THAT(std::string(address.status().message()), HasSubstr("127.0.0.1:8000, [::]:8000")) << bad;
  }
}

TEST(IsLoopback, IsTrueForThisMachineOnly) {
  for (const auto& host : {"localhost"s, "LocalHost"s, "127.0.0.1"s, "127.255.0.9"s, "::1"s, "[::1]"s,
                           "0:0::1"s, "::ffff:127.0.0.1"s, "[::ffff:127.1.2.3]"s}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const auto& host : {""s, "0.0.0.0"s, "::"s, "128.0.0.1"s, "10.0.0.1"s, "::2"s, "::ffff:10.0.0.1"s,
                           "localhost.evil.example"s, "127.0.0.1.example"s, "127.0.0.1\0"s, "127.1"s,
                           "[127.0.0.1"s, "::127.0.0.1"s}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

}  // namespace
}  // namespace lamppost
