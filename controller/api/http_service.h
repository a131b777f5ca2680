// http_service.h: the seam between the HTTP server, which knows connections, and what answers its
// requests.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/time.h"
#include "controller/api/http_message.h"
#include "controller/api/task.h"

namespace skerry::api {

// One request being answered; lives on its connection's strand until its handler has returned.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual Request& request() = 0;
  virtual Executor executor() const = 0;

  // For routes that read the body in pieces: the next bytes, empty at the end. kInvalidArgument:
  // the client broke it off; kTooLarge: over the route's limit.
  virtual Task<Result<std::string>> read_piece() = 0;

  // Frees the body of a request whose handler does not need it any more, and may be long about it.
  virtual void drop_body() = 0;

  // Writes the head of `response` (its body is not used) and then pieces; without a size they go
  // out as chunks. False: the client is gone. The handler then returns a Response with `streamed`
  // set.
  virtual Task<bool> begin(Response response, std::optional<std::uint64_t> size_bytes) = 0;
  virtual Task<bool> write(std::string piece) = 0;

  // Calls `gone`, once and on the strand, if the client closes the connection, or it is cut by the
  // server. unwatch() must be awaited before the handler returns.
  virtual void watch(std::move_only_function<void()> gone) = 0;
  virtual Task<void> unwatch() = 0;

  // Set while the server stops: long answers come to their end. `on_stop` is called once on the
  // strand when it begins.
  virtual bool stopping() const = 0;
  virtual void on_stop(std::move_only_function<void()> call) = 0;
};

// What a service wants done with a request whose head has arrived.
struct Dispatch {
  std::size_t route = 0;  // the service's own number
  std::uint64_t body_limit_bytes = 0;
  bool stream_body = false;  // the handler reads it in pieces
  std::optional<Response>
      refusal;  // answer this instead of running a handler; the body is not read
};

class HttpService {
 public:
  virtual ~HttpService() = default;
  virtual Dispatch dispatch(Request& request) = 0;
  virtual Task<Response> handle(std::size_t route, Exchange* exchange) = 0;
  // An error of the connection itself: a malformed or oversized request, a timeout.
  virtual Response error_response(int status, std::string_view code, std::string message) = 0;
  virtual void observe(const Dispatch& dispatch, std::string_view method, int status,
                       Duration took) = 0;
};

}  // namespace skerry::api
