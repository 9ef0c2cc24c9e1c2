#include "services/common/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace lamppost {
namespace {

using std::string_literals::operator""s;

// The plain encoding rule, to compare with.
std::string Encode(char32_t c) {
  auto tail = [&](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, EveryCodePointIsReadBackButForSurrogates) {
  for (char32_t c = 0; c < 0x120000; ++c) {
    const std::string text = Encode(c);
    const Utf8Character read = FirstUtf8Character(text + "x");
    if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff) {
      ASSERT_EQ(read.bytes, 0u) << static_cast<uint32_t>(c);
    } else {
      ASSERT_EQ(read.bytes, text.size()) << static_cast<uint32_t>(c);
      ASSERT_EQ(read.code_point, c);
    }
  }
}

TEST(Utf8, RefusesWhatIsNoCharacter) {
  for (const std::string& bad : {"\x80"s, "\xbf"s, "\xc0\x80"s, "\xc1\xbf"s, "\xc3"s, "\xc3("s,
                                 "\xe0\x80\x80"s, "\xe2\x82"s, "\xf0\x80\x80\x80"s, "\xf4\x90\x80\x80"s,
                                 "\xf8\x88\x80\x80\x80"s, "\xfe"s, "\xff"s, "\xed\xa0\x80"s}) {
    EXPECT_EQ(FirstUtf8Character(bad).bytes, 0u);
    EXPECT_FALSE(IsUtf8("good " + bad));
  }
  EXPECT_EQ(FirstUtf8Character("").bytes, 0u);
}

TEST(Utf8, AcceptsText) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa1"));
  EXPECT_TRUE(IsUtf8("a\0b"s));
}

}  // namespace
}  // namespace lamppost
