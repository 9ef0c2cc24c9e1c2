#include "clients/diagram/text.h"

#include <gtest/gtest.h>

namespace lamppost::diagram {
namespace {

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
