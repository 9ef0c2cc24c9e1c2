#include "clients/cli/call_params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace lamppost::cli {
namespace {

using testing::HasSubstr;

std::string Read(const std::vector<std::string>& words, const std::string& input = "") {
  std::istringstream in(input);
  const auto params = ReadCallParams(words, &in);
  return params.ok() ? params->dump() : "error: " + std::string(params.status().message());
}

class CallParamsTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "/paramsXXXXXX";
    close(mkstemp(path_.data()));
  }
  void TearDown() override { unlink(path_.c_str()); }
  void Write(const std::string& text) { std::ofstream(path_) << text; }

  std::string path_;
};

TEST_F(CallParamsTest, AnObjectFromWhereverItIs) {
  EXPECT_EQ(Read({}), "{}");
  EXPECT_EQ(Read({R"({"b":2,"a":[1]})"}), R"({"a":[1],"b":2})");
  EXPECT_EQ(Read({"-"}, " {\"a\":1}\n"), R"({"a":1})");
  Write("{\"a\":\n1}");
  EXPECT_EQ(Read({"@" + path_}), R"({"a":1})");
}

TEST_F(CallParamsTest, MembersByName) {
  EXPECT_EQ(Read({"a=1", "b=two words", "c=", "d=[1,2]", "e={\"x\":null}", "f=true", "g=-1.5", "h=\"1\"",
                  "i=x=y", "j=007", "k=-", "l=@@x"}),
            R"({"a":1,"b":"two words","c":"","d":[1,2],"e":{"x":null},"f":true,"g":-1.5,"h":"1","i":"x=y",)"
            R"("j":"007","k":"-","l":"@x"})");
  Write("a text\n");
  EXPECT_EQ(Read({"t=@" + path_}), "{\"t\":\"a text\\n\"}");
}

TEST_F(CallParamsTest, WhatIsWrongIsSaid) {
  EXPECT_THAT(Read({"{\"a\":1"}), HasSubstr("not JSON"));
  EXPECT_THAT(Read({"-"}, "[1]"), HasSubstr("standard input: params are a JSON object"));
  EXPECT_THAT(Read({"[1,2]"}), HasSubstr("[1,2]: this is neither"));
  EXPECT_THAT(Read({R"(["a","b"])"}), HasSubstr(R"(["a","b"]: this is neither a JSON object)"));
  EXPECT_THAT(Read({"[a=1,b=2]"}), HasSubstr("[a=1,b=2]: this is neither"));
  EXPECT_THAT(Read({"=1"}), HasSubstr("neither"));
  EXPECT_THAT(Read({"{}", "a=1"}), HasSubstr("neither"));
  EXPECT_THAT(Read({"a=1", "a=2"}), HasSubstr("a: it is given twice"));
  EXPECT_THAT(Read({"@/nonexistent"}), HasSubstr("cannot read /nonexistent"));
  EXPECT_THAT(Read({"a=@/nonexistent"}), HasSubstr("cannot read /nonexistent"));
  EXPECT_THAT(Read({"a=\xff"}), HasSubstr("UTF-8"));
  EXPECT_THAT(Read({"\xff=1"}), HasSubstr("UTF-8"));
  EXPECT_THAT(Read({"a=" + std::string(40, '[') + std::string(40, ']')}), HasSubstr("nested"));
  Write("\xff");
  EXPECT_THAT(Read({"a=@" + path_}), HasSubstr("UTF-8"));
  EXPECT_THAT(Read({"\x1b[2J"}), testing::Not(HasSubstr("\x1b")));
}

TEST_F(CallParamsTest, WholeNumbersAreNotRounded) {
  EXPECT_EQ(Read({"a=9007199254740992"}), R"({"a":9007199254740992})");
  for (const std::string number :
       {"9007199254740993", "-9007199254740993", "123456789012345678901234567890"}) {
    EXPECT_THAT(Read({"a=" + number}), HasSubstr(number));
    EXPECT_THAT(Read({"a=" + number}), HasSubstr("2^53"));
    EXPECT_THAT(Read({"{\"a\":[" + number + "]}"}), HasSubstr("2^53"));
    EXPECT_THAT(Read({"-"}, "{\"a\":" + number + "}"), HasSubstr("2^53"));
  }
  EXPECT_EQ(Read({"a=\"9007199254740993\""}), R"({"a":"9007199254740993"})");
}

}  // namespace
}  // namespace lamppost::cli
