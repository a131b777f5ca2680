#include "rl/skerry_rl/settings.h"

#include <utility>

#include "common/config.h"
#include "rl/bundle/bundle.h"

namespace skerry::rl {

namespace {

std::size_t count(ConfigFields& fields, const char* key, std::size_t fallback,
                  std::int64_t most = 1 << 24) {
  return static_cast<std::size_t>(
      fields.integer(key, static_cast<std::int64_t>(fallback), 1, most));
}

void read_network(ConfigFields fields, LearnerOptions& learner) {
  if (fields.has("hidden")) {
    learner.hidden.clear();
    for (const std::int64_t width : fields.integers("hidden", 1, 256)) {
      learner.hidden.push_back(static_cast<std::size_t>(width));
    }
  }
  if (learner.hidden.empty() || learner.hidden.size() > 7) {
    fields.issue("hidden", "is a list of one to seven widths");
  }
}

void read_learning(ConfigFields fields, LearnerOptions& learner, TrainOptions& train) {
  learner.batch = count(fields, "batch", learner.batch);
  learner.average_decay = fields.number("average_decay", learner.average_decay, 0, 1);
  learner.gradient_limit = fields.number("gradient_limit", learner.gradient_limit, 1e-9, 1e9);
  learner.device = fields.choice("device", learner.device, {"cpu", "cuda"});
  learner.threads = count(fields, "threads", learner.threads, 256);
  train.passes = fields.number("passes", train.passes, 0.01, 1000);
  train.remembered = count(fields, "remembered", train.remembered);
  train.peak_rate = fields.number("peak_rate", train.peak_rate, 1e-9, 10);
  train.hot = fields.number("hot", train.hot, 1e-6, 1e6);
  train.cold = fields.number("cold", train.cold, 1e-6, 1e6);
  train.mixed = fields.numbers("mixed", train.mixed, 1e-6, 1e6);
  if (train.mixed.empty()) {
    fields.issue("mixed", "needs a temperature at least");
  }
}

// What of the network and the device is common to both methods is read before.
void read_sac(ConfigFields fields, const LearnerOptions& learner, SacOptions& sac) {
  sac.hidden = learner.hidden;
  sac.device = learner.device;
  sac.threads = learner.threads;
  sac.batch = count(fields, "batch", sac.batch);
  sac.rate = fields.number("rate", sac.rate, 1e-9, 10);
  sac.discount = fields.number("discount", sac.discount, 0, 0.9999);
  sac.follow = fields.number("follow", sac.follow, 1e-6, 1);
  sac.temperature = fields.number("temperature", sac.temperature, 1e-6, 1e6);
  sac.entropy_share = fields.number("entropy_share", sac.entropy_share, 0, 1);
  sac.entropy_weight = fields.number("entropy_weight", sac.entropy_weight, 1e-9, 1e6);
  sac.replay = count(fields, "replay", sac.replay);
  sac.updates_per_decision =
      fields.number("updates_per_decision", sac.updates_per_decision, 1e-6, 1000);
}

}  // namespace

Result<TrainingSettings> read_training_settings(const std::string& path,
                                                const std::map<std::string, std::string>& flags) {
  auto text = read_config_file(path);
  if (!text) {
    return fail(std::move(text).error());
  }
  ConfigReader reader({.kind = "TrainingConfig",
                       .text = *std::move(text),
                       .origin = path,
                       .env_prefix = "SKERRY_RL",
                       .environment = {},
                       .flags = flags});
  ConfigFields root = reader.root();
  TrainingSettings settings;
  settings.name = root.required_text("name");
  if (!is_bundle_name(settings.name)) {
    root.issue("name", "is of lower-case letters, digits, '-' and '.', at most 63");
  }
  TrainOptions& train = settings.train;
  settings.problem_name = root.choice("problem", problem_names().front(), problem_names());
  train.seed = static_cast<std::uint64_t>(root.integer("seed", 1, 0, INT64_MAX));
  train.iterations = count(root, "iterations", train.iterations);
  train.contexts = count(root, "contexts", train.contexts);
  train.probe_every = count(root, "probe_every", train.probe_every);
  train.save_every = count(root, "save_every", train.save_every);
  read_network(root.section("network"), settings.learner);
  read_learning(root.section("learning"), settings.learner, train);
  settings.method = root.choice("method", "iteration", {"iteration", "sac", "episodes"});
  if (settings.method == "sac") {
    read_sac(root.section("sac"), settings.learner, settings.sac);
  }
  if (settings.method == "episodes") {
    ConfigFields episodes = root.section("episodes");
    settings.episodes.spread = episodes.number("spread", settings.episodes.spread, 1e-3, 1e3);
    settings.episodes.most_ratio =
        episodes.number("most_ratio", settings.episodes.most_ratio, 1e-3, 1e3);
  }
  settings.problem = make_problem(settings.problem_name, root.section(settings.problem_name));
  // 0, which is what an effective configuration says, is all preferences.
  if (settings.method == "sac" && root.section("gmorl").number("lambda", 0, 0, 1e9) > 0) {
    root.issue("gmorl.lambda", "is for method iteration; sac trains on all preferences");
  }
  if (settings.method == "episodes" && settings.problem.episodic == nullptr) {
    root.issue("method", "episodes is for a problem whose episodes can be compared: fleet");
  }
  if (settings.method == "sac" && settings.problem.playable == nullptr) {
    root.issue("method", "sac is of no use for a problem that cannot be played");
  }
  if (auto right = reader.finish(); !right) {
    return fail(std::move(right).error());
  }
  settings.learner.shape = settings.problem.problem->shape();
  settings.learner.seed = train.seed;
  settings.sac.seed = train.seed;
  if (settings.problem.playable != nullptr) {
    settings.sac.shape = settings.problem.playable->play_shape();
  }
  settings.effective = reader.effective();
  return settings;
}

}  // namespace skerry::rl
