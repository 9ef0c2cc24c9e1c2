#include "services/security/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"
#include "services/security/certificate_maker.h"

namespace lamppost::security {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
const Validity kValid = {kNow - absl::Hours(1), kNow + absl::Hours(24)};

class TlsFilesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path =
        absl::StrCat(::testing::TempDir(), "/",
                     ::testing::UnitTest::GetInstance()->current_test_info()->name(), "-", name);
    std::ofstream(path) << text;
    return path;
  }
  KeyPair Pair(const std::string& uri) {
    return MakeCertificate(authority_, {ParseIdentityUri(uri).value(), {}, kValid}).value();
  }

  const KeyPair authority_ = MakeAuthority("test", kValid).value();
  const KeyPair node_ = Pair("lamppost://node/A");
  TlsFiles files_ = {};

  void SetUp() override {
    files_ = {Write("crt", node_.certificate), Write("key", node_.key), Write("ca", authority_.certificate),
              Write("access", "ops admin\n")};
  }
  void ExpectUnusable(const std::string& path, const std::string& why) {
    const absl::Status status = ReadServerFiles(files_).status();
    EXPECT_EQ(ErrorReason(status), "TLS_FILE_UNUSABLE");
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
  }
};

TEST_F(TlsFilesTest, AServersFiles) {
  const auto material = ReadServerFiles(files_);
  ASSERT_TRUE(material.ok()) << material.status();
  EXPECT_EQ(material->identity->Text(), "node A");
  EXPECT_EQ(material->not_after, kValid.not_after);
  const auto ops = material->policy->Identify({Pair("lamppost://user/ops").certificate, {}}, kNow);
  EXPECT_TRUE(ops.ok()) << ops.status();
  const auto bob = material->policy->Identify({Pair("lamppost://user/bob").certificate, {}}, kNow);
  EXPECT_EQ(ErrorReason(bob.status()), "USER_UNKNOWN");
}

TEST_F(TlsFilesTest, WhatIsWrongIsSaid) {
  const TlsFiles good = files_;
  files_.certificate = "/nowhere/node.crt";
  ExpectUnusable("/nowhere/node.crt", "No such file");
  files_ = good;
  files_.key = Write("other", Pair("lamppost://node/A").key);
  ExpectUnusable(files_.key, "the key is not that of");
  files_ = good;
  files_.key = good.certificate;
  ExpectUnusable(files_.key, "no private key");
  files_ = good;
  files_.authorities = Write("empty", "");
  ExpectUnusable(files_.authorities, "no certificate");
  files_ = good;
  files_.access = Write("users", "ops root\n");
  ExpectUnusable(files_.access, "line 1");
}

// An operator may mix the two up: then the key must not come out in the error.
TEST_F(TlsFilesTest, AKeyIsNotShown) {
  std::swap(files_.certificate, files_.key);
  const absl::Status status = ReadServerFiles(files_).status();
  EXPECT_EQ(ErrorReason(status), "TLS_FILE_UNUSABLE");
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr(node_.key.substr(40, 20))));
  files_ = {};
  files_.certificate = files_.key = files_.authorities = Write("all", node_.key);
  EXPECT_THAT(std::string(ReadServerFiles(files_).status().message()),
              Not(HasSubstr(node_.key.substr(40, 20))));
}

TEST_F(TlsFilesTest, AClientMayLackAny) {
  EXPECT_TRUE(ReadClientFiles({}).ok());
  TlsFiles authorities;
  authorities.authorities = files_.authorities;
  EXPECT_EQ(ReadClientFiles(authorities)->authorities, authority_.certificate);
  EXPECT_EQ(ReadClientFiles(files_)->key, node_.key);
  authorities.authorities = Write("none", "x");
  EXPECT_EQ(ErrorReason(ReadClientFiles(authorities).status()), "TLS_FILE_UNUSABLE");
}

}  // namespace
}  // namespace lamppost::security
