// config.h: reads a daemon's configuration: one YAML file, environment variables over it, flags
// over both.
//
// A reader asks for each setting by key, with its fallback and limits, straight through; whatever
// is wrong is gathered and told at once by finish(): each issue names where the value came from
// ("agent.yaml:7", "SKERRY_AGENT_CPU_SHARE",
// "--set cpu.share") and the setting ("cpu.share"). Keys of the file that were never asked for are
// issues too.
//
// A setting "cpu.share" is overridden by the variable <PREFIX>_CPU_SHARE; both it and a flag's
// value are read as YAML, so lists and maps are written "[0, 1]" and "{a: b}". So are whole sections and
// lists of sections, "[{name: a, file: b}]", which then take the place of the file's; elements of a list cannot
// be overridden one by one. Unknown variables are not issues: Kubernetes adds its own under a service's
// name.
//
// Exceptions of yaml-cpp end here. Not thread-safe; use at start-up and throw away.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/time.h"

namespace skerry {

using Environment = std::function<std::optional<std::string>(const std::string& name)>;
Environment process_environment();

struct ConfigInput {
  std::string kind;                          // the file's `kind`, e.g. "AgentConfig"
  std::string text;                          // the YAML document; empty = nothing set
  std::string origin;                        // its file name, for messages
  std::string env_prefix;                    // "SKERRY_AGENT"
  Environment environment;                   // empty = none
  std::map<std::string, std::string> flags;  // setting -> value as YAML
};

// Where an installed program has its configuration, /etc/skerry/PART.yaml, if there is a file; else empty.
std::string usual_config_file(std::string_view part);
// The text of a configuration file (at most 1 MiB); kNotFound, kIo, kTooLarge.
Result<std::string> read_config_file(const std::string& path);

// Splits the argument of a flag --set, "cpu.share=0.5"; kInvalidArgument.
Result<std::pair<std::string, std::string>> parse_setting(std::string_view text);

class ConfigFields;

class ConfigReader {
 public:
  // A document that is not YAML, or of another kind, is an issue like any other; then every read
  // yields its fallback.
  explicit ConfigReader(ConfigInput input);
  ~ConfigReader();
  ConfigReader(const ConfigReader&) = delete;
  ConfigReader& operator=(const ConfigReader&) = delete;

  ConfigFields root();
  // kInvalidArgument with every issue found, one a line in the message. Call once, after the last
  // read.
  Status finish();
  // Everything that was read, as it now stands, as a YAML document; for --print-config.
  std::string effective() const;

 private:
  friend class ConfigFields;
  struct State;
  std::unique_ptr<State> state_;
};

// One mapping of the document. Refers to its reader, which outlives it; cheap to copy.
class ConfigFields {
 public:
  std::string text(std::string_view key, std::string_view fallback = {});
  std::string required_text(std::string_view key);
  // One of a list of words.
  std::string choice(std::string_view key, std::string_view fallback,
                     const std::vector<std::string>& known);
  bool boolean(std::string_view key, bool fallback);
  std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t lowest,
                       std::int64_t highest);
  double number(std::string_view key, double fallback, double lowest, double highest);
  // "250us", "500ms", "10s", "5m", "1h".
  Duration duration(std::string_view key, Duration fallback, Duration lowest, Duration highest);
  // 1048576, "512KiB", "20MiB", "2GiB", "1TiB".
  std::uint64_t size_bytes(std::string_view key, std::uint64_t fallback, std::uint64_t lowest,
                           std::uint64_t highest);
  std::vector<std::string> texts(std::string_view key, std::vector<std::string> fallback = {});
  std::vector<std::int64_t> integers(std::string_view key, std::int64_t lowest,
                                     std::int64_t highest);
  std::vector<double> numbers(std::string_view key, std::vector<double> fallback, double lowest,
                              double highest);
  std::map<std::string, std::string> text_map(std::string_view key);

  ConfigFields section(std::string_view key);  // a mapping; an empty one if it is missing
  std::vector<ConfigFields> sections(std::string_view key);  // a list of mappings

  bool has(std::string_view key) const;  // set by file, variable or flag
  void issue(std::string_view key,
             std::string message);  // for rules that the reads above cannot tell

 private:
  friend class ConfigReader;
  ConfigFields(ConfigReader::State& reader, std::string path)
      : reader_(&reader), path_(std::move(path)) {}
  std::string path_to(std::string_view key) const;

  ConfigReader::State* reader_;
  std::string path_;  // "cpu", or "links[1]" inside a list
};

}  // namespace skerry
