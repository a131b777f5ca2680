// units.h: quantities as people write and read them: durations, bytes, energy, money, ages, and RFC
// 3339 times.
//
// Writing picks the unit so that three digits tell: "1.24 ms", "3m5s", "12.3 MiB". Pure; call from
// anywhere.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "common/time.h"

namespace skerry::cli {

// "250us", "500ms", "1.5s", "2m", "1h"; kInvalidArgument for anything else, a number without a unit
// included.
Result<Duration> parse_duration(std::string_view text);
// "key=value", the key not empty; kInvalidArgument.
Result<std::pair<std::string, std::string>> parse_pair(std::string_view text);
// A finite number, all of the text.
std::optional<double> parse_number(std::string_view text);
// "2026-01-31T12:00:00.123Z"
std::optional<Instant> parse_time(std::string_view text);

std::string human_ms(
    double ms);  // a length of time: "0", "85 us", "1.24 ms", "2.5 s", "3m5s", "4h12m", "3d2h"
std::string human_age(Duration age);      // the same in whole units: "0s", "45s", "12m", "5h", "3d"
std::string human_bytes(double bytes);    // "0 B", "512 B", "1.50 KiB", "12.3 MiB"
std::string human_joules(double joules);  // "850 uJ", "12.0 mJ", "1.50 J", "2.10 kJ"
std::string human_usd(double usd);        // "$0", "$1.20", "$0.0040", "$1.2e-08"
std::string human_percent(double fraction);  // "0 %", "4.2 %", "97 %"

}  // namespace skerry::cli
