// command.h: the tree of commands and their options: a thin front to CLI11, which command.cc alone
// includes.
//
// Each command group adds its part (commands.h). An option is added with the variable that it
// fills, which must outlive the parsing: groups keep theirs in a shared_ptr that their action
// holds, too. What an option's value can be is told once, here, and serves the parser, the help and
// the shells' completion.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/context.h"
#include "common/time.h"

namespace CLI {  // NOLINT(readability-identifier-naming): theirs
class App;
class Option;
}  // namespace CLI

namespace skerry::cli {

// What a shell may complete a value with.
enum class Values : std::uint8_t { kAny, kFiles, kNodes, kJobs, kModels, kPolicies };

struct Flag {
  std::string names;  // "-f,--file"; without a dash, a positional: "NAME"
  std::string help;
  std::string value = {};                 // how help calls the value, "DURATION"
  std::vector<std::string> choices = {};  // no other value is taken
  Values values = Values::kAny;
  bool required = false;
};

struct TreeState;

class Command {
 public:
  Command(TreeState& tree, CLI::App& app) : tree_(tree), app_(app) {}

  // A command below this one; exactly one of a command's subcommands must be given.
  Command sub(const std::string& name, const std::string& help,
              const std::vector<std::string>& aliases = {});

  void add(const Flag& flag, bool& into);  // a switch
  void add(const Flag& flag, std::string& into);
  // An option that may be given several times; a positional that takes the rest.
  void add(const Flag& flag, std::vector<std::string>& into);
  void add(const Flag& flag, std::optional<double>& into);
  void add(const Flag& flag, std::int64_t& into);  // 0 or more
  void add(const Flag& flag, std::optional<Duration>& into);

  void example(const std::string& text);  // shown below the help
  void on_run(Action action);

 private:
  CLI::Option& register_option(const Flag& flag, CLI::Option* option);

  TreeState& tree_;
  CLI::App& app_;
};

// One proposal to a shell: a word, and what it is.
struct Proposal {
  std::string word;
  std::string help;
};
// How to go on at the end of a half-typed line: fixed words, or values that somebody else knows.
struct Completion {
  std::vector<Proposal> proposals;
  Values values = Values::kAny;
};

class CommandTree {
 public:
  CommandTree(const std::string& name, const std::string& help);
  ~CommandTree();
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  Command root();
  void set_version(const std::string& text);

  // The chosen command's action; or the exit code, where help was printed or the words are wrong.
  std::variant<Action, ExitCode> parse(int argc, const char* const* argv);
  // The words after the program's name; the last is the one under the cursor, maybe empty.
  Completion complete(const std::vector<std::string>& words) const;

 private:
  std::unique_ptr<TreeState> state_;
};

}  // namespace skerry::cli
