#include "agent/site/doorman.h"

#include <fmt/format.h>

#include "controller/api/problem.h"

namespace skerry::agent {
namespace {

constexpr std::string_view kRoot = "/api/v1/";

bool changes_something(api::Verb verb) {
  return verb == api::Verb::post || verb == api::Verb::put || verb == api::Verb::delete_;
}

// "jobs/j00.../result" -> "j00..."; empty if the path names no job.
std::string_view named_job(std::string_view path) {
  if (!path.starts_with("jobs/")) {
    return {};
  }
  path.remove_prefix(std::string_view("jobs/").size());
  return path.substr(0, path.find_first_of("/:"));
}

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string target_of(const api::Request& request) {
  std::string target = request.path;
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    target += fmt::format("{}{}={}", std::exchange(separator, '&'), encoded(name), encoded(value));
  }
  return target;
}

}  // namespace

bool Doorman::is_own(std::string_view job) const {
  const Result<JobId> id = parse_job_id(job);
  return !id || *id >= first_own_;  // what is no id is refused here as anywhere
}

bool Doorman::is_for_controller(const api::Request& request) const {
  std::string_view path = request.path;
  if (!path.starts_with(kRoot)) {
    return false;
  }
  path.remove_prefix(kRoot.size());
  if (path == "jobs" || path == "jobs:batch") {
    return request.verb == api::Verb::post && live_ && !url_.empty();
  }
  if (const std::string_view job = named_job(path); !job.empty()) {
    return !is_own(job);
  }
  return path != "placements" && changes_something(request.verb);
}

std::optional<api::Response> Doorman::turn_away(const api::Request& request) const {
  if (!is_for_controller(request)) {
    return std::nullopt;
  }
  if (live_ && !url_.empty()) {
    api::Response there{.status = 307};
    there.headers.emplace_back("Location", url_ + target_of(request));
    return there;
  }
  return api::problem(
      503, "unavailable",
      live_ ? "this is the controller's to answer, and its API has no address that works from here "
              "(the controller's setting api_url tells one)"
            : "this is the controller's to answer, and it cannot be reached from this site now");
}

std::string api_url_on(const std::string& controller, std::uint32_t port, bool tls) {
  if (port == 0) {
    return {};
  }
  return fmt::format("{}://{}:{}", tls ? "https" : "http",
                     controller.substr(0, controller.rfind(':')), port);
}

}  // namespace skerry::agent
