#include "common/ids.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry {

namespace {

constexpr std::string_view kBase32Hex = "0123456789abcdefghijklmnopqrstuv";
constexpr int kJobDigits = 13;  // 13 * 5 = 65 bits

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

Result<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = kBase32Hex.find(c);
    if (digit >= 16) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is not lower-case hex", text));
    }
    value = (value << 4) | digit;
  }
  return value;
}

}  // namespace

std::string to_string(JobId id) {
  std::string text(kJobDigits + 1, 'j');
  std::uint64_t rest = id.value;
  for (int i = kJobDigits; i > 0; --i) {
    text[static_cast<std::size_t>(i)] = kBase32Hex[rest & 31];
    rest >>= 5;
  }
  return text;
}

std::string to_string(AttemptUid uid) { return fmt::format("{:016x}{:016x}", uid.high, uid.low); }

Result<JobId> parse_job_id(std::string_view text) {
  const auto bad = [&] {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is not a job id; one looks like 'j0000008000001'", text.substr(0, 64)));
  };
  if (text.size() != kJobDigits + 1 || text[0] != 'j' || (text[1] != '0' && text[1] > 'f')) {
    return bad();
  }
  std::uint64_t value = 0;
  for (const char c : text.substr(1)) {
    const auto digit = kBase32Hex.find(c);
    if (digit == std::string_view::npos) {
      return bad();
    }
    value = (value << 5) | digit;
  }
  JobId id;
  id.value = value;
  return id;
}

Result<AttemptUid> parse_attempt_uid(std::string_view text) {
  if (text.size() != 32) {
    return fail(ErrorCode::kInvalidArgument, "an attempt uid has 32 hex digits");
  }
  auto high = parse_hex(text.substr(0, 16));
  if (!high) {
    return fail(std::move(high).error());
  }
  auto low = parse_hex(text.substr(16));
  if (!low) {
    return fail(std::move(low).error());
  }
  return AttemptUid{*high, *low};
}

Status validate_name(std::string_view what, std::string_view name) {
  const bool shaped = !name.empty() && name.size() <= 63 && is_alphanumeric(name.front()) &&
                      is_alphanumeric(name.back()) && std::ranges::all_of(name, [](char c) {
                        return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
                      });
  if (shaped) {
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} '{}' must be 1 to 63 characters of a-z, 0-9, '.', '_' or '-', with a "
                          "letter or digit first "
                          "and last",
                          what, name.substr(0, 80)));
}

std::string whole_model_name(std::string_view ns, std::string_view name) {
  return ns.empty() ? std::string(name) : fmt::format("{}/{}", ns, name);
}

std::string_view namespace_of_model(std::string_view whole) {
  const auto slash = whole.find('/');
  return slash == std::string_view::npos ? std::string_view() : whole.substr(0, slash);
}

std::string_view bare_model_name(std::string_view whole) {
  return whole.substr(whole.find('/') + 1);
}

Status validate_model_name(std::string_view whole) {
  if (whole.find('/') != std::string_view::npos) {
    if (Status valid = validate_name("the model's namespace", namespace_of_model(whole)); !valid) {
      return valid;
    }
  }
  return validate_name("model name", bare_model_name(whole));
}

}  // namespace skerry
