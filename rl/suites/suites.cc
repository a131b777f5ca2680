#include "rl/suites/suite.h"

namespace skerry::rl {

const std::vector<NamedSuite>& suites() {
  static const std::vector<NamedSuite> all = {
      {"gmorl-e6", "the reference system's headline setting: six edges, every preference", "gmorl",
       run_gmorl_e6},
      {"generalise", "fleets, loads, horizons, speeds and sizes far outside training", "gmorl",
       run_generalise},
      {"env", "how fast the environment steps on one core", "gmorl", run_env},
  };
  return all;
}

}  // namespace skerry::rl
