// The text forms of common/digest.h: they need no libcrypto, so a runner builds without it.
#include <array>
#include <cstdint>

#include "common/digest.h"

namespace skerry {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNotBase64 = 255;

constexpr auto kBase64Values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotBase64);
  for (std::size_t i = 0; i < kBase64Alphabet.size(); ++i) {
    values[static_cast<unsigned char>(kBase64Alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::uint32_t byte_at(std::string_view bytes, std::size_t i) {
  return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 15]);
  }
  return text;
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t group =
        byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    text.push_back(kBase64Alphabet[group >> 18]);
    text.push_back(kBase64Alphabet[group >> 12 & 63]);
    text.push_back(i + 1 < bytes.size() ? kBase64Alphabet[group >> 6 & 63] : '=');
    text.push_back(i + 2 < bytes.size() ? kBase64Alphabet[group & 63] : '=');
  }
  return text;
}

Result<std::string> from_base64(std::string_view text) {
  const auto refused = [] {
    return fail(
        ErrorCode::kInvalidArgument,
        "this is not base64: it takes A-Z, a-z, 0-9, + and / in groups of four, padded with =");
  };
  if (text.size() % 4 != 0) {
    return refused();
  }
  const std::size_t padding = text.ends_with("==") ? 2 : (text.ends_with("=") ? 1 : 0);
  const std::string_view digits = text.substr(0, text.size() - padding);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t pending = 0;
  int pending_bits = 0;
  for (const char c : digits) {
    const std::uint8_t value = kBase64Values[static_cast<unsigned char>(c)];
    if (value == kNotBase64) {
      return refused();
    }
    pending = pending << 6 | value;
    pending_bits += 6;
    if (pending_bits >= 8) {
      pending_bits -= 8;
      bytes.push_back(static_cast<char>(pending >> pending_bits & 0xff));
    }
    pending &= (1u << pending_bits) - 1;
  }
  if (pending != 0) {  // bits beyond the last byte: two texts would mean the same bytes
    return refused();
  }
  return bytes;
}

bool is_digest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  return text.size() == kPrefix.size() + 64 && text.starts_with(kPrefix) &&
         text.substr(kPrefix.size()).find_first_not_of(kHexDigits) == std::string_view::npos;
}

}  // namespace skerry
