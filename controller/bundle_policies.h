// bundle_policies.h: makes policies of bundles (rl/bundle/bundle.h) for the core, and finds the one
// that comes with the controller.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controller/core/events.h"
#include "controller/core/policy_factory.h"

namespace skerry::controller {

class BundlePolicies final : public core::PolicyFactory {
 public:
  Result<std::unique_ptr<scheduler::Policy>> make(std::string_view bundle) override;
};

// What the controller offers its core at the start. `setting`: the path of a bundle; "none"; or
// empty: the one that is installed with the program, if there is one (in a build: that of the
// source tree). A bundle is to be active if its card says that it is ahead of greedy. kIo if a path
// was given that cannot be read; nullopt if there is nothing to say.
Result<std::optional<core::OfferPolicy>> default_policy(const std::string& setting);

}  // namespace skerry::controller
