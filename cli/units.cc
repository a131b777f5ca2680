#include "cli/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace skerry::cli {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 5> kTimeUnits = {
    {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}}};
constexpr std::array<Unit, 5> kByteUnits = {
    {{"B", 1}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}}};
constexpr std::array<Unit, 4> kJouleUnits = {{{"uJ", 1e-6}, {"mJ", 1e-3}, {"J", 1}, {"kJ", 1e3}}};

// Three digits: 1.24, 12.4, 124.
std::string three_digits(double value) {
  const int decimals = value >= 99.95 ? 0 : (value >= 9.995 ? 1 : 2);
  return fmt::format("{:.{}f}", value, decimals);
}

// In the largest unit that leaves at least 1; units ascend.
std::string scaled(double value, std::span<const Unit> units) {
  const Unit* chosen = &units.front();
  for (const Unit& unit : units) {
    if (value >= unit.factor) {
      chosen = &unit;
    }
  }
  const double number = value / chosen->factor;
  if (number == std::floor(number) && number < 1e4) {
    return fmt::format("{:.0f} {}", number, chosen->name);
  }
  return fmt::format("{} {}", three_digits(number), chosen->name);
}

std::string two_units(std::int64_t seconds) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (seconds >= kDay) {
    return fmt::format("{}d{}h", seconds / kDay, seconds % kDay / kHour);
  }
  if (seconds >= kHour) {
    return fmt::format("{}h{}m", seconds / kHour, seconds % kHour / kMinute);
  }
  return fmt::format("{}m{}s", seconds / kMinute, seconds % kMinute);
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) {
    return std::nullopt;
  }
  int value = 0;
  const char* first = text.data() + at;
  const auto [end, wrong] = std::from_chars(first, first + count, value);
  return wrong == std::errc() && end == first + count && value >= 0 ? std::optional(value)
                                                                    : std::nullopt;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

Result<Duration> parse_duration(std::string_view text) {
  const std::size_t split = text.find_first_not_of("0123456789.");
  const auto number = parse_number(text.substr(0, split));
  const std::string_view name = split == std::string_view::npos ? "" : text.substr(split);
  for (const Unit& unit : kTimeUnits) {
    if (number && name == unit.name) {
      return duration_from_seconds(*number * unit.factor);
    }
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no duration: write it like 250us, 500ms, 1.5s, 2m or 1h", text));
}

Result<std::pair<std::string, std::string>> parse_pair(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not of the form key=value", text));
  }
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

std::optional<Instant> parse_time(std::string_view text) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second || text.back() != 'Z') {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  double fraction = 0;
  if (text.size() > 21 && text[19] == '.') {
    fraction = parse_number(fmt::format("0.{}", text.substr(20, text.size() - 21))).value_or(0);
  }
  const Duration since_epoch = std::chrono::sys_days(date).time_since_epoch() + hours(*hour) +
                               minutes(*minute) + seconds(*second);
  return Instant(since_epoch + duration_from_seconds(fraction));
}

std::string human_ms(double ms) {
  if (!(ms > 0)) {
    return "0";
  }
  const double s = ms / 1000;
  if (s >= 60) {
    return two_units(std::llround(s));
  }
  return scaled(s, std::span(kTimeUnits).first(3));
}

std::string human_age(Duration age) {
  const std::int64_t s = std::max<std::int64_t>(0, age / seconds(1));
  if (s >= 2 * 86'400) {
    return fmt::format("{}d", s / 86'400);
  }
  if (s >= 2 * 3'600) {
    return fmt::format("{}h", s / 3'600);
  }
  return s >= 120 ? fmt::format("{}m", s / 60) : fmt::format("{}s", s);
}

std::string human_bytes(double bytes) { return bytes > 0 ? scaled(bytes, kByteUnits) : "0 B"; }

std::string human_joules(double joules) { return joules > 0 ? scaled(joules, kJouleUnits) : "0 J"; }

std::string human_usd(double usd) {
  if (!(usd > 0)) {
    return "$0";
  }
  if (usd < 1e-4) {
    return fmt::format("${:.1e}", usd);
  }
  return usd < 0.1 ? fmt::format("${:.4f}", usd) : fmt::format("${:.2f}", usd);
}

std::string human_percent(double fraction) {
  const double percent = fraction * 100;
  return std::abs(percent - std::round(percent)) < 1e-6 ? fmt::format("{:.0f} %", percent)
                                                        : fmt::format("{:.1f} %", percent);
}

}  // namespace skerry::cli
