#include "common/pki/openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include <chrono>
#include <ctime>

#include "common/check.h"

namespace skerry::pki {

std::string openssl_reason() {
  const unsigned long last = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = last == 0 ? nullptr : ERR_reason_error_string(last);
  return reason == nullptr ? "no reason given" : reason;
}

BioPtr reading(std::string_view bytes) {
  BioPtr bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  check(bio != nullptr, "there is memory for a BIO");
  return bio;
}

std::string written(BIO& bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string_view text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

Instant instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    openssl_reason();
    return Instant();  // 1970: a time that cannot be read has passed
  }
  return Instant(seconds(::timegm(&parts)));
}

std::int64_t unix_seconds(Instant t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

std::string to_text(Instant t) {
  const std::time_t at = unix_seconds(t);
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace skerry::pki
