#include "controller/bundle_policies.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "rl/bundle/bundle.h"
#include "rl/fleet/view.h"
#include "rl/live/learned_policy.h"

namespace skerry::controller {

namespace {

constexpr std::string_view kNone = "none";
constexpr std::string_view kFile = "policies/fleet.json";

// Whoever sent the bundle made the mistake, whatever the reader calls it.
Error refusal(Error error, std::string field) {
  if (error.code != ErrorCode::kTooLarge) {
    error.code = ErrorCode::kInvalidArgument;
  }
  if (error.fields.empty()) {
    error.fields.push_back({std::move(field), error.message});
  }
  return error;
}

std::string unreadable_part(const Error& error) {
  if (error.code == ErrorCode::kUnsupported) {
    return "/kind";
  }
  return error.message.find("weights") == std::string::npos ? "" : "/weights";
}

std::string unusable_part(const rl::Bundle& bundle) {
  if (bundle.problem != "fleet") {
    return "/problem";
  }
  return bundle.features == rl::fleet::kFeatureSchema ? "/layers" : "/features";
}

// Beside the program; a build folder has a link there.
std::string find_default() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto installed = program.parent_path().parent_path() / "share/skerry" / kFile;
  return std::filesystem::exists(installed, error) ? installed.string() : std::string();
}

}  // namespace

Result<std::unique_ptr<scheduler::Policy>> BundlePolicies::make(std::string_view text) {
  auto bundle = rl::read_bundle(text);
  if (!bundle) {
    return fail(refusal(bundle.error(), unreadable_part(bundle.error())));
  }
  auto policy = rl::policy_of_bundle(*bundle);
  if (!policy) {
    return fail(refusal(policy.error(), unusable_part(*bundle)));
  }
  return policy;
}

Result<std::optional<core::OfferPolicy>> default_policy(const std::string& setting) {
  core::OfferPolicy offer{.bundle = nullptr,
                          .origin = setting.empty() ? find_default() : setting,
                          .activate = false,
                          .why = "no default policy is configured"};
  if (setting == kNone) {
    return offer;
  }
  if (offer.origin.empty()) {
    return std::nullopt;
  }
  std::ifstream file(offer.origin, std::ios::binary);
  offer.bundle = std::make_shared<const std::string>(std::istreambuf_iterator<char>(file),
                                                     std::istreambuf_iterator<char>());
  if (!file) {
    return fail(ErrorCode::kIo, fmt::format("cannot read the default policy {}", offer.origin));
  }
  if (const auto bundle = rl::read_bundle(*offer.bundle)) {
    const auto* ahead = bundle->card.if_contains("ahead_of_greedy");
    offer.activate = ahead != nullptr && ahead->is_bool() && ahead->get_bool();
  }
  offer.why = offer.activate ? "its card says that it is ahead of greedy"
                             : "its card does not say that it is ahead of greedy";
  return offer;
}

}  // namespace skerry::controller
