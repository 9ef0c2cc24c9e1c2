#include "clients/cli/security_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace lamppost::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Decision {
  absl::Status status;
  Transport transport = Transport::kPlainText;
};

Decision Decide(const std::string& addresses, SecurityArguments arguments = {}) {
  const absl::Status status = CheckSecurity(ParseAddresses(addresses).value(), &arguments);
  return {status, arguments.transport};
}

SecurityArguments WithAuthority() {
  SecurityArguments arguments;
  arguments.files.authorities = "ca.crt";
  return arguments;
}

TEST(SecurityArgumentsTest, TlsWhenItIsAskedFor) {
  EXPECT_EQ(Decide("a:1").transport, Transport::kPlainText);
  EXPECT_EQ(Decide("http://a:1").transport, Transport::kPlainText);
  EXPECT_EQ(Decide("https://a:1,b:1").transport, Transport::kTls);
  EXPECT_EQ(Decide("a:1,dns:///b:1", WithAuthority()).transport, Transport::kTls);
  SecurityArguments token;
  token.token_file = "t";
  EXPECT_EQ(Decide("a:1", token).transport, Transport::kTls);
}

TEST(SecurityArgumentsTest, BothAreNotPossible) {
  EXPECT_FALSE(Decide("https://a:1,http://b:1").status.ok());
  EXPECT_THAT(std::string(Decide("http://a:1", WithAuthority()).status.message()),
              HasSubstr("http://a:1 is plain text"));
  SecurityArguments token;
  token.token_file = "t";
  EXPECT_THAT(std::string(Decide("http://a:1", token).status.message()), HasSubstr("a token goes over TLS"));
  SecurityArguments half;
  half.files.certificate = "crt";
  EXPECT_FALSE(Decide("a:1", half).status.ok());
}

TEST(SecurityArgumentsTest, TheTokenOfAFile) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/token");
  std::ofstream(path) << "  lpt_abc\n";
  SecurityArguments arguments;
  arguments.token_file = path;
  EXPECT_EQ(*ReadToken(arguments), "lpt_abc");
  std::ofstream(path) << "lpt_abc lpt_def\n";
  const absl::Status status = ReadToken(arguments).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("lpt_")));
  arguments.token_file = "/nowhere";
  EXPECT_FALSE(ReadToken(arguments).ok());
  EXPECT_EQ(*ReadToken({}), "");
}

}  // namespace
}  // namespace lamppost::cli
