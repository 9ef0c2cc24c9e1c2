#include "services/security/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/security/certificate_maker.h"

namespace lamppost::security {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const Validity kValid = {kNow - absl::Hours(1), kNow + absl::Hours(24)};

KeyPair Authority() {
  return MakeAuthority("test", kValid).value();
}

absl::StatusOr<KeyPair> Make(const KeyPair& authority, const std::string& uri,
                             const Validity& validity = kValid) {
  return MakeCertificate(authority,
                         {ParseIdentityUri(uri).value(), {"localhost", "127.0.0.1", "::1"}, validity});
}

absl::StatusOr<Authorities::Verified> Verify(const KeyPair& authority, const KeyPair& pair,
                                             absl::Time now = kNow) {
  return Authorities::Parse(authority.certificate)->Verify(pair.certificate, now);
}

TEST(IdentityTest, UriThereAndBack) {
  for (const char* uri : {"lamppost://node/A", "lamppost://server/rpc-1", "lamppost://user/alice.b_c"}) {
    const auto identity = ParseIdentityUri(uri);
    ASSERT_TRUE(identity.ok()) << uri;
    EXPECT_EQ(identity->Uri(), uri);
  }
  const std::string long_name(65, 'a');
  for (const std::string& uri :
       {std::string("lamppost://node/"), std::string("lamppost://node/A/B"), std::string("lamppost://A"),
        std::string("https://node/A"), std::string("lamppost://node/A B"),
        absl::StrCat("lamppost://user/", long_name), std::string("lamppost://node/A\0B", 19)}) {
    EXPECT_EQ(ErrorReason(ParseIdentityUri(uri).status()), "BAD_IDENTITY") << uri;
  }
}

TEST(CertificateTest, NamesWhoItIsFor) {
  const KeyPair authority = Authority();
  const auto pair = Make(authority, "lamppost://node/A");
  ASSERT_TRUE(pair.ok()) << pair.status();
  const auto verified = Verify(authority, *pair);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->identity, (Identity{Identity::Kind::kNode, "A"}));
  EXPECT_EQ(verified->not_after, kValid.not_after);
}

TEST(CertificateTest, AnotherAuthorityIsRefused) {
  const auto refused = Verify(Authority(), *Make(Authority(), "lamppost://node/A"));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(ErrorReason(refused.status()), "CERTIFICATE_REFUSED");
}

TEST(CertificateTest, OneThatSignsItselfIsRefused) {
  const KeyPair authority = Authority();
  EXPECT_EQ(ErrorReason(Verify(authority, Authority()).status()), "CERTIFICATE_REFUSED");
}

TEST(CertificateTest, TooLateAndTooEarlyAreRefused) {
  const KeyPair authority = Authority();
  const KeyPair pair =
      *Make(authority, "lamppost://user/u", {kNow - absl::Minutes(2), kNow - absl::Minutes(1)});
  EXPECT_THAT(std::string(Verify(authority, pair).status().message()), HasSubstr("expired"));
  EXPECT_TRUE(Verify(authority, pair, kNow - absl::Seconds(90)).ok());
  EXPECT_THAT(std::string(Verify(authority, pair, kNow - absl::Minutes(3)).status().message()),
              HasSubstr("not yet valid"));
}

TEST(CertificateTest, AnyCertificateIsNoAuthority) {
  const KeyPair authority = Authority();
  const KeyPair node = *Make(authority, "lamppost://node/A");
  const auto forged = Make(node, "lamppost://node/B");
  ASSERT_TRUE(forged.ok());
  const KeyPair chain = {absl::StrCat(forged->certificate, node.certificate), forged->key};
  EXPECT_EQ(ErrorReason(Verify(authority, chain).status()), "CERTIFICATE_REFUSED");
}

TEST(CertificateTest, TheAuthorityItselfIsNoCallerAndNamesNobody) {
  const KeyPair authority = Authority();
  EXPECT_EQ(ErrorReason(Verify(authority, authority).status()), "CERTIFICATE_REFUSED");
  const auto certificates = ParseCertificates(authority.certificate);
  EXPECT_EQ(ErrorReason(IdentityOf((*certificates)[0].get()).status()), "CERTIFICATE_WITHOUT_IDENTITY");
}

TEST(CertificateTest, RubbishIsRefused) {
  const KeyPair authority = Authority();
  const KeyPair pair = *Make(authority, "lamppost://node/A");
  for (const std::string& text : {std::string(), std::string("x"), pair.key, pair.certificate.substr(0, 300),
                                  absl::StrCat(pair.certificate, pair.certificate.substr(0, 300))}) {
    EXPECT_EQ(ErrorReason(Authorities::Parse(text).status()), "BAD_CERTIFICATE") << text;
    EXPECT_EQ(ErrorReason(Verify(authority, {text, ""}).status()), "CERTIFICATE_REFUSED") << text;
  }
}

TEST(CertificateMakerTest, WhatCannotBeMade) {
  const KeyPair authority = Authority();
  const Identity identity = {Identity::Kind::kNode, "A"};
  EXPECT_EQ(ErrorReason(MakeCertificate(authority, {identity, {"a b"}, kValid}).status()), "BAD_ADDRESS");
  // It would become another name.
  EXPECT_EQ(
      ErrorReason(MakeCertificate(authority, {identity, {"a,URI:lamppost://user/root"}, kValid}).status()),
      "BAD_ADDRESS");
  EXPECT_EQ(
      ErrorReason(MakeCertificate({authority.certificate, Authority().key}, {identity, {}, kValid}).status()),
      "BAD_CERTIFICATE");
  EXPECT_EQ(ErrorReason(MakeCertificate({"", ""}, {identity, {}, kValid}).status()), "BAD_CERTIFICATE");
}

TEST(CertificateTest, ALongChainIsRefused) {
  const KeyPair authority = Authority();
  const KeyPair node = *Make(authority, "lamppost://node/A");
  std::string chain = node.certificate;
  for (int i = 1; i < 8; ++i) chain += authority.certificate;
  EXPECT_TRUE(Verify(authority, {chain, node.key}).ok());
  // Nothing behind the bound is looked at, so it may be anything.
  const auto longer =
      Verify(authority, {chain + authority.certificate + "-----BEGIN CERTIFICATE-----\n?", ""});
  EXPECT_EQ(ErrorReason(longer.status()), "CERTIFICATE_REFUSED");
  EXPECT_NE(longer.status().message().find("too many certificates"), std::string::npos) << longer.status();
}

TEST(CertificateTest, RenewedForTheSameKeyAndNames) {
  const KeyPair authority = Authority();
  const KeyPair old = *Make(authority, "lamppost://node/A");
  const Validity later = {kNow, kNow + absl::Hours(1000)};
  const auto renewed = RenewCertificate(authority, old, later);
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_NE(*renewed, old.certificate);
  const auto verified = Verify(authority, {*renewed, old.key});
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->identity.Text(), "node A");
  EXPECT_EQ(NotAfter((*ParseCertificates(*renewed))[0].get()), later.not_after);
  EXPECT_EQ(verified->not_after, kValid.not_after) << "its authority ends before";
  // Its key is the old one, or this would refuse.
  EXPECT_TRUE(RenewCertificate(authority, {*renewed, old.key}, later).ok());
  EXPECT_EQ(ErrorReason(RenewCertificate(Authority(), old, later).status()), "BAD_CERTIFICATE");
  const KeyPair other = *Make(authority, "lamppost://node/A");
  EXPECT_EQ(ErrorReason(RenewCertificate(authority, {old.certificate, other.key}, later).status()),
            "BAD_CERTIFICATE");
}

}  // namespace
}  // namespace lamppost::security
