#include "clients/diagram/text.h"

#include <gtest/gtest.h>

namespace lamppost::diagram {
namespace {

TEST(PrintableTest, NothingInvisibleStays) {
  EXPECT_EQ(Printable("ä → 漢 b"), "ä → 漢 b");
  EXPECT_EQ(Printable("a\nb\tc\x1b\x7f"), "a\\nb\\tc\\x1b\\x7f");
  EXPECT_EQ(Printable(absl::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(Printable("\xff\xc2\x9b"), "\\xff\\x9b");
  EXPECT_EQ(Printable("\xe2\x80\xae\xe2\x80\xa8"), "\\u202e\\u2028");
  EXPECT_EQ(Printable("\xef\xbf\xbf"), "\\uffff");
}

TEST(MarkupTest, EscapesWhatWouldBeMarkup) {
  EXPECT_EQ(Markup("</text><script>\"&'"), "&lt;/text&gt;&lt;script&gt;&quot;&amp;&#39;");
}

TEST(FitTest, CutsBetweenCharacters) {
  EXPECT_EQ(Fit("short", 20), "short");
  const std::string cut = Fit("ääääääääää", 4);
  EXPECT_LE(WidthEm(cut), 4);
  EXPECT_EQ(cut, "ääää…");
  EXPECT_EQ(Fit("anything", 0), "…");
}

TEST(CutToBytesTest, CutsBetweenCharacters) {
  EXPECT_EQ(CutToBytes("abc", 3), "abc");
  EXPECT_EQ(CutToBytes("abcd", 3), "abc…");
  EXPECT_EQ(CutToBytes("aää", 4), "aä…");
}

}  // namespace
}  // namespace lamppost::diagram
