#include "clients/cli/tls_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/error.h"
#include "services/security/tls_files.h"

namespace lamppost::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kYear = absl::Hours(24 * 365);

std::vector<TlsSubject> Subjects(const std::vector<std::string>& words) {
  TlsArguments arguments;
  arguments.words = words;
  EXPECT_TRUE(CheckTlsArguments(&arguments).ok());
  return arguments.subjects;
}

class TlsDirectoryTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::vector<std::string>> Init(const std::vector<std::string>& words) {
    return InitTlsDirectory(directory_, Subjects(words), kYear, kNow);
  }
  std::string Path(const std::string& name) const { return absl::StrCat(directory_, "/", name); }
  std::string Text(const std::string& name) const { return security::ReadTextFile(Path(name)).value(); }
  security::TlsFiles Files(const std::string& stem) const {
    return {Path(stem + ".crt"), Path(stem + ".key"), Path("ca.crt"), Path("access")};
  }
  std::map<std::string, std::string> AllTexts() const {
    std::map<std::string, std::string> texts;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      texts[entry.path().filename()] = Text(entry.path().filename());
    return texts;
  }

  const std::string directory_ = absl::StrCat(
      ::testing::TempDir(), "/", ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(TlsDirectoryTest, WhatAServerNeeds) {
  const auto made = Init({"node/A=10.0.0.1,a.example", "user/ops=admin"});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(
      *made, ElementsAre(Path("ca.key"), Path("ca.crt"), Path("node-A.key"), Path("node-A.crt"),
                         Path("user-ops.key"), Path("user-ops.crt"), Path("user-ops.token"), Path("access")));
  const auto material = security::ReadServerFiles(Files("node-A"));
  ASSERT_TRUE(material.ok()) << material.status();
  EXPECT_EQ(material->identity->Text(), "node A");
  const auto by_certificate = material->policy->Identify({Text("user-ops.crt"), {}}, kNow);
  EXPECT_TRUE(by_certificate->roles.May(security::Right::kAdmin));
  const std::string token(absl::StripSuffix(Text("user-ops.token"), "\n"));
  EXPECT_EQ(material->policy->Identify({"", token}, kNow)->identity.Text(), "user ops");
}

TEST_F(TlsDirectoryTest, SecretsAreTheOwnersAlone) {
  ASSERT_TRUE(Init({"node/A=10.0.0.1", "user/ops=admin"}).ok());
  for (const char* name : {"ca.key", "node-A.key", "user-ops.key", "user-ops.token"}) {
    struct stat info = {};
    ASSERT_EQ(stat(Path(name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(TlsDirectoryTest, OthersAreAddedAndNothingIsOverwritten) {
  ASSERT_TRUE(Init({"node/A=10.0.0.1", "user/ops=admin"}).ok());
  const auto before = AllTexts();
  const absl::Status again = Init({"node/B=10.0.0.2", "user/ops=read"}).status();
  EXPECT_EQ(ErrorReason(again), "TLS_FILE_EXISTS");
  EXPECT_EQ(AllTexts(), before);
  ASSERT_TRUE(Init({"node/B=10.0.0.2", "user/alice=read,call:add"}).ok());
  EXPECT_EQ(Text("ca.crt"), before.at("ca.crt"));
  EXPECT_EQ(Text("node-A.crt"), before.at("node-A.crt"));
  EXPECT_THAT(Text("access"), HasSubstr("ops admin sha256:"));
  EXPECT_THAT(Text("access"), HasSubstr("alice read,call:add sha256:"));
  EXPECT_TRUE(security::ReadServerFiles(Files("node-B")).ok());
}

TEST_F(TlsDirectoryTest, AUserInTheListAloneIsNotAddedTwice) {
  ASSERT_TRUE(Init({"user/ops=admin"}).ok());
  std::ofstream(Path("access"), std::ios::app) << "bob read\n";
  const absl::Status status = Init({"user/bob=admin"}).status();
  EXPECT_EQ(ErrorReason(status), "TLS_FILE_EXISTS");
  EXPECT_THAT(std::string(status.message()), HasSubstr("user bob in"));
}

TEST_F(TlsDirectoryTest, ALastLineWithoutAnEndStaysALineOfItsOwn) {
  ASSERT_TRUE(Init({"node/A=10.0.0.1"}).ok());
  std::ofstream(Path("access")) << "ops admin";
  ASSERT_TRUE(Init({"user/bob=read"}).ok());
  EXPECT_THAT(Text("access"), ::testing::StartsWith("ops admin\nbob read sha256:"));
}

TEST_F(TlsDirectoryTest, RenewalKeepsKeys) {
  ASSERT_TRUE(Init({"node/A=10.0.0.1", "user/ops=admin"}).ok());
  const auto before = AllTexts();
  const auto renewed = RenewTlsDirectory(directory_, kYear, kNow + kYear / 2);
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_THAT(*renewed, ElementsAre(Path("node-A.crt"), Path("user-ops.crt")));
  const auto after = AllTexts();
  EXPECT_EQ(after.size(), before.size());
  for (const auto& [name, text] : before) {
    EXPECT_EQ(after.at(name) != text, name == "node-A.crt" || name == "user-ops.crt") << name;
  }
  EXPECT_EQ(security::ReadServerFiles(Files("node-A"))->not_after, kNow + kYear / 2 + kYear);
}

TEST_F(TlsDirectoryTest, NothingToRenew) {
  EXPECT_EQ(ErrorReason(RenewTlsDirectory("/nowhere", kYear, kNow).status()), "TLS_FILE_UNUSABLE");
  std::filesystem::create_directory(directory_);
  EXPECT_EQ(ErrorReason(RenewTlsDirectory(directory_, kYear, kNow).status()), "TLS_FILE_UNUSABLE");
  EXPECT_TRUE(AllTexts().empty());
}

TEST(TlsArgumentsTest, WhatIsNobody) {
  for (const char* word :
       {"A=10.0.0.1", "node/A", "node/A=", "user/x=root", "thing/A=h", "node/=h", "node/A B=h"}) {
    TlsArguments arguments;
    arguments.words = {word};
    EXPECT_FALSE(CheckTlsArguments(&arguments).ok()) << word;
  }
  TlsArguments twice;
  twice.words = {"node/A=h", "node/A=i"};
  EXPECT_FALSE(CheckTlsArguments(&twice).ok());
}

}  // namespace
}  // namespace lamppost::cli
