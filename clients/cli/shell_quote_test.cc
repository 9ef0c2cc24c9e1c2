#include "clients/cli/shell_quote.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

namespace lamppost::cli {
namespace {

std::string AsBashReads(const std::string& quoted) {
  FILE* pipe = popen(("bash -c " + ShellQuote("printf %s " + quoted)).c_str(), "r");
  std::string read;
  std::array<char, 256> buffer;
  size_t got;
  while ((got = fread(buffer.data(), 1, buffer.size(), pipe)) > 0) read.append(buffer.data(), got);
  pclose(pipe);
  return read;
}

TEST(ShellQuoteTest, PlainWordsStayAsTheyAre) {
  for (const char* word : {"add", "http://127.0.0.1:5000,10.0.0.2:1", "a=1", "30s", "--request-id"}) {
    EXPECT_EQ(ShellQuote(word), word);
  }
  EXPECT_EQ(ShellQuote(R"({"a":1,"b":2})"), R"('{"a":1,"b":2}')");
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("it's"), R"('it'\''s')");
}

TEST(ShellQuoteTest, TheShellReadsThemBack) {
  for (const std::string word : {"it's", "$HOME `date` $(date) \"q\" \\ !", "*?[a]~#&|;<>()", "two words",
                                 "ü€", "line\nbreak", "\x1b[31m", "\xff\xfe", "\xc2\x9b", "tab\t'quote\\1"}) {
    EXPECT_EQ(AsBashReads(ShellQuote(word)), word) << ShellQuote(word);
  }
}

TEST(ShellQuoteTest, NothingSteersATerminal) {
  for (const char* word : {"\x1b[2J", "\xc2\x9b", "a\nb", "\x7f"}) {
    for (const char c : ShellQuote(word)) EXPECT_TRUE(c >= ' ' && c <= '~') << ShellQuote(word);
  }
}

}  // namespace
}  // namespace lamppost::cli
