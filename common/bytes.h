// bytes.h: writes and reads little-endian numbers and counted texts in a string of bytes: the base
// of the binary forms of common/values.h and of the runner's frames.
//
// A ByteReader never reads past its end: the first read that does not fit makes it fail for good,
// and every later read yields zeros and empty texts. So a decoder reads a whole record straight
// through and asks ok() before it believes any of it. A reader refers to the bytes and does not
// copy them.

#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace skerry {

static_assert(std::endian::native == std::endian::little,
              "the codecs copy numbers as they lie in memory");

class ByteWriter {
 public:
  template <typename T>
    requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
  void number(T value) {
    char raw_bytes[sizeof(T)];
    std::memcpy(raw_bytes, &value, sizeof(T));
    bytes_.append(raw_bytes, sizeof(T));
  }
  void raw(std::string_view bytes) { bytes_.append(bytes); }
  // A text behind its length; what the length's type cannot count is cut off.
  template <std::unsigned_integral Length>
  void text(std::string_view bytes) {
    const std::string_view kept = bytes.substr(0, std::numeric_limits<Length>::max());
    number(static_cast<Length>(kept.size()));
    raw(kept);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
    requires std::is_arithmetic_v<T>
  T number() {
    T value{};
    const std::string_view bytes = raw(sizeof(T));
    if (ok_) {
      std::memcpy(&value, bytes.data(), sizeof(T));
    }
    return value;
  }
  std::string_view raw(std::uint64_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }
  template <std::unsigned_integral Length>
  std::string_view text() {
    return raw(number<Length>());
  }

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  std::size_t remaining() const { return rest_.size(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace skerry
