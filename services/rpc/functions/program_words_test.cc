#include "services/rpc/functions/program_words.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <vector>

#include "services/common/utf8.h"

namespace lamppost::rpc {
namespace {

std::vector<std::string> Lines(const std::vector<std::string>& pieces, size_t line_bytes_max) {
  std::vector<std::string> lines;
  LineSplitter splitter(line_bytes_max);
  const auto take = [&](absl::string_view line) { lines.emplace_back(line); };
  for (const std::string& piece : pieces) splitter.Add(piece, take);
  splitter.Finish(take);
  return lines;
}

TEST(ProgramWordsTest, LinesComeOutWhateverThePieces) {
  using List = std::vector<std::string>;
  EXPECT_EQ(Lines({"ab\ncd\n"}, 9), (List{"ab", "cd"}));
  EXPECT_EQ(Lines({"a", "b\n", "\ncd"}, 9), (List{"ab", "", "cd"}));
  EXPECT_EQ(Lines({"abcdefg\nh"}, 3), (List{"abc", "def", "g", "h"}));
  EXPECT_EQ(Lines({"abc\n"}, 3), (List{"abc"}));
  EXPECT_EQ(Lines({}, 3), List());
}

TEST(ProgramWordsTest, ProgressIsAPercentageAndWords) {
  const auto fraction = [](const char* line) { return ParseProgress(line)->fraction; };
  EXPECT_EQ(fraction("40"), 0.4);
  EXPECT_EQ(fraction(" 12.5% so far"), 0.125);
  EXPECT_EQ(fraction("200"), 1);
  EXPECT_EQ(fraction("-5"), 0);
  EXPECT_EQ(fraction("- who knows"), std::nullopt);
  EXPECT_EQ(ParseProgress("40%  so far ")->message, "so far");
  EXPECT_EQ(ParseProgress("40 " + std::string(1000, 'x'))->message.size(), kProgressMessageBytesMax);
  for (const char* line : {"", "abc", "nan", "4x", "%", "\xff"}) EXPECT_FALSE(ParseProgress(line)) << line;
  EXPECT_EQ(ParseProgressLine("progress 40")->fraction, 0.4);
  for (const char* line : {"40", "progress", "progress40", "progress bar", "in progress 40"})
    EXPECT_FALSE(ParseProgressLine(line)) << line;
}

TEST(ProgramWordsTest, OnlyTheEndOfATextIsKept) {
  TextTail tail;
  for (int i = 0; i < 100'000; ++i) tail.Add("\xc3\xa9x");
  EXPECT_LE(tail.Text().size(), kErrorOutputBytesMax);
  EXPECT_GT(tail.Text().size(), kErrorOutputBytesMax - 4);
  EXPECT_TRUE(IsUtf8(tail.Text()));
}

TEST(ProgramWordsTest, EachEndHasItsReason) {
  ProgramEnd end;
  end.not_started = "why";
  EXPECT_EQ(FailureOf(end, 0).reason, "NOT_EXECUTABLE");
  end.not_started = "";
  end.wait_status = 3 << 8;
  EXPECT_EQ(FailureOf(end, 0).exit_code, 3);
  end.wait_status = SIGKILL;
  EXPECT_EQ(FailureOf(end, 0).message, "it was ended by signal 9 (Killed)");
  EXPECT_EQ(FailureOf(end, 2).message, "it was ended by signal 9 (Killed)");
  end.cpu_ms = 2000;
  EXPECT_EQ(FailureOf(end, 2).message, "it used up its processor time, 2 s");
}

}  // namespace
}  // namespace lamppost::rpc
