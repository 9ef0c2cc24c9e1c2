#include "services/security/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/security/certificate_maker.h"

namespace lamppost::security {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const Validity kValid = {kNow - absl::Hours(1), kNow + absl::Hours(24)};

class PolicyTest : public ::testing::Test {
 protected:
  Policy Make(std::optional<std::string> access) {
    std::optional<AccessList> list;
    if (access) list = AccessList::Parse(*access).value();
    return Policy(Authorities::Parse(authority_.certificate).value(), std::move(list));
  }
  Credentials Certificate(const std::string& uri) {
    return {MakeCertificate(authority_, {ParseIdentityUri(uri).value(), {}, kValid})->certificate, {}};
  }
  static Credentials Token(const std::string& token) { return {"", token}; }
  static std::string ReasonOf(const Policy& policy, const Credentials& credentials, absl::Time now = kNow) {
    return ErrorReason(policy.Identify(credentials, now).status());
  }

  const KeyPair authority_ = MakeAuthority("test", kValid).value();
};

TEST_F(PolicyTest, UsersMayWhatTheListSays) {
  const std::string token = MakeToken().value();
  const Policy policy =
      Make(absl::StrCat("ops admin\nalice read ", TokenHash::Of(token).Text(), "\nbob write"));
  const auto ops = policy.Identify(Certificate("lamppost://user/ops"), kNow);
  ASSERT_TRUE(ops.ok()) << ops.status();
  EXPECT_TRUE(ops->roles.May(Right::kAdmin));
  const auto alice = policy.Identify(Token(token), kNow);
  ASSERT_TRUE(alice.ok()) << alice.status();
  EXPECT_EQ(alice->identity.Text(), "user alice");
  EXPECT_TRUE(alice->roles.May(Right::kRead));
  EXPECT_FALSE(alice->roles.May(Right::kWrite));
  EXPECT_FALSE(policy.Identify(Certificate("lamppost://user/bob"), kNow)->roles.May(Right::kAdmin));
}

TEST_F(PolicyTest, OthersAreRefused) {
  const Policy policy = Make("ops admin");
  EXPECT_EQ(ReasonOf(policy, {}), "CREDENTIALS_MISSING");
  EXPECT_EQ(ReasonOf(policy, Token(MakeToken().value())), "TOKEN_UNKNOWN");
  EXPECT_EQ(ReasonOf(policy, Token("")), "TOKEN_UNKNOWN");
  const auto mallory = policy.Identify(Certificate("lamppost://user/mallory"), kNow);
  EXPECT_EQ(ErrorReason(mallory.status()), "USER_UNKNOWN");
  EXPECT_EQ(mallory.status().code(), absl::StatusCode::kPermissionDenied);
  const KeyPair other = MakeAuthority("other", kValid).value();
  const auto forged = MakeCertificate(other, {ParseIdentityUri("lamppost://user/ops").value(), {}, kValid});
  EXPECT_EQ(ReasonOf(policy, {forged->certificate, {}}), "CERTIFICATE_REFUSED");
}

// A wrong token is not made good by a certificate that comes along: the caller believes to be somebody else.
TEST_F(PolicyTest, TheTokenGoesBeforeTheCertificate) {
  const Policy policy = Make("ops admin");
  Credentials both = Certificate("lamppost://user/ops");
  both.token = "lpt_wrong";
  EXPECT_EQ(ReasonOf(policy, both), "TOKEN_UNKNOWN");
}

TEST_F(PolicyTest, ACertificateThatWasGoodIsRefusedOnceItHasExpired) {
  const Policy policy = Make(std::nullopt);
  const Credentials ops = Certificate("lamppost://user/ops");
  EXPECT_TRUE(policy.Identify(ops, kNow).ok());
  EXPECT_TRUE(policy.Identify(ops, kNow).ok());  // as it is remembered
  EXPECT_EQ(ReasonOf(policy, ops, kValid.not_after + absl::Seconds(1)), "CERTIFICATE_REFUSED");
}

TEST_F(PolicyTest, WithoutAListAUsersCertificateIsEnough) {
  const Policy policy = Make(std::nullopt);
  EXPECT_TRUE(policy.Identify(Certificate("lamppost://user/any"), kNow)->roles.May(Right::kAdmin));
  EXPECT_EQ(ReasonOf(policy, Token(MakeToken().value())), "TOKEN_UNKNOWN");
}

TEST_F(PolicyTest, NodesAndServersAreNoUsers) {
  const Policy policy = Make(std::nullopt);
  const auto node = policy.Identify(Certificate("lamppost://node/A"), kNow);
  EXPECT_TRUE(node->roles.May(Right::kRead));
  EXPECT_FALSE(node->roles.May(Right::kWrite));
  EXPECT_FALSE(node->roles.May(Right::kAdmin));
  const auto server = policy.Identify(Certificate("lamppost://server/rpc"), kNow);
  EXPECT_FALSE(server->roles.May(Right::kRead));
}

// Many certificates do not fill the memory; that all are still known is for the other tests.
TEST_F(PolicyTest, ManyCertificates) {
  const Policy policy = Make(std::nullopt);
  const std::string good = Certificate("lamppost://user/ops").certificates;
  for (int i = 0; i < 3000; ++i) {
    ASSERT_TRUE(policy.Identify({absl::StrCat(good, i, "\n"), {}}, kNow).ok());
  }
}

}  // namespace
}  // namespace lamppost::security
