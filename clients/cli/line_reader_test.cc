#include "clients/cli/line_reader.h"

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

namespace lamppost::cli {
namespace {

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream in(text);
  LineReader reader(&in);
  std::vector<std::string> lines;
  absl::string_view line;
  while (reader.Next(&line).value()) lines.emplace_back(line);
  EXPECT_EQ(reader.bytes_read(), text.size());
  return lines;
}

using Strings = std::vector<std::string>;

TEST(LineReaderTest, Lines) {
  EXPECT_EQ(Lines(""), Strings());
  EXPECT_EQ(Lines("a"), Strings({"a"}));
  EXPECT_EQ(Lines("a\n"), Strings({"a"}));
  EXPECT_EQ(Lines("a\r\n\nb"), Strings({"a", "", "b"}));
}

TEST(LineReaderTest, LinesAcrossChunks) {
  const std::string longer(200'000, 'x');
  std::string text;
  Strings expected;
  for (int i = 0; i < 5; ++i) {
    text += longer + "\nshort" + std::to_string(i) + "\n";
    expected.push_back(longer);
    expected.push_back("short" + std::to_string(i));
  }
  EXPECT_EQ(Lines(text), expected);
}

TEST(LineReaderTest, ALineThatIsTooLongIsRefusedAndNumbered) {
  std::istringstream in("ok\n" + std::string(11, 'x') + "\nok\n");
  LineReader reader(&in, 10);
  absl::string_view line;
  EXPECT_TRUE(reader.Next(&line).value());
  EXPECT_EQ(reader.Next(&line).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(reader.line_number(), 2u);
}

TEST(LineReaderTest, ALineWithoutEndTakesNoMoreMemoryThanAllowed) {
  std::istringstream in(std::string(1 << 20, 'x'));
  LineReader reader(&in, 100'000);
  absl::string_view line;
  EXPECT_FALSE(reader.Next(&line).ok());
  EXPECT_LT(in.tellg(), 400'000);
}

}  // namespace
}  // namespace lamppost::cli
