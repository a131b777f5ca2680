#include "replay/policies.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "rl/live/learned_policy.h"

namespace skerry::replay {

Result<std::unique_ptr<scheduler::Policy>> find_policy(const std::string& name_or_path) {
  if (auto heuristic = scheduler::make_heuristic(name_or_path)) {
    return heuristic;
  }
  std::ifstream file(name_or_path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kNotFound,
                fmt::format("'{}' is neither a heuristic ({}) nor a bundle that can be read",
                            name_or_path, fmt::join(scheduler::heuristic_names(), ", ")));
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto bundle = rl::read_bundle(text);
  if (!bundle) {
    return fail(std::move(bundle).error());
  }
  return rl::policy_of_bundle(*bundle);
}

}  // namespace skerry::replay
