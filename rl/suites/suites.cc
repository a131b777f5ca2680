#include "rl/fleet/view.h"
#include "rl/gmorl/view.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

const std::vector<NamedSuite>& suites() {
  constexpr Wanted kDispatch{.problem = "gmorl",
                             .features = gmorl::kFeatureSchema,
                             .inputs = gmorl::kFeatures,
                             .outputs = 2};
  constexpr Wanted kPlacement{.problem = "fleet",
                              .features = fleet::kFeatureSchema,
                              .inputs = fleet::kFeatures,
                              .outputs = fleet::kOutputs};
  static const std::vector<NamedSuite> all = {
      {"gmorl-e6", "the reference system's headline setting: six edges, every preference",
       kDispatch, run_gmorl_e6},
      {"generalise", "fleets, loads, horizons, speeds and sizes far outside training", kDispatch,
       run_generalise},
      {"env", "how fast the environment steps on one core", kDispatch, run_env},
      {"fleet", "Skerry's own problem, on fleets that training has not seen", kPlacement,
       run_fleet},
      {"decide", "how long a placement decision takes in the product, on one core", kPlacement,
       run_decide},
  };
  return all;
}

}  // namespace skerry::rl
