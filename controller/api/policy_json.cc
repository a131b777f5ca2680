#include "controller/api/policy_json.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "scheduler/policy.h"

namespace skerry::api {

namespace {

std::string_view state_of(const core::PolicyView& policy) {
  if (policy.active) {
    return "active";
  }
  if (policy.shadow) {
    return "shadow";
  }
  return policy.previous ? "previous" : "available";
}

void write_mean(JsonWriter& json, std::string_view name, double sum, std::uint64_t count) {
  json.key(name);
  if (count == 0) {
    json.null();
  } else {
    json.value(sum / static_cast<double>(count));
  }
}

void write_shadow(JsonWriter& json, const core::ShadowStats& stats) {
  const std::uint64_t chose = stats.decisions - stats.failed;
  const scheduler::OffPolicy& outcomes = stats.outcomes;
  const scheduler::OffPolicyEstimate estimated = estimate(outcomes);
  json.object()
      .member("decisions", stats.decisions)
      .member("agreed", stats.agreed)
      .member("failed", stats.failed);
  write_mean(json, "agreement", static_cast<double>(stats.agreed), chose);
  write_mean(json, "predicted_regret", stats.regret, chose);
  json.member("outcomes", outcomes.outcomes).member("matched", outcomes.matched);
  write_mean(json, "measured_cost", outcomes.measured, outcomes.outcomes);
  write_mean(json, "matched_cost", outcomes.matched_measured, outcomes.matched);
  write_mean(json, "direct_cost", outcomes.direct, outcomes.outcomes);
  write_mean(json, "model_bias", outcomes.residual, outcomes.outcomes);
  json.member("estimated_cost", estimated.cost)
      .member("estimated_difference", estimated.difference)
      .member("estimated_difference_ci95", estimated.half_width)
      .end();
}

void write_ref(JsonWriter& json, const core::PolicyRef& ref) {
  json.object().member("name", ref.name).member("version", ref.version).end();
}

void write_breaker(JsonWriter& json, const core::BreakerView& breaker) {
  json.object().member("state", to_string(breaker.state)).member("trips", breaker.trips);
  if (!breaker.fault.empty()) {
    json.member("fault", breaker.fault).member("reason", breaker.reason);
  }
  if (breaker.state == scheduler::BreakerState::kOpen) {
    json.member("rests_until", breaker.rests_until);
  }
  json.member("drift", breaker.drift).member("drift_limit", breaker.drift_limit).end();
}

}  // namespace

void write_policy_members(JsonWriter& json, const core::PolicyView& policy) {
  json.member("name", policy.ref.name)
      .member("version", policy.ref.version)
      .member("kind", policy.builtin ? "builtin" : "bundle")
      .member("state", state_of(policy))
      .member("newest", policy.newest);
  if (!policy.builtin) {
    json.member("applied_at", policy.applied_at).member("size_bytes", policy.bundle->size());
  }
  if (policy.shadow) {
    json.key("shadow");
    write_shadow(json, *policy.shadow);
  }
}

void write_policies(JsonWriter& json, const core::PoliciesView& policies) {
  json.object()
      .member("active", policies.active.name)
      .member("active_version", policies.active.version)
      .member("chosen_by_operator", policies.operator_chose);
  if (policies.previous) {
    json.key("previous");
    write_ref(json, *policies.previous);
  }
  if (policies.breaker) {
    json.key("breaker");
    write_breaker(json, *policies.breaker);
  }
  json.key("available").array();
  for (const core::PolicyView& policy : policies.items) {
    if (policy.newest) {
      json.value(policy.ref.name);
    }
  }
  json.end().key("items").array();
  for (const core::PolicyView& policy : policies.items) {
    json.object();
    write_policy_members(json, policy);
    json.end();
  }
  json.end().end();
}

void write_bundle_members(JsonWriter& json, std::string_view bundle, bool whole) {
  boost::system::error_code wrong;
  const auto parsed =
      boost::json::parse(boost::json::string_view(bundle.data(), bundle.size()), wrong);
  if (wrong || !parsed.is_object()) {
    return;  // it was checked when it was applied
  }
  for (const char* name : {"problem", "features", "layers", "training", "card"}) {
    if (const auto* member = parsed.get_object().if_contains(name)) {
      json.key(name).raw(boost::json::serialize(*member));
    }
  }
  if (whole) {
    json.key("bundle").raw(bundle);
  }
}

}  // namespace skerry::api
