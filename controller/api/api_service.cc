#include "controller/api/api_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "controller/api/problem.h"

namespace skerry::api {

namespace {

constexpr std::string_view kNoRoute = "none";

// What is wrong with a request as HTTP sees it, before its body is read.
std::optional<Response> refuse(const Route& route, const Request& request) {
  const std::string_view accept = request.header("Accept");
  if (!accepts(accept, media_type_of(route.produces)) &&
      !accepts(accept, "application/problem+json")) {
    return problem(
        406, "not_acceptable",
        fmt::format("the answer is {}, which the Accept header does not allow", route.produces));
  }
  if (request.has_header("Content-Encoding") && request.header("Content-Encoding") != "identity") {
    return problem(415, "unsupported_media_type", "the body must not be compressed");
  }
  const std::string_view type = request.header("Content-Type");
  if (route.body == BodyKind::kJson && !type.empty() && media_type_of(type) != "application/json") {
    return problem(415, "unsupported_media_type",
                   fmt::format("the body must be JSON: send Content-Type: application/json, not {}",
                               type.substr(0, 80)));
  }
  for (const auto& [name, value] : request.query) {
    if (std::ranges::find(route.query, name) == route.query.end()) {
      return problem(Error{ErrorCode::kInvalidArgument,
                           fmt::format("unknown query parameter '{}'{}{}", name.substr(0, 80),
                                       route.query.empty() ? "; this takes none" : "; known are ",
                                       fmt::join(route.query, ", "))});
    }
  }
  return std::nullopt;
}

}  // namespace

Dispatch ApiService::dispatch(Request& request) {
  if (auto answer = services_.turn_away ? services_.turn_away(request) : std::nullopt) {
    return {.route = router_.routes().size(), .refusal = std::move(answer)};
  }
  Router::Match match = router_.match(request);
  if (!match.route) {
    return {.route = router_.routes().size(), .refusal = std::move(match.refusal)};
  }
  const Route& route = router_.routes()[*match.route];
  if (auto answer = refuse_caller(route, request)) {
    return {.route = *match.route, .refusal = std::move(answer)};
  }
  return {.route = *match.route,
          .body_limit_bytes = route.body_limit_bytes,
          .stream_body = route.body == BodyKind::kBytes,
          .refusal = refuse(route, request)};
}

// Who calls, and whether they may do this anywhere; a handler asks again for the namespace that it is about.
std::optional<Response> ApiService::refuse_caller(const Route& route, Request& request) {
  if (route.permission == Permission::kPublic) {
    return std::nullopt;
  }
  auto caller = services_.callers.caller(request.header("Authorization"), services_.clock.now());
  if (!caller) {
    Response answer = problem(caller.error());
    answer.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"skerry\"");
    return answer;
  }
  request.caller = *std::move(caller);
  if (auth::allows_somewhere(request.caller.grants, route.permission)) {
    return std::nullopt;
  }
  std::string why = fmt::format("{} may not {}", request.caller.id, to_string(route.permission));
  note_denied(services_, request, route.operation, request.path, {}, why);
  return problem(Error{ErrorCode::kPermissionDenied, std::move(why), {}});
}

Task<Response> ApiService::handle(std::size_t route, Exchange* exchange) {
  std::string what;
  try {
    co_return co_await router_.routes()[route].handler(Call{&services_, exchange});
  } catch (const std::exception& error) {
    what = error.what();
  }
  services_.log.error("{} {} ended by an exception: {}",
                      std::string_view(to_string(exchange->request().verb)),
                      exchange->request().path, what);
  Response response =
      problem(Error{ErrorCode::kInternal, "an error in the controller; its log says more"});
  response.close = true;
  co_return response;
}

Response ApiService::error_response(int status, std::string_view code, std::string message) {
  return problem(status, code, message);
}

void ApiService::observe(const Dispatch& dispatch, std::string_view method, int status,
                         Duration took) {
  const auto routes = router_.routes();
  const bool routed = dispatch.route < routes.size();
  services_.metrics.observe_request(
      routed ? method : kNoRoute, routed ? routes[dispatch.route].pattern : kNoRoute, status, took);
}

}  // namespace skerry::api
