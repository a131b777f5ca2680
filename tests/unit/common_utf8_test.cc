#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "common/utf8.h"

namespace skerry {
namespace {

TEST(Utf8, MeasuresTheCharacterAtTheFrontAndRefusesWhatIsNone) {
  const std::vector<std::pair<std::string_view, std::size_t>> cases = {
      {"", 0},
      {std::string_view("\0x", 2), 1},
      {"ab", 1},
      {"\xC3\xA9x", 2},
      {"\xE2\x82\xAC", 3},
      {"\xF0\x9F\x99\x82", 4},
      {"\x80", 0},              // a tail alone
      {"\xC3", 0},              // cut off
      {"\xE2\x82", 0},          // cut off
      {"\xC0\xAF", 0},          // overlong
      {"\xE0\x80\xAF", 0},      // overlong
      {"\xED\xA0\x80", 0},      // a surrogate
      {"\xF4\x90\x80\x80", 0},  // beyond U+10FFFF
      {"\xFF", 0},
  };
  for (const auto& [text, length] : cases) {
    EXPECT_EQ(utf8_length(text), length) << testing::PrintToString(text);
  }
}

TEST(Utf8, ATextIsOneIfAllOfItIs) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("caf\xc3\xa9"));
  EXPECT_FALSE(is_utf8("caf\xc3"));
  EXPECT_FALSE(
      is_utf8("\xff"
              "caf"));
}

TEST(Utf8, WhatIsShownIsValidHoldsNoControlCharactersAndIsOfBoundedLength) {
  EXPECT_EQ(printable("caf\xc3\xa9 \xff\xc0\xaf \xed\xa0\x80", 100), "caf\xc3\xa9 ??? ???");
  EXPECT_EQ(printable("\xc3\xa9\xc3\xa9", 3), "\xc3\xa9");
  EXPECT_EQ(printable("\xe2\x82", 9), "??");
  EXPECT_EQ(printable("a\x1b[2J\r\nb\tc\x7f", 100), "a?[2J?\nb\tc?");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m\xc2\xa0",
                      100),
            "?31m\xc2\xa0");
}

}  // namespace
}  // namespace skerry
