#include "rl/fleet/view.h"
#include "rl/gmorl/view.h"
#include "rl/suites/suite.h"

namespace skerry::rl {

const std::vector<NamedSuite>& suites() {
  constexpr Wanted dispatch{.problem = "gmorl",
                            .features = gmorl::kFeatureSchema,
                            .inputs = gmorl::kFeatures,
                            .outputs = 2};
  constexpr Wanted placement{.problem = "fleet",
                             .features = fleet::kFeatureSchema,
                             .inputs = fleet::kFeatures,
                             .outputs = fleet::kOutputs};
  static const std::vector<NamedSuite> all = {
      {"gmorl-e6", "the reference system's headline setting: six edges, every preference", dispatch,
       run_gmorl_e6},
      {"generalise", "fleets, loads, horizons, speeds and sizes far outside training", dispatch,
       run_generalise},
      {"env", "how fast the environment steps on one core", dispatch, run_env},
      {"fleet", "Skerry's own problem, on fleets that training has not seen", placement, run_fleet},
  };
  return all;
}

}  // namespace skerry::rl
