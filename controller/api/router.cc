#include "controller/api/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "controller/api/problem.h"

namespace skerry::api {

namespace {

using Segments = boost::container::small_vector<std::string_view, 8>;

Segments split(std::string_view path) {
  Segments segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = path.find('/');
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end == path.npos ? path.size() : end);
  }
  return segments;
}

}  // namespace

std::vector<Router::Segment> Router::parse(std::string_view pattern) {
  std::vector<Segment> parsed;
  for (const std::string_view segment : split(pattern)) {
    if (!segment.starts_with('{')) {
      parsed.push_back({.literal = segment, .name = {}, .verb = {}});
      continue;
    }
    const auto close = segment.find('}');
    parsed.push_back(
        {.literal = {}, .name = segment.substr(1, close - 1), .verb = segment.substr(close + 1)});
  }
  return parsed;
}

// Routes with a verb come first among those of equal length, so that "{id}:cancel" wins over
// "{id}".
Router::Router(std::vector<Route> routes) {
  for (const bool with_verb : {true, false}) {
    for (const Route& route : routes) {
      if ((route.pattern.find("}:") != std::string_view::npos) == with_verb) {
        routes_.push_back(route);
        patterns_.push_back(parse(route.pattern));
      }
    }
  }
}

bool Router::matches(std::span<const Segment> pattern, std::span<const std::string_view> path) {
  return std::ranges::equal(pattern, path, [](const Segment& segment, std::string_view part) {
    return segment.name.empty() ? segment.literal == part
                                : part.size() > segment.verb.size() && part.ends_with(segment.verb);
  });
}

Router::Match Router::match(Request& request) const {
  const Segments path = split(request.path);
  const Verb wanted = request.verb == Verb::head ? Verb::get : request.verb;
  std::string allowed;
  std::size_t same_path = routes_.size();  // the first route whose pattern fits
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (!matches(patterns_[i], path) ||
        (same_path < routes_.size() && routes_[same_path].pattern != routes_[i].pattern)) {
      continue;
    }
    same_path = std::min(same_path, i);
    const Verb verb = routes_[i].verb;
    if (verb != wanted) {
      allowed += fmt::format("{}, ", std::string_view(to_string(verb)));
      allowed += verb == Verb::get ? "HEAD, " : "";
      continue;
    }
    for (std::size_t part = 0; part < path.size(); ++part) {
      const Segment& segment = patterns_[i][part];
      if (segment.name.empty()) {
        continue;
      }
      auto value =
          percent_decode(path[part].substr(0, path[part].size() - segment.verb.size()), false);
      if (!value) {
        return {.route = {}, .refusal = problem(value.error())};
      }
      request.params.emplace_back(segment.name, std::move(*value));
    }
    return {.route = i, .refusal = {}};
  }
  if (allowed.empty()) {
    return {.route = {},
            .refusal = problem(404, "not_found",
                               fmt::format("nothing at {}; /openapi.json lists what there is",
                                           request.path.substr(0, 200)))};
  }
  allowed += "OPTIONS";
  Response refusal =
      request.verb == Verb::options
          ? Response{.status = 204, .content_type = {}}
          : problem(405, "method_not_allowed",
                    fmt::format("{} takes {}", request.path.substr(0, 200), allowed));
  refusal.headers.emplace_back("Allow", allowed);
  return {.route = {}, .refusal = std::move(refusal)};
}

}  // namespace skerry::api
