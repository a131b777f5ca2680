// router.h: the table of routes: what may be called, by whom, with which body, and what answers it.
//
// There is one table (routes.cc). The server dispatches by it, OpenAPI is generated from it, and
// every route must say which permission it takes: a route without one does not compile.
//
// A pattern is a path whose segments are literal, "{name}", or "{name}:verb":
// "/api/v1/jobs/{id}:cancel".

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/api/call.h"
#include "controller/api/http_message.h"
#include "controller/api/task.h"
#include "controller/auth/permission.h"

namespace skerry::api {

using auth::Permission;

enum class BodyKind : std::uint8_t { kNone, kJson, kBytes };

using Handler = Task<Response> (*)(Call call);

struct Answer {
  int status = 200;
  std::string_view schema;  // of components/schemas; empty: no JSON
};

struct Route {
  Verb verb;
  std::string_view pattern;
  Permission permission;
  std::string_view operation;  // OpenAPI's operationId
  std::string_view summary;
  Handler handler;
  BodyKind body = BodyKind::kNone;
  std::uint64_t body_limit_bytes = 64 * 1024;
  std::string_view body_schema = {};
  std::string_view produces = "application/json";
  std::vector<Answer> answers = {};          // that are no problem
  std::vector<std::string_view> query = {};  // names of query parameters; others are refused
  std::vector<std::string_view> request_headers = {};
};

class Router {
 public:
  explicit Router(std::vector<Route> routes);

  std::span<const Route> routes() const { return routes_; }

  // The route for a request, whose params are filled in. An error says why there is none: 404, or
  // 405 with Allow.
  struct Match {
    std::optional<std::size_t> route;
    std::optional<Response> refusal;
  };
  Match match(Request& request) const;

 private:
  struct Segment {
    std::string_view literal;  // empty: a parameter
    std::string_view name;
    std::string_view verb;  // with its colon; after a parameter
  };
  static std::vector<Segment> parse(std::string_view pattern);
  static bool matches(std::span<const Segment> pattern, std::span<const std::string_view> path);

  std::vector<Route> routes_;
  std::vector<std::vector<Segment>> patterns_;
};

std::vector<Route> api_routes();     // all of them
std::vector<Route> access_routes();  // a part of these

}  // namespace skerry::api
