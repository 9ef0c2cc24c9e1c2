#include "services/common/printable.h"

#include <gtest/gtest.h>

namespace lamppost {
namespace {

TEST(Printable, NothingInvisibleStays) {
  EXPECT_EQ(Printable("ä → 漢 b"), "ä → 漢 b");
  EXPECT_EQ(Printable("a\nb\tc\x1b\x7f"), "a\\nb\\tc\\x1b\\x7f");
  EXPECT_EQ(Printable(absl::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(Printable("\xff\xc2\x9b"), "\\xff\\x9b");
  EXPECT_EQ(Printable("\xe2\x80\xae\xe2\x80\xa8"), "\\u202e\\u2028");
  EXPECT_EQ(Printable("\xef\xbf\xbf"), "\\uffff");
}

}  // namespace
}  // namespace lamppost
