#include "cli/command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "cli/units.h"

namespace skerry::cli {

struct TreeState {
  CLI::App app;
  Action chosen;
  struct Facts {
    std::vector<std::string> choices;
    Values values = Values::kAny;
  };
  std::map<const CLI::Option*, Facts> facts;
};

Command Command::sub(const std::string& name, const std::string& help,
                     const std::vector<std::string>& aliases) {
  CLI::App* child = app_.add_subcommand(name, help);
  for (const std::string& alias : aliases) {
    child->alias(alias);
  }
  app_.require_subcommand(1);
  return {tree_, *child};
}

CLI::Option& Command::register_option(const Flag& flag, CLI::Option* option) {
  option->required(flag.required);
  if (!flag.choices.empty()) {
    option->check(CLI::IsMember(flag.choices).description(""));
    option->type_name(fmt::format("{}", fmt::join(flag.choices, "|")));
  } else if (!flag.value.empty()) {
    option->type_name(flag.value);
  }
  tree_.facts[option] = {.choices = flag.choices, .values = flag.values};
  return *option;
}

void Command::add(const Flag& flag, bool& into) {
  register_option(flag, app_.add_flag(flag.names, into, flag.help));
}

void Command::add(const Flag& flag, std::string& into) {
  register_option(flag, app_.add_option(flag.names, into, flag.help));
}

void Command::add(const Flag& flag, std::vector<std::string>& into) {
  CLI::Option& option = register_option(flag, app_.add_option(flag.names, into, flag.help));
  if (!option.get_positional()) {
    option.expected(1)->allow_extra_args(false)->multi_option_policy(
        CLI::MultiOptionPolicy::TakeAll);
  }
}

void Command::add(const Flag& flag, std::optional<double>& into) {
  auto* option = app_.add_option(
      flag.names,
      [&into](const CLI::results_t& words) {
        into = parse_number(words.front());
        return into.has_value();
      },
      flag.help);
  register_option(flag, option->type_size(1));
}

void Command::add(const Flag& flag, std::int64_t& into) {
  register_option(flag, app_.add_option(flag.names, into, flag.help)).check(CLI::NonNegativeNumber);
}

void Command::add(const Flag& flag, std::optional<Duration>& into) {
  auto* option = app_.add_option(
      flag.names,
      [&into, name = flag.names](const CLI::results_t& words) {
        const auto parsed = parse_duration(words.front());
        if (!parsed) {
          throw CLI::ValidationError(name, parsed.error().message);
        }
        into = *parsed;
        return true;
      },
      flag.help);
  register_option(flag, option->type_size(1)).type_name("DURATION");
}

void Command::example(const std::string& text) { app_.footer("Examples:\n" + text); }

void Command::on_run(Action action) {
  app_.callback([tree = &tree_, action = std::move(action)] { tree->chosen = action; });
}

CommandTree::CommandTree(const std::string& name, const std::string& help)
    : state_(std::make_unique<TreeState>()) {
  state_->app.name(name);
  state_->app.description(help);
  state_->app.fallthrough();
  state_->app.footer(exit_codes_help());
  state_->app.get_formatter()->column_width(34);
}
CommandTree::~CommandTree() = default;

Command CommandTree::root() { return {*state_, state_->app}; }

void CommandTree::set_version(const std::string& text) {
  state_->app.set_version_flag("--version", text);
}

std::variant<Action, ExitCode> CommandTree::parse(int argc, const char* const* argv) {
  CLI::App& app = state_->app;
  try {
    app.parse(argc, argv);
    return state_->chosen;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error);
      return ExitCode::kOk;
    }
    std::string path = app.get_name();
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      path += " " + at->get_name();
    }
    note(fmt::format("error: {}\nhint: see `{} --help`", error.what(), path));
    return ExitCode::kUsage;
  }
}

namespace {

// Where a half-typed line stands: below which command, after an option that wants a value, or at
// which positional.
struct Position {
  const CLI::App* app;
  const CLI::Option* pending = nullptr;
  std::size_t positionals = 0;
};

const CLI::Option* find_option(const CLI::App* app, std::string_view word) {
  const std::string name(word.substr(0, word.find('=')));
  for (; app != nullptr; app = app->get_parent()) {
    if (const CLI::Option* option = app->get_option_no_throw(name)) {
      return option;
    }
  }
  return nullptr;
}

const CLI::App* find_sub(const CLI::App* app, const std::string& word) {
  for (const CLI::App* child : app->get_subcommands([](const CLI::App*) { return true; })) {
    if (child->check_name(word)) {
      return child;
    }
  }
  return nullptr;
}

void advance(Position& at, const std::string& word) {
  if (at.pending != nullptr) {
    at.pending = nullptr;
  } else if (word.size() > 1 && word[0] == '-') {
    const CLI::Option* option = find_option(at.app, word);
    const bool takes_value = option != nullptr && option->get_items_expected_min() > 0;
    at.pending = takes_value && word.find('=') == std::string::npos ? option : nullptr;
  } else if (const CLI::App* child = find_sub(at.app, word)) {
    at = {.app = child};
  } else {
    ++at.positionals;
  }
}

const CLI::Option* positional_at(const CLI::App* app, std::size_t index) {
  const CLI::Option* last = nullptr;
  for (const CLI::Option* option : app->get_options()) {
    if (option->get_positional()) {
      last = option;
      if (index-- == 0) {
        return option;
      }
    }
  }
  // The last one takes the rest if it takes several.
  return last != nullptr && last->get_items_expected_max() > 1 ? last : nullptr;
}

void propose_options(const CLI::App* app, Completion& completion) {
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        completion.proposals.push_back({.word = "--" + name, .help = option->get_description()});
      }
    }
  }
}

}  // namespace

Completion CommandTree::complete(const std::vector<std::string>& words) const {
  Position at{.app = &state_->app};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    advance(at, words[i]);
  }
  const std::string current = words.empty() ? "" : words.back();
  Completion completion;
  if (at.pending == nullptr && current.starts_with('-')) {
    propose_options(at.app, completion);
  } else {
    for (const CLI::App* child : at.app->get_subcommands([](const CLI::App*) { return true; })) {
      if (at.pending == nullptr) {
        completion.proposals.push_back(
            {.word = child->get_name(), .help = child->get_description()});
      }
    }
    const CLI::Option* option =
        at.pending != nullptr ? at.pending : positional_at(at.app, at.positionals);
    if (const auto facts = state_->facts.find(option); facts != state_->facts.end()) {
      completion.values = facts->second.values;
      for (const std::string& choice : facts->second.choices) {
        completion.proposals.push_back({.word = choice});
      }
    }
  }
  std::erase_if(completion.proposals,
                [&](const Proposal& proposal) { return !proposal.word.starts_with(current); });
  return completion;
}

}  // namespace skerry::cli
