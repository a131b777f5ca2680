#include "common/config_document.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "common/yaml_documents.h"

namespace skerry {
namespace {

struct Step {
  std::string key;
  std::vector<std::size_t> indices;
};

std::vector<Step> steps_of(const std::string& path) {
  std::vector<Step> steps;
  std::size_t at = 0;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('.', at), path.size());
    std::string part = path.substr(at, end - at);
    Step step;
    const std::size_t bracket = part.find('[');
    step.key = part.substr(0, bracket);
    for (std::size_t open = bracket; open != std::string::npos; open = part.find('[', open + 1)) {
      step.indices.push_back(std::stoul(part.substr(open + 1)));
    }
    steps.push_back(std::move(step));
    at = end + 1;
  }
  return steps;
}

// YAML::Node's assignment writes into the document; reset() only moves the handle.
std::optional<YAML::Node> walk(const YAML::Node& root, const std::string& path) {
  YAML::Node at;
  at.reset(root);
  for (const Step& step : steps_of(path)) {
    const YAML::Node& mapping = at;
    if (!mapping.IsMap() || !mapping[step.key]) {
      return std::nullopt;
    }
    at.reset(mapping[step.key]);
    for (const std::size_t index : step.indices) {
      const YAML::Node& list = at;
      if (!list.IsSequence() || index >= list.size()) {
        return std::nullopt;
      }
      at.reset(list[index]);
    }
  }
  return at;
}

void put(const YAML::Node& root, const std::string& path, const YAML::Node& value) {
  YAML::Node at;
  at.reset(root);
  for (const Step& step : steps_of(path)) {
    at.reset(at[step.key]);
    for (const std::size_t index : step.indices) {
      while (at.size() <= index) {
        at.push_back(YAML::Node(YAML::NodeType::Map));
      }
      at.reset(at[index]);
    }
  }
  at = value;
}

}  // namespace

std::string variable_name(std::string_view prefix, std::string_view path) {
  std::string name(prefix);
  name.push_back('_');
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name.push_back(!plain ? '_' : (c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c));
  }
  return name;
}

ConfigDocument::ConfigDocument(ConfigInput input) : input_(std::move(input)) { load(); }

void ConfigDocument::load() {
  if (input_.text.empty()) {
    return;
  }
  try {
    const std::vector<YAML::Node> documents = load_yaml_documents(input_.text);
    if (documents.size() > 1) {
      issue("", input_.origin, "holds more than one document");
    }
    if (!documents.empty() && documents[0].IsMap()) {
      root_.reset(documents[0]);
      check_header();
    } else if (!documents.empty() && !documents[0].IsNull()) {
      issue("", input_.origin, "must be a mapping of settings");
    }
  } catch (const YAML::Exception& error) {
    issue("", fmt::format("{}:{}", input_.origin, error.mark.line + 1), error.msg);
  }
}

void ConfigDocument::check_header() {
  const YAML::Node& root = root_;
  for (const auto& [key, wanted] :
       {std::pair<std::string, std::string>{"apiVersion", "skerry/v1"}, {"kind", input_.kind}}) {
    const YAML::Node found = root[key];
    if (!found) {
      issue(key, input_.origin, fmt::format("is missing: must be '{}'", wanted));
    } else if (!found.IsScalar() || found.Scalar() != wanted) {
      issue(key, line_of(found), fmt::format("must be '{}'", wanted));
    }
    read_[key] = Read::kWhole;
  }
}

std::string ConfigDocument::line_of(const YAML::Node& node) const {
  return fmt::format("{}:{}", input_.origin, node.Mark().line + 1);
}

std::optional<ConfigValue> ConfigDocument::parse(const std::string& text, const std::string& path,
                                                 std::string origin) {
  try {
    return ConfigValue{YAML::Load(text), std::move(origin)};
  } catch (const YAML::Exception& error) {
    issue(path, origin, error.msg);
    return std::nullopt;
  }
}

// Where the node at a path comes from: its line, unless a section around it was replaced.
std::string ConfigDocument::place_of(const std::string& path, const YAML::Node& node) const {
  for (const auto& [section, origin] : replaced_) {
    if (path.starts_with(section) && (path.size() == section.size() ||
                                      path[section.size()] == '.' || path[section.size()] == '[')) {
      return origin;
    }
  }
  return line_of(node);
}

std::optional<ConfigValue> ConfigDocument::find_over_file(const std::string& path) {
  if (const auto flag = input_.flags.find(path); flag != input_.flags.end()) {
    return parse(flag->second, path, "--set " + path);
  }
  if (input_.environment && path.find('[') == std::string::npos) {
    const std::string variable = variable_name(input_.env_prefix, path);
    if (const auto value = input_.environment(variable)) {
      return parse(*value, path, variable);
    }
  }
  return std::nullopt;
}

std::optional<ConfigValue> ConfigDocument::find(const std::string& path) {
  if (auto value = find_over_file(path)) {
    return value;
  }
  if (auto node = find_section(path)) {
    return ConfigValue{*node, place_of(path, *node)};
  }
  return std::nullopt;
}

std::optional<YAML::Node> ConfigDocument::find_section(const std::string& path) const {
  return walk(root_, path);
}

void ConfigDocument::issue(const std::string& path, const std::string& origin,
                           std::string message) {
  const std::string where = origin.empty() ? "" : origin + ": ";
  issues_.push_back({path, where + (path.empty() ? "" : path + " ") + std::move(message)});
}

std::string ConfigDocument::origin_of(const std::string& path) {
  const auto value = find(path);
  return value ? value->origin : input_.origin;
}

void ConfigDocument::read_as(const std::string& path, const YAML::Node& value) {
  read_[path] = Read::kWhole;
  values_.emplace_back(path, value);
}

void ConfigDocument::read_section(const std::string& path) {
  const bool first = read_.emplace(path, Read::kSection).second;
  if (const auto value = first ? find_over_file(path) : std::nullopt) {
    put(root_, path, value->node);
    replaced_[path] = value->origin;
  }
}

void ConfigDocument::check_keys(const YAML::Node& mapping, const std::string& path) {
  std::set<std::string> seen;
  for (const auto& entry : mapping) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
    const std::string here = path.empty() ? key : fmt::format("{}.{}", path, key);
    const auto read = read_.find(here);
    if (!seen.insert(key).second) {
      issue(here, place_of(here, entry.first), "is set twice");
    } else if (read == read_.end()) {
      issue(here, place_of(here, entry.first), "is not a known setting");
    } else if (read->second == Read::kSection && entry.second.IsMap()) {
      check_keys(entry.second, here);
    } else if (read->second == Read::kSection && entry.second.IsSequence()) {
      for (std::size_t i = 0; i < entry.second.size(); ++i) {
        check_keys(entry.second[i], fmt::format("{}[{}]", here, i));
      }
    }
  }
}

Status ConfigDocument::finish() {
  if (root_.IsMap()) {
    check_keys(root_, "");
  }
  for (const auto& [path, value] : input_.flags) {
    if (!read_.contains(path)) {
      issue(path, "--set", "is not a known setting");
    }
  }
  if (issues_.empty()) {
    return {};
  }
  std::vector<std::string> lines;
  lines.reserve(issues_.size());
  for (const FieldIssue& found : issues_) {
    lines.push_back(found.message);
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}", fmt::join(lines, "\n")), issues_);
}

std::string ConfigDocument::effective() const {
  YAML::Node root(YAML::NodeType::Map);
  root["apiVersion"] = "skerry/v1";
  root["kind"] = input_.kind;
  for (const auto& [path, value] : values_) {
    put(root, path, value);
  }
  return YAML::Dump(root) + "\n";
}

}  // namespace skerry
