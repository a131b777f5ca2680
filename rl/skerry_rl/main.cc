// skerry-rl: trains the learned scheduler, measures it against the heuristics, and exports it for the
// controller. rl/README.md shows it in use.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <thread>

#include "common/config.h"
#include "common/time.h"
#include "common/version.h"
#include "rl/skerry_rl/evaluate_command.h"
#include "rl/skerry_rl/export_command.h"
#include "rl/skerry_rl/train_command.h"
#include "rl/suites/suite.h"

namespace {

using namespace skerry;
using namespace skerry::rl;

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kMissed = 3;

// What to do, and the exit code if nothing went wrong.
using Action = std::function<Result<int>()>;

Result<int> exit_code(Status done) { return done ? Result<int>(0) : fail(std::move(done).error()); }

std::size_t all_processors() { return std::max(1u, std::thread::hardware_concurrency()); }

void add_train(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<TrainArguments>();
  auto given = std::make_shared<std::vector<std::string>>();
  auto device = std::make_shared<std::string>();
  arguments->threads = all_processors();
  CLI::App* command = app.add_subcommand(
      "train", "Train a policy: progress as text, curves and checkpoints in a folder, a bundle");
  command->add_option("-c,--config", arguments->config, "What to train, and how (YAML)")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--out", arguments->out,
                   "Folder for config.yaml, curves.csv, the checkpoint and policy.json")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("--threads", arguments->threads, "Threads that simulate (all processors)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  command->add_option("--device", *device, "Same as --set learning.device=...: cpu or cuda");
  command->add_option("--set", *given, "A setting over the file's, as in iterations=50; repeatable")
      ->type_name("KEY=VALUE");
  command->add_flag("--resume", arguments->resume, "Go on from the checkpoint in the folder");
  command->callback([=, &action] {
    action = [=]() -> Result<int> {
      for (const std::string& text : *given) {
        auto setting = parse_setting(text);
        if (!setting) {
          return fail(std::move(setting).error());
        }
        arguments->settings[setting->first] = setting->second;
      }
      if (!device->empty()) {
        arguments->settings["learning.device"] = *device;
      }
      SystemClock clock;
      return exit_code(train_command(*arguments, clock));
    };
  });
}

void add_evaluate(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<EvaluateArguments>();
  auto strict = std::make_shared<bool>(false);
  arguments->threads = all_processors();
  CLI::App* command = app.add_subcommand(
      "evaluate", "Measure a policy against the heuristics, on common random numbers");
  std::vector<std::string> names;
  std::string help = "What to measure:";
  for (const NamedSuite& suite : suites()) {
    names.emplace_back(suite.name);
    help += fmt::format("\n  {}: {}", suite.name, suite.what);
  }
  command->add_option("--suite", arguments->suite, help)
      ->required()
      ->check(CLI::IsMember(names))
      ->type_name("SUITE");
  command
      ->add_option("--policy", arguments->policy, "A policy bundle; without it, heuristics alone")
      ->type_name("FILE");
  command
      ->add_option("--out", arguments->out,
                   "Folder for SUITE.json, SUITE.html with all tables and charts, and SUITE-*.svg")
      ->type_name("DIR");
  command->add_option("--threads", arguments->threads, "Threads (all processors)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", arguments->json, "Print JSON instead of tables");
  command->add_flag("--quick", arguments->quick, "Few episodes: to see that it works");
  command->add_flag("--strict", *strict, "Exit with 3 if a check is missed");
  command->callback([=, &action] {
    action = [=]() -> Result<int> {
      const auto met = evaluate_command(*arguments);
      if (!met) {
        return fail(met.error());
      }
      return *strict && !*met ? kMissed : 0;
    };
  });
}

void add_export(CLI::App& app, Action& action) {
  auto arguments = std::make_shared<ExportArguments>();
  CLI::App* command = app.add_subcommand(
      "export", "Write a policy bundle: of a training folder's checkpoint, or with a card");
  CLI::Option* run =
      command->add_option("--run", arguments->run, "A training folder")->type_name("DIR");
  command->add_option("--policy", arguments->bundle, "A bundle that is there already")
      ->type_name("FILE")
      ->excludes(run);
  command
      ->add_option("--card", arguments->card,
                   "A JSON object, whose members become the card's; evaluate --json prints one")
      ->type_name("FILE");
  command->add_option("--name", arguments->name, "Another name for the bundle");
  command->add_option("--out", arguments->out, "The bundle")
      ->type_name("FILE")
      ->capture_default_str();
  command->callback([=, &action] {
    if (arguments->run.empty() && arguments->bundle.empty()) {
      throw CLI::ValidationError("export", "needs --run or --policy");
    }
    action = [=] { return exit_code(export_command(*arguments)); };
  });
}

int run(int argc, char** argv) {
  CLI::App app{"skerry-rl trains Skerry's learned scheduler, measures it and exports it."};
  app.set_version_flag("--version", fmt::format("skerry-rl {} ({})", kVersion, kCommit));
  app.require_subcommand(1);
  Action action;
  add_train(app, action);
  add_evaluate(app, action);
  add_export(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  const Result<int> done = action();
  if (!done) {
    fmt::print(stderr, "skerry-rl: {}\n", done.error().message);
    return done.error().code == ErrorCode::kInvalidArgument ? kUsage : kFailed;
  }
  return *done;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& thrown) {  // of libtorch: no such device, out of memory
    fmt::print(stderr, "skerry-rl: {}\n", thrown.what());
    return kFailed;
  }
}
