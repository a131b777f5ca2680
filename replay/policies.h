// policies.h: a policy to replay, by a heuristic's name or the path of a bundle.

#pragma once

#include <memory>
#include <string>

#include "common/error.h"
#include "scheduler/policy.h"

namespace skerry::replay {

// kNotFound: neither a heuristic nor a file; else as rl::read_bundle.
Result<std::unique_ptr<scheduler::Policy>> find_policy(const std::string& name_or_path);

}  // namespace skerry::replay
