// api.h: the controller's REST API, as JSON in and JSON out (docs/rest-api.md).
//
// Paths are below /api/v1 unless they start with "//" ("//version" is at the root). A problem+json
// answer becomes an Error with the problem's code, detail and fields; a code that this build does
// not know counts by its HTTP status. Where the controller says when to try again, the message does
// too.

#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "cli/client.h"
#include "cli/settings.h"
#include "cli/sse.h"
#include "common/error.h"

namespace skerry::cli {

struct ApiCall {
  std::string method = "GET";
  std::string path;
  const boost::json::value* body = nullptr;
  const std::string* text = nullptr;  // a JSON document as it is, instead of `body`
  std::map<std::string, std::string> headers;
  Duration extra_time{};  // beyond the usual timeout, for calls that wait at the server
};

struct ApiAnswer {
  int status = 0;
  boost::json::value json;  // null if the answer has no body
};

class Api {
 public:
  explicit Api(const Settings& settings);

  Result<ApiAnswer> call(const ApiCall& call);
  Result<boost::json::value> get(std::string path);
  // A call that says {"changed": true | false}.
  Result<bool> change(std::string method, std::string path,
                      const boost::json::value* body = nullptr);

  // True if the controller has this blob.
  Result<bool> has_blob(std::string_view digest);
  Status put_blob(std::string_view digest, const std::string& file,
                  const std::function<void(std::uint64_t)>& on_progress);

  // Hands over an answer's body as it arrives, until on_bytes says no or it ends.
  Status download(const std::string& path, const std::function<bool(std::string_view)>& on_bytes);

  // Reads server-sent events into the parser until keep_on says no or the connection ends; then
  // kUnavailable, or kDeadlineExceeded after a silence of `silence`. Any other error is the
  // controller's refusal.
  Status watch(const std::string& path, SseParser& parser, Duration silence,
               const std::function<bool()>& keep_on);

 private:
  Client client_;
  Duration timeout_;
};

// The Error that a refused request's answer stands for.
Error problem_error(const HttpResponse& response);

}  // namespace skerry::cli
