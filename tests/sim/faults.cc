// What a seed draws: the faults of its network, processes and disks, and what operators do.

#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/sim_agent.h"
#include "tests/sim/world.h"

namespace skerry::sim {

void World::plan_faults() {
  Random faults = random_.fork("faults");
  const auto sometime = [&] {
    return duration_from_seconds(faults.uniform(0.5, to_seconds(kFaults) - 5));
  };
  const auto anybody = [&] { return agents_[faults.below(agents_.size())].get(); };
  const auto many = [&](double mean) { return static_cast<int>(faults.exponential(mean)); };
  for (int i = many(1.5); i > 0; --i) {
    const Duration at = sometime();
    if (faults.chance(0.5)) {
      after(at, [this] { crash_controller(); });
    } else {
      after(at - milliseconds(40),
            [this] { crash_at_next_write_ = true; });  // between a write and its sync
    }
  }
  for (int i = many(2); i > 0; --i) {
    const auto kind = faults.chance(0.5) ? SimAgent::Crash::kProcess : SimAgent::Crash::kMachine;
    after(sometime(),
          [agent = anybody(), kind, down = duration_from_seconds(faults.uniform(0.1, 8))] {
            agent->crash(kind, down);
          });
  }
  for (int i = many(0.5); i > 0; --i) {
    after(sometime(), [agent = anybody(), down = duration_from_seconds(faults.uniform(0.1, 8))] {
      agent->stop(down);
    });
  }
  for (int i = many(4); i > 0; --i) {
    after(sometime(), [agent = anybody()] { agent->break_stream(); });
  }
  for (int i = many(2); i > 0; --i) {
    after(sometime(), [agent = anybody(), time = duration_from_seconds(faults.uniform(0.5, 12))] {
      agent->partition(time);
    });
  }
  for (int i = many(1); i > 0; --i) {
    after(sometime(), [agent = anybody(), time = duration_from_seconds(faults.uniform(0.5, 10))] {
      agent->pause(time);
    });
  }
  for (int i = many(1); i > 0; --i) {
    after(sometime(), [agent = anybody(), delay = duration_from_seconds(faults.uniform(0.1, 5))] {
      agent->clog(delay, seconds(5));
    });
  }
  for (int i = many(0.8); i > 0; --i) {
    after(sometime(), [agent = anybody(), time = duration_from_seconds(faults.uniform(0.5, 10))] {
      agent->fill_disk(time);
    });
  }
  for (int i = many(0.6); i > 0; --i) {
    after(sometime(), [agent = anybody()] { agent->fail_disk(); });
  }
  for (int i = many(0.8); i > 0; --i) {
    after(sometime(), [agent = anybody()] { agent->damage_disk(); });
  }
  if (faults.chance(0.15)) {  // one goes for good; its site keeps another
    SimAgent* leaves = anybody();
    const bool missed = std::ranges::none_of(agents_, [&](const auto& other) {
      return other.get() != leaves && other->site() == leaves->site();
    });
    if (!missed) {
      after(sometime(), [leaves] { leaves->leave(); });
    }
  }
  if (faults.chance(0.2)) {  // most of the fleet at once
    after(sometime(), [this, time = duration_from_seconds(faults.uniform(4, 15))] {
      for (std::size_t i = 0; i < agents_.size() * 3 / 4; ++i) {
        agents_[i]->partition(time);
      }
    });
  }
  for (int i = many(0.7); i > 0; --i) {
    const std::string name = anybody()->name();
    const Duration at = sometime();
    const auto operate = [this, name](core::NodeAction action) {
      if (core_) {
        tell_core(core::ChangeNode{.ticket = core::kNoTicket, .name = name, .action = action});
      }
    };
    after(at, [operate, drain = faults.chance(0.5)] {
      operate(drain ? core::NodeAction::kDrain : core::NodeAction::kCordon);
    });
    after(kFaults + seconds(4), [operate] { operate(core::NodeAction::kUncordon); });
  }
}

// Operators change policies all the time, wild ones among them.
void World::plan_policies() {
  Random draws = random_.fork("policies");
  for (int i = static_cast<int>(draws.exponential(8)); i > 0; --i) {
    const Duration at = duration_from_seconds(draws.uniform(0, to_seconds(kFaults)));
    const std::string name = draws.chance(0.3) ? "jsq" : draws.chance(0.5) ? "wild" : "mad";
    const auto bundle =
        std::make_shared<const std::string>(fmt::format("{} {}", name, 1 + draws.below(3)));
    const auto action = static_cast<core::PolicyAction>(draws.below(4));
    const bool back = draws.chance(0.1);
    after(at, [this, name, bundle, action, back] {
      if (!core_) {
        return;
      }
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

}  // namespace skerry::sim
