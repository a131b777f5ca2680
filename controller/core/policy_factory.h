// policy_factory.h: how the core makes a policy of a bundle that it holds as bytes.
//
// The daemon implements it over rl/ (controller/bundle_policies.h); tests by hand. Called on the
// core's strand. Deterministic: bytes that made a policy once do so again, in this build.

#pragma once

#include <memory>
#include <string_view>

#include "common/error.h"
#include "scheduler/policy.h"

namespace skerry::core {

class PolicyFactory {
 public:
  virtual ~PolicyFactory() = default;

  // The policy has the name and the version of the bundle. kInvalidArgument: this is no bundle, or
  // none that this build can score with; its fields say what is wrong. kTooLarge.
  virtual Result<std::unique_ptr<scheduler::Policy>> make(std::string_view bundle) = 0;
};

}  // namespace skerry::core
