// policy.h: policies of the fleet problem. A policy prices the candidates of a decision; the cheapest
// is chosen, the first of equals.
//
// Baselines have the same information as the learned policy. The product's own heuristics are
// among them, by the same formulas (scheduler/policies).

#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "rl/fleet/view.h"
#include "rl/fleet/world.h"
#include "rl/net/choose.h"
#include "rl/net/mlp.h"

namespace skerry::rl::fleet {

class Pricer {
 public:
  virtual ~Pricer() = default;
  // The view has looked at the choice. Smaller is better.
  virtual void price(View& view, const Choice& choice, std::span<double> prices) = 0;
};

// "greedy": the product's default; "expected-cost": the same, the chance of missing the deadline
// counted (View::base()); "jsq": fewest attempts a slot; "least-work"; "fastest": shortest predicted
// latency; "round-robin"; "random". nullptr for another name.
std::unique_ptr<Pricer> make_baseline(std::string_view name);
std::span<const std::string_view> baseline_names();

// The exact cost and c times the externality (view.h).
std::unique_ptr<Pricer> make_externality(double c);

// Prices by a network, which outlives it.
std::unique_ptr<Pricer> make_learned(const Mlp& network);

// A network of one layer: prices that are linear in a few features. Its parameters are tuned, not
// trained; as a bundle it runs in the product like any other.
constexpr std::size_t kLinearTerms = 18;
Mlp linear_network(std::span<const double> parameters);

}  // namespace skerry::rl::fleet
