// config_document.h: the YAML side of common/config.h: finds a setting in flags, environment and
// file, in that order.
//
// A path is "cpu.share" or "links[1].name". Includes yaml-cpp, so only common/config.cc includes
// this.

#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/config.h"

namespace skerry {

// "cpu.share" -> "SKERRY_AGENT_CPU_SHARE"
std::string variable_name(std::string_view prefix, std::string_view path);

struct ConfigValue {
  YAML::Node node;
  std::string origin;  // "agent.yaml:7", "SKERRY_AGENT_CPU_SHARE", "--set cpu.share"
};

class ConfigDocument {
 public:
  explicit ConfigDocument(ConfigInput input);

  // A setting as a whole, from whichever source wins.
  std::optional<ConfigValue> find(const std::string& path);
  // A section, or a list of them, from the file or from what stands over it as a whole.
  std::optional<YAML::Node> find_section(const std::string& path) const;

  void issue(const std::string& path, const std::string& origin, std::string message);
  // Where to look for the cause of an issue about a setting: its source, or the file if it is not
  // set.
  std::string origin_of(const std::string& path);
  // Notes what was read, for effective() and for telling unknown keys.
  void read_as(const std::string& path, const YAML::Node& value);
  // A variable or a flag for the section as a whole takes the place of the file's.
  void read_section(const std::string& path);

  Status finish();
  std::string effective() const;

 private:
  enum class Read : std::uint8_t { kSection, kWhole };

  void load();
  void check_header();
  std::optional<ConfigValue> find_over_file(const std::string& path);
  std::optional<ConfigValue> parse(const std::string& text, const std::string& path,
                                   std::string origin);
  void check_keys(const YAML::Node& mapping, const std::string& path);
  std::string line_of(const YAML::Node& node) const;
  std::string place_of(const std::string& path, const YAML::Node& node) const;

  ConfigInput input_;
  YAML::Node root_;
  std::map<std::string, std::string> replaced_;  // sections that are not the file's -> their origin
  std::map<std::string, Read> read_;
  std::vector<std::pair<std::string, YAML::Node>> values_;  // in order of reading
  std::vector<FieldIssue> issues_;
};

}  // namespace skerry
