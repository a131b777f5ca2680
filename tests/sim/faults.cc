// What a seed draws: the faults of its network, processes, disks and clocks, and what operators do.
//
// A row here is a kind of fault with how often it happens in a seed, on average. Every other seed has
// a favourite, which happens several times more often, so that rare kinds meet each other.

#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/client.h"
#include "tests/sim/sim_agent.h"
#include "tests/sim/world.h"

namespace skerry::sim {

namespace {

Duration some_seconds(Random& random, double low, double high) {
  return duration_from_seconds(random.uniform(low, high));
}

// Mostly short, at times a minute.
Duration pause_time(Random& random) {
  return random.chance(0.2) ? seconds(60)
                            : duration_from_seconds(std::min(0.5 + random.exponential(5), 60.0));
}

}  // namespace

std::vector<World::PlannedFault> World::faults_of_controller() {
  return {
      {0.8, [this](Random&) { crash_controller(); }},
      {0.8, [this](Random&) { crash_at_next_write_ = true; }},
      {0.1, [this](Random& draw) { storm_controller(static_cast<int>(3 + draw.below(6))); }},
      {0.25, [this](Random& draw) { pause_controller(pause_time(draw)); }},
      {0.2, [this](Random&) { fail_next_write_ = true; }},
      {0.2, [this](Random&) { fail_next_sync_ = true; }},
      {0.3,
       [this](Random& draw) {
         store_slow_until_ = within_faults(some_seconds(draw, 1, 8));
         felt(Fault::kStoreSlow, store_slow_until_ - now());
       }},
      {0.3,
       [this](Random& draw) {
         store_full_until_ = within_faults(some_seconds(draw, 0.5, 15));
         felt(Fault::kStoreFull, store_full_until_ - now());
         hinder(store_full_until_);
       }},
  };
}

std::vector<World::PlannedFault> World::faults_of_agents() {
  const auto anybody = [this](Random& draw) { return agents_[draw.below(agents_.size())].get(); };
  using Crash = SimAgent::Crash;
  using Cut = SimAgent::Cut;
  return {
      {4, [=](Random& draw) { anybody(draw)->break_stream(); }},
      {0.7, [=](Random& draw) { anybody(draw)->lose_next_ack(); }},
      {0.7,
       [=](Random& draw) {
         anybody(draw)->delay_messages_beyond_the_stream(some_seconds(draw, 0.5, 5));
       }},
      {1, [=](Random& draw) { anybody(draw)->slow_down(some_seconds(draw, 0.1, 5), seconds(5)); }},
      {0.7, [=](Random& draw) { anybody(draw)->clog(some_seconds(draw, 0.5, 12)); }},
      {1.5,
       [=](Random& draw) { anybody(draw)->partition(Cut::kBoth, some_seconds(draw, 0.5, 12)); }},
      {1,
       [=](Random& draw) {
         anybody(draw)->partition(draw.chance(0.5) ? Cut::kToAgent : Cut::kToController,
                                  some_seconds(draw, 0.5, 12));
       }},
      {0.2,
       [this](Random& draw) {
         const Duration time = some_seconds(draw, 4, 15);
         felt(Fault::kFleetCut, time);
         for (std::size_t i = 0; i < agents_.size() * 3 / 4; ++i) {
           agents_[i]->partition(Cut::kBoth, time);
         }
       }},
      {1, [=](Random& draw) { anybody(draw)->crash(Crash::kProcess, some_seconds(draw, 0.1, 8)); }},
      {1, [=](Random& draw) { anybody(draw)->crash(Crash::kMachine, some_seconds(draw, 0.1, 8)); }},
      {0.1, [=](Random& draw) { anybody(draw)->storm(static_cast<int>(3 + draw.below(6))); }},
      {0.7, [=](Random& draw) { anybody(draw)->pause(pause_time(draw)); }},
      {0.4, [=](Random& draw) { anybody(draw)->stop(some_seconds(draw, 0.1, 8)); }},
      {0.4, [=, this](Random& draw) { lose_for_good(*anybody(draw)); }},
      {0.8, [=](Random& draw) { anybody(draw)->fill_disk(some_seconds(draw, 0.5, 10)); }},
      {0.4, [=](Random& draw) { anybody(draw)->fail_write(); }},
      {0.4, [=](Random& draw) { anybody(draw)->fail_sync(); }},
      {0.8, [=](Random& draw) { anybody(draw)->damage_disk(); }},
      {0.4, [=, this](Random& draw) { take_out(*anybody(draw), core::NodeAction::kDrain, draw); }},
      {0.4, [=, this](Random& draw) { take_out(*anybody(draw), core::NodeAction::kCordon, draw); }},
  };
}

void World::plan_faults() {
  Random faults = random_.fork("faults");
  std::vector<PlannedFault> rows = faults_of_controller();
  std::ranges::move(faults_of_agents(), std::back_inserter(rows));
  if (const std::size_t favourite = faults.below(2 * rows.size()); favourite < rows.size()) {
    rows[favourite].mean = 3 * rows[favourite].mean + 1;
  }
  std::uint64_t number = 0;
  for (const PlannedFault& row : rows) {
    while (faults.chance(row.mean / (1 + row.mean))) {
      const Duration at = some_seconds(faults, 0.5, to_seconds(faults_end_ - kStart) - 5);
      after(at,
            [act = row.act, draw = faults.fork(std::to_string(++number))]() mutable { act(draw); });
    }
  }
  for (const auto& agent : agents_) {
    after(faults_end_ - kStart + seconds(4),
          [this, agent = agent.get()] { operate(*agent, core::NodeAction::kUncordon); });
  }
}

// Its site keeps another.
void World::lose_for_good(SimAgent& leaves) {
  const bool missed = std::ranges::none_of(agents_, [&](const auto& other) {
    return other.get() != &leaves && !other->left() && other->site() == leaves.site();
  });
  if (!missed && !leaves.left()) {
    leaves.leave();
  }
}

void World::operate(const SimAgent& agent, core::NodeAction action) {
  if (core_) {
    tell_core(core::ChangeNode{.ticket = core::kNoTicket, .name = agent.name(), .action = action});
  }
}

// Drained or cordoned for a while.
void World::take_out(const SimAgent& agent, core::NodeAction action, Random& draw) {
  const Duration time = some_seconds(draw, 0.5, 20);
  fault_log_.on_node(node_number(agent.name()),
                     action == core::NodeAction::kDrain ? Fault::kDrain : Fault::kCordon,
                     now() + time);
  operate(agent, action);
  after(time, [this, &agent] { operate(agent, core::NodeAction::kUncordon); });
}

// Operators change policies all the time, wild ones among them.
void World::plan_policies() {
  Random draws = random_.fork("policies");
  for (int i = static_cast<int>(draws.exponential(8)); i > 0; --i) {
    const Duration at = some_seconds(draws, 0, to_seconds(faults_end_ - kStart));
    const std::string name = draws.chance(0.3) ? "jsq" : draws.chance(0.5) ? "wild" : "mad";
    const auto bundle =
        std::make_shared<const std::string>(fmt::format("{} {}", name, 1 + draws.below(3)));
    const auto action = static_cast<core::PolicyAction>(draws.below(4));
    const bool back = draws.chance(0.1);
    after(at, [this, name, bundle, action, back] {
      if (!core_) {
        return;
      }
      felt(Fault::kPolicyChange);
      if (name != "jsq") {
        tell_core(core::ApplyPolicy{.ticket = core::kNoTicket, .name = name, .bundle = bundle});
      }
      if (back) {
        tell_core(core::RollBackPolicy{});
      } else {
        tell_core(core::ChangePolicy{.ticket = core::kNoTicket, .name = name, .action = action});
      }
    });
  }
}

void World::change_model(ModelManifest changed) {
  if (core_ && clients_->model_known()) {
    felt(Fault::kModelChange);
    tell_core(core::PutModel{.ticket = core::kNoTicket, .manifest = std::move(changed)});
  }
}

// In some seeds operators apply the model anew: without a variant, with another artifact of one, whole.
void World::plan_models() {
  Random draws = random_.fork("models");
  if (!draws.chance(0.3)) {
    return;
  }
  for (int i = 1 + static_cast<int>(draws.exponential(4)); i > 0; --i) {
    const Duration at = some_seconds(draws, 1, to_seconds(faults_end_ - kStart));
    ModelManifest changed = model();
    const auto which = static_cast<std::ptrdiff_t>(draws.below(changed.variants.size()));
    if (draws.chance(0.5)) {
      changed.variants.erase(changed.variants.begin() + which);
    } else if (draws.chance(0.5)) {
      changed.variants[which].digest.back() = static_cast<char>('1' + draws.below(3));
    }
    after(at, [this, changed] { change_model(changed); });
  }
  after(faults_end_ - kStart + seconds(4), [this] { change_model(model()); });
}

}  // namespace skerry::sim
