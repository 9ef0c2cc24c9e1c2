#include "clients/cli/text_table.h"

#include <gtest/gtest.h>

namespace lamppost::cli {
namespace {

TEST(TextTableTest, AlignsByCharactersNotBytes) {
  TextTable table;
  table.Add({"KEY", "VALUE", "V"});
  table.Add({"ä", "1", "x"});
  table.Add({"long key", "", "y"});
  table.Add({"end", "", ""});
  EXPECT_EQ(table.Render(Colour::kOff),
            "KEY       VALUE  V\n"
            "ä         1      x\n"
            "long key         y\n"
            "end\n");
}

TEST(TextTableTest, AVeryWideCellMovesOnlyItsRow) {
  TextTable table;
  table.Add({"aaaaaaaa", "1"});
  table.Add({"b", "2"});
  EXPECT_EQ(table.Render(Colour::kOff, 3), "aaaaaaaa  1\nb    2\n");
}

TEST(TextTableTest, ColourOnlyIfOn) {
  TextTable table;
  table.Add({Cell("x", Style::kBad), "y"});
  EXPECT_EQ(table.Render(Colour::kOff), "x  y\n");
  EXPECT_EQ(table.Render(Colour::kOn), "\x1b[31mx\x1b[0m  y\n");
}

}  // namespace
}  // namespace lamppost::cli
