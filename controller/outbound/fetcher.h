// fetcher.h: what fetches a URL, as those see it who need one fetched. client.h is the real one.

#pragma once

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"

namespace skerry::outbound {

struct Request {
  std::string url;
  std::string post_body;     // GET if empty
  std::string content_type;  // of post_body
};

struct Response {
  int status = 0;  // 200 to 299, or 400 and more: neither interim ones nor redirects are answers
  std::string content_type;
  std::string body;
};

class Fetcher {
 public:
  virtual ~Fetcher() = default;
  // Blocks for as long as its policy allows, or until a stop is requested (kCancelled). Called from any thread,
  // but never from one that must not wait.
  virtual Result<Response> fetch(const Request& request, std::stop_token stop) = 0;
};

}  // namespace skerry::outbound
