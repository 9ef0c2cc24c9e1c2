#include "services/rpc/functions/text_bounds.h"

#include <gtest/gtest.h>

#include "services/common/utf8.h"

namespace lamppost::rpc {
namespace {

TEST(TextBoundsTest, WholeCharactersThatFit) {
  EXPECT_EQ(Utf8Prefix("a\xc3\xa9", 3), "a\xc3\xa9");
  EXPECT_EQ(Utf8Prefix("a\xc3\xa9", 2), "a");
  EXPECT_EQ(Utf8Suffix("\xc3\xa9"
                       "a",
                       3),
            "\xc3\xa9"
            "a");
  EXPECT_EQ(Utf8Suffix("\xc3\xa9"
                       "a",
                       2),
            "a");
  EXPECT_EQ(Utf8Suffix("abc", 2), "bc");
}

TEST(TextBoundsTest, BytesThatAreNoCharacterAreReplaced) {
  EXPECT_EQ(Utf8Prefix("a\xff", 9), "a\xef\xbf\xbd");
  EXPECT_EQ(Utf8Prefix("a\xff", 3), "a");
  EXPECT_EQ(Utf8Suffix("\xff"
                       "a",
                       9),
            "\xef\xbf\xbd"
            "a");
  EXPECT_EQ(Utf8Suffix("\xff\xff"
                       "a",
                       4),
            "\xef\xbf\xbd"
            "a");
}

TEST(TextBoundsTest, AnyBytesBecomeTextWithinTheBound) {
  uint32_t state = 1;
  for (int round = 0; round < 5000; ++round) {
    std::string bytes;
    for (int i = 0; i < round % 50; ++i) {
      state = state * 1664525 + 1013904223;
      bytes.push_back(static_cast<char>(state >> 24));
    }
    for (const size_t max : {0, 1, 2, 3, 7, 40}) {
      for (const std::string& text : {Utf8Prefix(bytes, max), Utf8Suffix(bytes, max)}) {
        EXPECT_TRUE(IsUtf8(text));
        EXPECT_LE(text.size(), max);
      }
    }
  }
}

}  // namespace
}  // namespace lamppost::rpc
