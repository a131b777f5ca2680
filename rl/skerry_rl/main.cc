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
#include "rl/skerry_rl/export_command.h"
#include "rl/skerry_rl/train_command.h"

namespace {

using namespace skerry;
using namespace skerry::rl;

constexpr int kFailed = 1;
constexpr int kUsage = 2;

using Action = std::function<Status()>;

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
    action = [=]() -> Status {
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
      return train_command(*arguments, clock);
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
    action = [=] { return export_command(*arguments); };
  });
}

int run(int argc, char** argv) {
  CLI::App app{"skerry-rl trains Skerry's learned scheduler, measures it and exports it."};
  app.set_version_flag("--version", fmt::format("skerry-rl {} ({})", kVersion, kCommit));
  app.require_subcommand(1);
  Action action;
  add_train(app, action);
  add_export(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  const Status done = action();
  if (!done) {
    fmt::print(stderr, "skerry-rl: {}\n", done.error().message);
    return done.error().code == ErrorCode::kInvalidArgument ? kUsage : kFailed;
  }
  return 0;
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
