// Values and their bytes: what is written reads back, and whatever else is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/values.h"

namespace skerry {
namespace {

using testing::HasSubstr;

Values sample_values() {
  const std::string floats("\0\0\x80\x3f\0\0\0\x40", 8);  // 1.0f, 2.0f
  return {{"x", Tensor{.dtype = DType::kF32, .shape = {1, 2}, .data = floats}},
          {"scalar", Tensor{.dtype = DType::kU8, .shape = {}, .data = std::string(1, '\x07')}},
          {"none", Tensor{.dtype = DType::kI64, .shape = {0, 3}, .data = {}}},
          {"", Media{.type = "image/png", .data = "not looked at"}},
          {"digit", Labels{{"7", 0.75f}, {"1", 0.25f}}}};
}

TEST(ValuesCodec, WritesTheDocumentedBytes) {
  const Values values = {
      {"x", Tensor{.dtype = DType::kI16, .shape = {2}, .data = std::string("\1\0\2\0", 4)}}};
  const std::string expected(
      "SKV1\1\0\0\0"
      "\0\5"
      "\1\0x"
      "\1"
      "\2\0\0\0\0\0\0\0"
      "\4\0\0\0\0\0\0\0"
      "\1\0\2\0",
      34);
  EXPECT_EQ(encode_values(values), expected);
}

TEST(ValuesCodec, ReadsBackWhatItWrote) {
  EXPECT_EQ(decode_values(encode_values(sample_values())), sample_values());
  EXPECT_EQ(decode_values(encode_values({})), Values{});
}

TEST(ValuesCodec, RefusesEveryTruncationAndAnythingBehindTheEnd) {
  const std::string whole = encode_values(sample_values());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto decoded = decode_values(
        std::string(whole.substr(0, length)));  // a copy, so that asan sees an overrun
    ASSERT_FALSE(decoded) << length;
    EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(decode_values(whole + '\0'));
  EXPECT_EQ(check_values(whole + '\0').error(), decode_values(whole + '\0').error());
  EXPECT_TRUE(check_values(whole));
}

TEST(ValuesCodec, SurvivesEveryByteReplaced) {
  const std::string whole = encode_values(sample_values());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char byte : {'\0', '\1', '\x7f', '\x80', '\xff'}) {
      std::string bent = whole;
      bent[at] = byte;
      const auto decoded = decode_values(bent);
      if (decoded) {  // what is accepted must be sound: it can be written and read again
        EXPECT_EQ(encode_values(*decoded), bent) << at;
      } else {
        EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument) << at;
      }
    }
  }
}

TEST(ValuesCodec, RefusesWhatIsOverItsLimits) {
  EXPECT_FALSE(decode_values(encode_values(Values(65, {"x", Media{}}))));
  EXPECT_TRUE(decode_values(encode_values(Values(64, {"x", Media{}}))));
  const Tensor rank_9{.dtype = DType::kU8, .shape = std::vector<std::int64_t>(9, 1), .data = "1"};
  EXPECT_FALSE(decode_values(encode_values({{"x", rank_9}})));
  const Tensor wrong_size{.dtype = DType::kF32, .shape = {2}, .data = "1234567"};
  const auto decoded = decode_values(encode_values({{"speed", wrong_size}}));
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, HasSubstr("'speed'"));
  EXPECT_THAT(decoded.error().message, HasSubstr("7 bytes"));
}

TEST(ElementCount, RefusesNegativeDimensionsAndOverflow) {
  using Shape = std::vector<std::int64_t>;
  EXPECT_EQ(element_count(Shape{}), 1);
  EXPECT_EQ(element_count(Shape{2, 3, 4}), 24);
  EXPECT_EQ(element_count(Shape{0, 5}), 0);
  EXPECT_FALSE(element_count(Shape{0, -1}));
  EXPECT_FALSE(element_count(Shape{1LL << 32, 1LL << 31}));
}

TEST(DTypes, NamesReadBack) {
  for (int i = 0; i < 9; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(parse_dtype(to_string(dtype)), dtype);
  }
  EXPECT_FALSE(parse_dtype("float"));
  EXPECT_EQ(size_bytes(DType::kF16), 2u);
}

}  // namespace
}  // namespace skerry
