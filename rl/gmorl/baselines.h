// baselines.h: the policies that a learned one has to beat, all with the same information.
//
// Those with parameters are tuned (tune.h) per context and preference on seeds of their own, which
// is more than the learned policy gets.

#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rl/gmorl/policy.h"

namespace skerry::rl::gmorl {

// "random": any server; "random-split": the cloud with probability 0.3, else any edge; "cloud";
// "round-robin"; "jsq": fewest tasks; "jsq2": of two drawn servers; "sed": shortest expected delay;
// "least-work"; "greedy". nullptr for another name.
std::unique_ptr<DispatchPolicy> make_baseline(std::string_view name, std::size_t servers);
std::span<const std::string_view> baseline_names();

// Greedy and one term for what a task costs those that come later: c x (tasks + 1) x L / speed.
std::unique_ptr<DispatchPolicy> make_externality(std::size_t servers, double c);

// Greedy and nine linear terms, each times the task's relative service time (view.h): 1, marginal
// delay, count, work, overlap with tasks of 1/4, 1 and 3 times the mean size, relative speed,
// relative energy.
constexpr std::size_t kLinearTerms = 9;
std::unique_ptr<DispatchPolicy> make_linear(std::size_t servers, std::vector<double> weights);

// One step of policy iteration over the best static split of a fleet that is offered `load`, for
// exponential sizes under processor sharing. While another task is there, more tasks arrive than
// would have otherwise, and hold up both: on a server that the split loads to r, the u-th unit of
// shared work costs
//   k(u) = 1 + r / (1 - r) x (1 - exp(-(1 - r) u / mean)),
// so that the overlap min(x, L) becomes K, the integral of k up to it; and a task alone costs
// L / (1 - r), itself and those that arrive while it is there. load = 0 is greedy.
std::unique_ptr<DispatchPolicy> make_iterated(const Context& context, double w, double load);

// The split that is best if nothing of the state is seen: probabilities that minimise w x delay +
// (1 - w) x energy with every server a processor-sharing queue of its own.
std::unique_ptr<DispatchPolicy> make_static_split(const Context& context, double w);
std::vector<double> best_split(const Context& context, double w);  // sums to 1

// A linear contextual bandit (LinUCB, Li et al. 2010) on the features, which learns the cost of a
// dispatch as it goes on, one model for all servers.
std::unique_ptr<DispatchPolicy> make_linucb(std::size_t servers, double alpha = 0.3);

}  // namespace skerry::rl::gmorl
