#include "services/security/access_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "services/common/error.h"

namespace lamppost::security {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(RolesTest, EachIsWhatItSays) {
  const Roles reader = Roles::Parse("read").value();
  EXPECT_TRUE(reader.May(Right::kRead));
  EXPECT_FALSE(reader.May(Right::kWrite));
  EXPECT_FALSE(reader.May(Right::kAdmin));
  EXPECT_FALSE(reader.MayCall("add"));
  EXPECT_TRUE(reader.May(Right::kCalls));
  const Roles writer = Roles::Parse("write").value();
  EXPECT_FALSE(writer.May(Right::kRead));
  EXPECT_TRUE(writer.May(Right::kWrite));
  EXPECT_FALSE(writer.May(Right::kCalls));
  const Roles caller = Roles::Parse("call:add,call:hash").value();
  EXPECT_TRUE(caller.MayCall("add"));
  EXPECT_FALSE(caller.MayCall("ad"));
  EXPECT_FALSE(caller.MayCall("*"));
  EXPECT_TRUE(caller.May(Right::kCalls));
  EXPECT_FALSE(caller.May(Right::kRead));
  EXPECT_TRUE(Roles::Parse("call:*")->MayCall("anything"));
  const Roles admin = Roles::Parse("admin").value();
  for (const Right right : {Right::kRead, Right::kWrite, Right::kAdmin, Right::kCalls})
    EXPECT_TRUE(admin.May(right));
  EXPECT_TRUE(admin.MayCall("add"));
}

TEST(RolesTest, WhatIsNone) {
  for (const char* text :
       {"", "root", "read,", "call:", "read write", "Read", "call:a#b", "call:a\nroot admin"}) {
    EXPECT_EQ(ErrorReason(Roles::Parse(text).status()), "BAD_ROLE") << text;
  }
}

TEST(TokenTest, HashThereAndBack) {
  const std::string token = MakeToken().value();
  EXPECT_EQ(token.size(), 4u + 43u);
  EXPECT_EQ(token.substr(0, 4), "lpt_");
  EXPECT_NE(MakeToken().value(), token);
  const TokenHash hash = TokenHash::Of(token);
  EXPECT_TRUE(TokenHash::Parse(hash.Text())->Equals(hash));
  EXPECT_FALSE(TokenHash::Of("other").Equals(hash));
  EXPECT_EQ(TokenHash::Of("abc").Text(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  for (const std::string& text : {std::string("sha256:12"), token, std::string(71, 'a')}) {
    const absl::Status status = TokenHash::Parse(text).status();
    EXPECT_EQ(ErrorReason(status), "BAD_TOKEN_HASH");
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr(token)));
  }
}

TEST(AccessListTest, UsersByNameAndToken) {
  const std::string token = MakeToken().value();
  const auto list =
      AccessList::Parse(absl::StrCat("# who may do what\n\nops  admin # by certificate\nalice\tread,write ",
                                     TokenHash::Of(token).Text(), "\r\n"));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->size(), 2u);
  ASSERT_NE(list->FindByName("ops"), nullptr);
  EXPECT_TRUE(list->FindByName("ops")->roles.May(Right::kAdmin));
  ASSERT_NE(list->FindByToken(token), nullptr);
  EXPECT_EQ(list->FindByToken(token)->name, "alice");
  EXPECT_EQ(list->FindByName("bob"), nullptr);
  EXPECT_EQ(list->FindByToken(MakeToken().value()), nullptr);
  EXPECT_EQ(list->FindByToken(""), nullptr);
}

TEST(AccessListTest, WrongLinesAreNamedAndNoTokenIsShown) {
  const std::string token = MakeToken().value();
  for (const std::string& line :
       {std::string("alice"), std::string("alice root"), std::string("al/ice read"),
        absl::StrCat("alice read ", token), std::string("alice read x y"), std::string("ops read")}) {
    const absl::Status status = AccessList::Parse(absl::StrCat("ops admin\n", line)).status();
    EXPECT_EQ(ErrorReason(status), "BAD_ACCESS_FILE") << line;
    EXPECT_THAT(std::string(status.message()), HasSubstr("line 2"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr(token)));
  }
}

}  // namespace
}  // namespace lamppost::security
