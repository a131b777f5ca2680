// api_service.h: answers requests by the table of routes: checks what HTTP itself asks (method,
// media types, query), then runs the route's handler, and turns an exception that reaches it into a
// 500.

#pragma once

#include "controller/api/call.h"
#include "controller/api/http_service.h"
#include "controller/api/router.h"

namespace skerry::api {

class ApiService final : public HttpService {
 public:
  ApiService(Services& services, const Router& router) : services_(services), router_(router) {}

  Dispatch dispatch(Request& request) override;
  Task<Response> handle(std::size_t route, Exchange* exchange) override;
  Response error_response(int status, std::string_view code, std::string message) override;
  void observe(const Dispatch& dispatch, std::string_view method, int status,
               Duration took) override;

 private:
  std::optional<Response> refuse_caller(const Route& route, Request& request);
  Services& services_;
  const Router& router_;
};

}  // namespace skerry::api
