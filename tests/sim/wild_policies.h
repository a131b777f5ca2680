// wild_policies.h: policy bundles of the simulation, which misbehave at random: scores that are not
// finite, exceptions, errors, input that they say they do not know, and otherwise any order.
//
// A bundle is "NAME VERSION"; what its policy does is drawn from the bytes, so that histories replay.

#pragma once

#include <functional>
#include <utility>

#include "controller/core/policy_factory.h"

namespace skerry::sim {

class WildPolicies final : public core::PolicyFactory {
 public:
  // misbehaved is told each time.
  explicit WildPolicies(std::function<void()> misbehaved) : misbehaved_(std::move(misbehaved)) {}

  Result<std::unique_ptr<scheduler::Policy>> make(std::string_view bundle) override;

 private:
  const std::function<void()> misbehaved_;
};

}  // namespace skerry::sim
