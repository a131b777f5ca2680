// Skerry's own problem: the world against cases worked out by hand, and what never changes whatever is
// drawn.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "rl/fleet/evaluate.h"

namespace skerry::rl::fleet {
namespace {

// One model of one variant that takes a second; everything known exactly; no failures, no bursts.
Context plain_context(std::size_t nodes, std::size_t slots) {
  Context context;
  for (std::size_t n = 0; n < nodes; ++n) {
    context.nodes.push_back({.slots = slots,
                             .busy_w = 10,
                             .price_usd_per_s = 0.5,
                             .bandwidth_bytes_per_s = 1e6,
                             .memory_bytes = 1e9});
    context.service_s.push_back(1);
    context.believed_s.push_back(1);
    context.load_s.push_back(3);
    context.warm.push_back(1);
  }
  context.models.push_back({.first = 0, .count = 1, .input_bytes = 1000});
  context.variants.push_back(
      {.accuracy = 0.9, .reference_s = 1, .memory_bytes = 1e6, .artifact_bytes = 1e6});
  context.service_noise = 0;
  context.link_noise = 0;
  context.preferences = Preferences::kOne;
  context.load = 0.5;
  conclude(context);
  return context;
}

Choice choice_of(World& world, Tape& tape, std::size_t arrivals = 1000) {
  Choice choice;
  EXPECT_TRUE(world.next(tape, arrivals, choice));
  return choice;
}

TEST(FleetWorld, TakesWhatWasPredictedOnAnIdleNode) {
  const Context context = plain_context(1, 1);
  World world(context);
  Tape tape(context, 1, 0);
  const Choice choice = choice_of(world, tape);
  ASSERT_EQ(choice.candidates.size(), 1u);
  const scheduler::Objectives predicted = choice.candidates[0].prediction.objectives;
  EXPECT_NEAR(predicted.latency_s, choice.task.input_bytes / 1e6 + 1, 1e-9);
  world.place(tape, choice, 0);
  const scheduler::Objectives took = world.tally().sums;
  EXPECT_NEAR(took.latency_s, predicted.latency_s, 1e-9);
  EXPECT_NEAR(took.energy_j, 10, 1e-9);  // 10 W for a second, one slot
  EXPECT_NEAR(took.cost_usd, 0.5, 1e-9);
  EXPECT_NEAR(took.error, 0.1, 1e-9);
}

TEST(FleetWorld, ASecondTaskWaitsForTheSlot) {
  Context context = plain_context(1, 1);
  context.arrivals_per_s = 1e6;  // practically at once
  World world(context);
  Tape tape(context, 1, 0);
  double transferred_s = 0;
  for (int i = 0; i < 2; ++i) {
    const Choice choice = choice_of(world, tape);
    transferred_s += choice.task.input_bytes / 1e6;
    world.place(tape, choice, 0);
  }
  EXPECT_NEAR(world.tally().sums.latency_s, 1 + 2, 0.01 + transferred_s);
}

TEST(FleetWorld, ANodeTakesItsSlotsAndAShortQueue) {
  Context context = plain_context(1, 2);
  context.arrivals_per_s = 1e6;
  World world(context);
  Tape tape(context, 1, 0);
  for (std::size_t i = 0; i < 2 + kQueueDepth; ++i) {
    const Choice choice = choice_of(world, tape);
    EXPECT_LT(choice.facts.now_s, 0.5) << i;
    world.place(tape, choice, 0);
  }
  // The next one waits until the first has ended, in the order of arrival.
  const Choice choice = choice_of(world, tape);
  EXPECT_GT(choice.facts.now_s, 0.9);
  EXPECT_LT(choice.task.arrival_s, 0.5);
}

TEST(FleetWorld, AColdVariantIsLoadedOnce) {
  Context context = plain_context(1, 1);
  context.warm = {0};
  World world(context);
  Tape tape(context, 1, 0);
  Choice choice = choice_of(world, tape);
  EXPECT_FALSE(choice.candidates[0].resident);
  EXPECT_NEAR(choice.candidates[0].prediction.load_s, 3, 1e-9);
  world.place(tape, choice, 0);
  EXPECT_NEAR(world.tally().sums.energy_j, 40, 1e-9);  // three seconds of loading, one of service
  choice = choice_of(world, tape);
  EXPECT_TRUE(choice.candidates[0].resident);
}

TEST(FleetWorld, TheVariantUsedLeastRecentlyGoes) {
  Context context = plain_context(1, 1);
  context.variants.assign(3, {.accuracy = 0.9, .reference_s = 1, .memory_bytes = 4e8});
  context.models[0].count = 3;
  context.service_s = context.believed_s = {1, 1, 1};
  context.load_s = {3, 3, 3};
  context.warm = {1, 1, 0};  // there is memory for two
  conclude(context);
  World world(context);
  Tape tape(context, 1, 0);
  const auto resident = [](const Choice& choice) {
    std::vector<bool> all;
    for (const Facts& facts : choice.candidates) {
      all.push_back(facts.resident);
    }
    return all;
  };
  for (const std::size_t used : {1u, 0u, 2u}) {
    const Choice choice = choice_of(world, tape);
    EXPECT_EQ(resident(choice), (std::vector<bool>{true, true, false}));
    world.place(tape, choice, used);
  }
  EXPECT_EQ(resident(choice_of(world, tape)), (std::vector<bool>{true, false, true}));
}

TEST(FleetWorld, WhatMissesCostsNoLessThanThePenaltyOfMissing) {
  Context context = plain_context(1, 1);
  context.deadline_share = 1;
  context.arrivals_per_s = 1e6;
  context.service_s = {1e6};  // so all miss, and those beyond slot and queue are never even begun
  for (const auto& preset : scheduler::presets()) {
    context.preference = preset.preference;
    World world(context);
    Tape tape(context, 1, 0);
    Choice choice;
    while (world.next(tape, 12, choice)) {
      world.place(tape, choice, 0);
    }
    EXPECT_EQ(world.tally().missed, 12u);
    EXPECT_GE(world.tally().cost, 12 * kMissCost) << preset.name;
  }
}

TEST(FleetWorld, ATaskWithoutADeadlineMissesNone) {
  Context context = plain_context(1, 1);
  context.nodes[0].up_s = 1e-3;
  context.nodes[0].down_s = 1e-3;
  World world(context);
  Tape tape(context, 1, 0);
  Choice choice;
  while (world.next(tape, 20, choice)) {
    world.place(tape, choice, 0);
  }
  EXPECT_EQ(world.tally().tasks, 20u);
  EXPECT_GE(world.tally().cost, kMissCost);  // some were given up
  EXPECT_EQ(world.tally().missed, 0u);
}

TEST(FleetWorld, ADeadlineThatPassesIsMissedAndEndsTheAttempt) {
  Context context = plain_context(1, 1);
  context.deadline_share = 1;
  context.service_s = {1e6};  // believed to be a second
  World world(context);
  Tape tape(context, 1, 0);
  const Choice choice = choice_of(world, tape);
  world.place(tape, choice, 0);
  EXPECT_EQ(world.tally().missed, 1u);
  EXPECT_NEAR(world.tally().sums.latency_s, choice.task.deadline_s - choice.task.arrival_s, 1e-9);
}

TEST(FleetWorld, EveryTaskCountsOnceWhateverFails) {
  Random random(5);
  for (int i = 0; i < 60; ++i) {
    Context context = draw_context({.most_nodes = 8}, random);
    for (Node& node : context.nodes) {  // often, and for long
      node.up_s = 60 / context.arrivals_per_s;
      node.down_s = 30 / context.arrivals_per_s;
    }
    for (const std::string_view name : baseline_names()) {
      World world(context);
      Tape tape(context, 9, 0);
      Choice choice;
      View view;
      const auto policy = make_baseline(name);
      std::vector<double> prices;
      double before_s = 0;
      while (world.next(tape, 200, choice)) {
        EXPECT_GE(choice.facts.now_s, before_s) << "time never goes back";
        EXPECT_GE(choice.facts.now_s, choice.task.arrival_s);
        before_s = choice.facts.now_s;
        view.look(choice.facts, choice.candidates);
        prices.resize(choice.candidates.size());
        policy->price(view, choice, prices);
        world.place(tape, choice, cheapest(prices));
      }
      EXPECT_EQ(world.tally().tasks, 200u) << name;
      EXPECT_TRUE(std::isfinite(world.tally().cost));
    }
  }
}

// What happened to an episode from outside, as far as a policy's episode got to see it.
struct Seen {
  std::vector<double> tasks, links, outages;
};
Seen play_and_tell(const Context& context, const char* policy_name) {
  World world(context);
  Tape tape(context, 7, 2);
  Choice choice;
  View view;
  const auto policy = make_baseline(policy_name);
  std::vector<double> prices;
  while (world.next(tape, 300, choice)) {
    view.look(choice.facts, choice.candidates);
    prices.resize(choice.candidates.size());
    policy->price(view, choice, prices);
    world.place(tape, choice, cheapest(prices));
  }
  Seen seen;
  for (std::size_t i = 0; i < 300; ++i) {
    const Task& task = tape.task(i);
    seen.tasks.insert(seen.tasks.end(), {task.arrival_s, task.input_bytes, task.difficulty});
    for (std::size_t n = 0; n < context.nodes.size(); ++n) {
      seen.links.push_back(tape.bandwidth(n, task.arrival_s));
      seen.outages.push_back(tape.outage(n, task.arrival_s).from_s);
    }
  }
  return seen;
}

TEST(FleetWorld, PoliciesMeetTheSameTasksLinksAndOutages) {
  Random random(3);
  for (int i = 0; i < 10; ++i) {
    Context context = draw_context({.most_nodes = 6}, random);
    for (Node& node : context.nodes) {
      node.up_s = 60 / context.arrivals_per_s;
      node.down_s = 10 / context.arrivals_per_s;
    }
    const Seen greedy = play_and_tell(context, "greedy");
    const Seen dice = play_and_tell(context, "random");
    EXPECT_EQ(greedy.tasks, dice.tasks);
    EXPECT_EQ(greedy.links, dice.links);
    EXPECT_EQ(greedy.outages, dice.outages);
  }
}

TEST(FleetWorld, AFutureReplacesOutagesThatHaveNotBegun) {
  Context context = plain_context(1, 1);
  context.nodes[0].up_s = 1000;
  context.nodes[0].down_s = 50;
  context.service_s = {1e9};  // so a task runs until its node fails
  World world(context);
  Tape tape(context, 1, 0);
  const Choice choice = choice_of(world, tape);
  std::vector<double> outages_s = {tape.outage(0, choice.facts.now_s).from_s};
  for (std::uint64_t number = 0; number < 2; ++number) {
    Tape future = tape.future(choice.facts.now_s, 5, number);
    World branch = world;
    branch.follow(future);
    branch.place(future, choice, 0);
    outages_s.push_back(future.outage(0, choice.facts.now_s).from_s);
    const double begun_s = choice.facts.now_s + choice.task.input_bytes / 1e6;
    EXPECT_NEAR(branch.tally().sums.energy_j, 10 * (outages_s.back() - begun_s), 1e-6);
  }
  EXPECT_NE(outages_s[0], outages_s[1]);
  EXPECT_NE(outages_s[1], outages_s[2]);
}

TEST(FleetTape, OutagesOfANodeDoNotDependOnWhenOthersWereAskedFor) {
  Context context = plain_context(2, 1);
  context.nodes[0].up_s = context.nodes[1].up_s = 100;
  context.nodes[0].down_s = context.nodes[1].down_s = 10;
  Tape forward(context, 1, 0);
  Tape backward(context, 1, 0);
  for (const double at_s : {0.0, 500.0, 5000.0}) {
    const Outage first = forward.outage(0, at_s);
    const Outage second = forward.outage(1, at_s);
    EXPECT_EQ(backward.outage(1, at_s).from_s, second.from_s);
    EXPECT_EQ(backward.outage(0, at_s).from_s, first.from_s);
    EXPECT_NE(first.from_s, second.from_s);
  }
}

TEST(FleetTape, AFutureKnowsThePastOnly) {
  Random random(11);
  const Context context = draw_context({}, random);
  Tape tape(context, 1, 0);
  const double now_s = tape.task(100).arrival_s;
  const double known = tape.bandwidth(0, now_s);
  tape.bandwidth(0, 100 * now_s);
  Tape one = tape.future(now_s, 5, 0);
  Tape other = tape.future(now_s, 6, 0);
  EXPECT_EQ(one.bandwidth(0, now_s), known);
  EXPECT_GT(one.task(0).arrival_s, now_s);
  EXPECT_NE(one.task(0).arrival_s, other.task(0).arrival_s);
  Tape again = tape.future(now_s, 5, 0);
  EXPECT_EQ(one.task(20).arrival_s, again.task(20).arrival_s);
}

}  // namespace
}  // namespace skerry::rl::fleet
