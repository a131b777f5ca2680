// client.h: a small HTTP/1.1 client: one connection, kept alive, one request at a time.
//
// Every call blocks until it has its answer or its time is up. A connection that the server closed
// while it was idle is opened again and the request sent once more; a caller must therefore send
// only what may arrive twice (what skerryctl submits carries an Idempotency-Key). HTTP errors are
// answers, not Errors: an Error means that there was no answer.
//
// Errors: kUnavailable (refused, lost, no such host), kDeadlineExceeded (the time was up), kCorrupt
// (not HTTP), kIo (a local file), kUnauthenticated (the server's certificate is not to be trusted, or it
// speaks no TLS), kPermissionDenied (the token may not go there: access.h). A 307 is followed once: the
// API of a site sends its callers to the controller like this. client.cc alone includes Beast. Not
// thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "cli/access.h"
#include "cli/url.h"
#include "common/error.h"
#include "common/time.h"

namespace skerry::cli {

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // "/api/v1/nodes?limit=5", escaped
  std::map<std::string, std::string> headers;
  std::string body;
  Duration timeout = seconds(30);  // of the whole exchange; of each silence, for uploads
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const;  // empty if missing
};

class Client {
 public:
  explicit Client(Url url, Access access = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<HttpResponse> send(const HttpRequest& request);

  // Sends a file as the body. on_progress hears how many bytes are out.
  Result<HttpResponse> upload(const HttpRequest& request, const std::string& file,
                              const std::function<void(std::uint64_t)>& on_progress);

  // Reads an answer without end. on_bytes gets the body as it arrives, for a status of 200, until
  // it returns false or nothing came for `silence`; of another status the body is returned. An
  // answer that ended, or was ended, returns with an empty body.
  Result<HttpResponse> stream(const HttpRequest& request, Duration silence,
                              const std::function<bool(std::string_view)>& on_bytes);

  const Url& url() const;

 private:
  Result<HttpResponse> send_elsewhere(const HttpRequest& request, const std::string& location);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::cli
