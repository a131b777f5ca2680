#include "common/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>

#include "common/config_document.h"

namespace skerry {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr Unit kTimeUnits[] = {
    {"h", 3'600'000'000}, {"m", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}};
constexpr Unit kSizeUnits[] = {{"TiB", std::int64_t{1} << 40},
                               {"GiB", std::int64_t{1} << 30},
                               {"MiB", std::int64_t{1} << 20},
                               {"KiB", std::int64_t{1} << 10},
                               {"", 1}};

// "1.5GiB" -> 1.5 x 2^30, rounded.
std::optional<std::int64_t> parse_quantity(const std::string& text, std::span<const Unit> units) {
  double number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc()) {
    return std::nullopt;
  }
  const std::string_view name(end, text.data() + text.size());
  const auto unit = std::ranges::find(units, name, &Unit::name);
  const double value = unit == units.end() ? -1 : number * static_cast<double>(unit->factor);
  if (!(value >= 0 && value < 9e18)) {
    return std::nullopt;
  }
  return std::llround(value);
}

std::string render_quantity(std::int64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value % unit.factor == 0 && (value != 0 || unit.factor == 1)) {
      return fmt::format("{}{}", value / unit.factor, unit.name);
    }
  }
  return fmt::format("{}{}", value, units.back().name);
}

bool is_text(const YAML::Node& node) { return node.IsScalar() && node.Scalar().size() <= 4096; }

}  // namespace

struct ConfigReader::State {
  ConfigDocument document;

  // The setting as converted from its source, or the fallback; either way noted as read.
  template <typename T, typename Convert, typename Render>
  T read(const std::string& path, T fallback, std::string_view rule, Convert convert,
         Render render) {
    T result = std::move(fallback);
    if (const auto value = document.find(path)) {
      std::optional<T> converted = convert(value->node);
      if (converted) {
        result = std::move(*converted);
      } else {
        document.issue(path, value->origin, fmt::format("must be {}", rule));
      }
    }
    document.read_as(path, YAML::Node(render(result)));
    return result;
  }
};

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

std::string usual_config_file(std::string_view part) {
  std::string path = fmt::format("/etc/skerry/{}.yaml", part);
  std::error_code error;
  return std::filesystem::exists(path, error) ? path : std::string();
}

Result<std::string> read_config_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kNotFound, fmt::format("cannot open the configuration '{}'", path));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad() || (file.fail() && !file.eof())) {
    return fail(ErrorCode::kIo, fmt::format("cannot read the configuration '{}'", path));
  }
  if (text.size() > kMaxFileBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("the configuration '{}' is larger than 1 MiB", path));
  }
  return text;
}

Result<std::pair<std::string, std::string>> parse_setting(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is not a setting: write it as cpu.share=0.5", text));
  }
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

ConfigReader::ConfigReader(ConfigInput input)
    : state_(std::make_unique<State>(State{ConfigDocument(std::move(input))})) {}
ConfigReader::~ConfigReader() = default;

ConfigFields ConfigReader::root() { return {*state_, ""}; }
Status ConfigReader::finish() { return state_->document.finish(); }
std::string ConfigReader::effective() const { return state_->document.effective(); }

std::string ConfigFields::path_to(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

std::string ConfigFields::text(std::string_view key, std::string_view fallback) {
  return reader_->read<std::string>(
      path_to(key), std::string(fallback), "a text",
      [](const YAML::Node& node) {
        return is_text(node) ? std::optional(node.Scalar()) : std::nullopt;
      },
      [](const std::string& value) { return value; });
}

std::string ConfigFields::required_text(std::string_view key) {
  std::string value = text(key);
  if (value.empty()) {
    issue(key, "must be set");
  }
  return value;
}

std::string ConfigFields::choice(std::string_view key, std::string_view fallback,
                                 const std::vector<std::string>& known) {
  return reader_->read<std::string>(
      path_to(key), std::string(fallback), fmt::format("one of {}", fmt::join(known, ", ")),
      [&](const YAML::Node& node) {
        return node.IsScalar() && std::ranges::find(known, node.Scalar()) != known.end()
                   ? std::optional(node.Scalar())
                   : std::nullopt;
      },
      [](const std::string& value) { return value; });
}

bool ConfigFields::boolean(std::string_view key, bool fallback) {
  return reader_->read<bool>(
      path_to(key), fallback, "true or false",
      [](const YAML::Node& node) -> std::optional<bool> {
        const std::string text = node.IsScalar() ? node.Scalar() : "";
        return text == "true"    ? std::optional(true)
               : text == "false" ? std::optional(false)
                                 : std::nullopt;
      },
      [](bool value) { return value; });
}

std::int64_t ConfigFields::integer(std::string_view key, std::int64_t fallback, std::int64_t lowest,
                                   std::int64_t highest) {
  return reader_->read<std::int64_t>(
      path_to(key), fallback, fmt::format("a whole number from {} to {}", lowest, highest),
      [&](const YAML::Node& node) -> std::optional<std::int64_t> {
        const std::string text = node.IsScalar() ? node.Scalar() : "";
        std::int64_t value = 0;
        const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool whole = wrong == std::errc() && end == text.data() + text.size();
        return whole && value >= lowest && value <= highest ? std::optional(value) : std::nullopt;
      },
      [](std::int64_t value) { return value; });
}

double ConfigFields::number(std::string_view key, double fallback, double lowest, double highest) {
  return reader_->read<double>(
      path_to(key), fallback, fmt::format("a number from {} to {}", lowest, highest),
      [&](const YAML::Node& node) -> std::optional<double> {
        const std::string text = node.IsScalar() ? node.Scalar() : "";
        double value = 0;
        const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool whole = wrong == std::errc() && end == text.data() + text.size();
        return whole && value >= lowest && value <= highest ? std::optional(value) : std::nullopt;
      },
      [](double value) { return fmt::format("{}", value); });
}

Duration ConfigFields::duration(std::string_view key, Duration fallback, Duration lowest,
                                Duration highest) {
  const auto render = [](Duration value) { return render_quantity(value.count(), kTimeUnits); };
  return reader_->read<Duration>(
      path_to(key), fallback,
      fmt::format("a time from {} to {}, such as 500ms", render(lowest), render(highest)),
      [&](const YAML::Node& node) -> std::optional<Duration> {
        const auto us = parse_quantity(node.IsScalar() ? node.Scalar() : "", kTimeUnits);
        const bool fits = us && Duration(*us) >= lowest && Duration(*us) <= highest;
        return fits ? std::optional(Duration(*us)) : std::nullopt;
      },
      render);
}

std::uint64_t ConfigFields::size_bytes(std::string_view key, std::uint64_t fallback,
                                       std::uint64_t lowest, std::uint64_t highest) {
  const auto render = [](std::uint64_t value) {
    return render_quantity(static_cast<std::int64_t>(value), kSizeUnits);
  };
  return reader_->read<std::uint64_t>(
      path_to(key), fallback,
      fmt::format("a size from {} to {}, such as 512MiB", render(lowest), render(highest)),
      [&](const YAML::Node& node) -> std::optional<std::uint64_t> {
        const auto parsed = parse_quantity(node.IsScalar() ? node.Scalar() : "", kSizeUnits);
        const std::uint64_t bytes = parsed ? static_cast<std::uint64_t>(*parsed) : 0;
        return parsed && bytes >= lowest && bytes <= highest ? std::optional(bytes) : std::nullopt;
      },
      render);
}

std::vector<std::string> ConfigFields::texts(std::string_view key,
                                             std::vector<std::string> fallback) {
  return reader_->read<std::vector<std::string>>(
      path_to(key), std::move(fallback), "a list of texts",
      [](const YAML::Node& node) -> std::optional<std::vector<std::string>> {
        std::vector<std::string> items;
        for (const auto& item : node) {
          if (!node.IsSequence() || !is_text(item)) {
            return std::nullopt;
          }
          items.push_back(item.Scalar());
        }
        return node.IsSequence() ? std::optional(std::move(items)) : std::nullopt;
      },
      [](const std::vector<std::string>& items) {
        YAML::Node list(YAML::NodeType::Sequence);
        for (const auto& item : items) {
          list.push_back(item);
        }
        return list;
      });
}

std::vector<std::int64_t> ConfigFields::integers(std::string_view key, std::int64_t lowest,
                                                 std::int64_t highest) {
  std::vector<std::int64_t> numbers;
  for (const std::string& item : texts(key)) {
    std::int64_t value = 0;
    const auto [end, wrong] = std::from_chars(item.data(), item.data() + item.size(), value);
    if (wrong != std::errc() || end != item.data() + item.size() || value < lowest ||
        value > highest) {
      issue(key, fmt::format("must be a list of whole numbers from {} to {}", lowest, highest));
      return {};
    }
    numbers.push_back(value);
  }
  return numbers;
}

std::vector<double> ConfigFields::numbers(std::string_view key, std::vector<double> fallback,
                                          double lowest, double highest) {
  return reader_->read<std::vector<double>>(
      path_to(key), std::move(fallback),
      fmt::format("a list of numbers from {} to {}", lowest, highest),
      [&](const YAML::Node& node) -> std::optional<std::vector<double>> {
        std::vector<double> numbers;
        for (const auto& item : node) {
          const std::string text = node.IsSequence() && item.IsScalar() ? item.Scalar() : "";
          double value = 0;
          const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
          if (wrong != std::errc() || end != text.data() + text.size() || value < lowest ||
              value > highest) {
            return std::nullopt;
          }
          numbers.push_back(value);
        }
        return node.IsSequence() ? std::optional(std::move(numbers)) : std::nullopt;
      },
      [](const std::vector<double>& numbers) {
        YAML::Node list(YAML::NodeType::Sequence);
        for (const double number : numbers) {
          list.push_back(fmt::format("{}", number));
        }
        return list;
      });
}

std::map<std::string, std::string> ConfigFields::text_map(std::string_view key) {
  using Map = std::map<std::string, std::string>;
  return reader_->read<Map>(
      path_to(key), {}, "a mapping of texts",
      [](const YAML::Node& node) -> std::optional<Map> {
        Map map;
        for (const auto& entry : node) {
          if (!node.IsMap() || !is_text(entry.first) || !is_text(entry.second)) {
            return std::nullopt;
          }
          map[entry.first.Scalar()] = entry.second.Scalar();
        }
        return node.IsMap() ? std::optional(std::move(map)) : std::nullopt;
      },
      [](const Map& map) {
        YAML::Node mapping(YAML::NodeType::Map);
        for (const auto& [name, value] : map) {
          mapping[name] = value;
        }
        return mapping;
      });
}

ConfigFields ConfigFields::section(std::string_view key) {
  ConfigFields fields(*reader_, path_to(key));
  reader_->document.read_section(fields.path_);
  if (const auto node = reader_->document.find_section(fields.path_);
      node && !node->IsMap() && !node->IsNull()) {
    issue(key, "must be a mapping of settings");
  }
  return fields;
}

std::vector<ConfigFields> ConfigFields::sections(std::string_view key) {
  std::vector<ConfigFields> items;
  const std::string path = path_to(key);
  reader_->document.read_section(path);
  const auto node = reader_->document.find_section(path);
  if (!node || node->IsNull()) {
    return items;
  }
  const bool mappings =
      node->IsSequence() &&
      std::all_of(node->begin(), node->end(), [](const auto& item) { return item.IsMap(); });
  if (!mappings) {
    issue(key, "must be a list of mappings");
    return items;
  }
  for (std::size_t i = 0; i < node->size(); ++i) {
    items.push_back(ConfigFields(*reader_, fmt::format("{}[{}]", path, i)));
  }
  return items;
}

bool ConfigFields::has(std::string_view key) const {
  return reader_->document.find(path_to(key)).has_value();
}

void ConfigFields::issue(std::string_view key, std::string message) {
  const std::string path = path_to(key);
  reader_->document.issue(path, reader_->document.origin_of(path), std::move(message));
}

}  // namespace skerry
