// http_message.h: a request and a response as handlers see them.

#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/verb.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"
#include "controller/auth/caller.h"

namespace skerry::api {

using Verb = boost::beast::http::verb;

// One request. `body` is filled before the handler runs, unless its route reads the body in pieces.
struct Request {
  Verb verb = Verb::unknown;
  std::string path;                                       // as sent, without the query
  std::map<std::string, std::string, std::less<>> query;  // decoded; the last one of a name counts
  std::vector<std::pair<std::string, std::string>> params;  // of the route's pattern, decoded
  boost::beast::http::fields headers;
  std::string body;
  std::string address;  // that the client calls from
  auth::Caller caller;  // set before a handler runs, unless its route is public

  std::string_view header(std::string_view name) const;  // empty if it was not sent
  bool has_header(std::string_view name) const { return headers.find(name) != headers.end(); }
  const std::string& param(std::string_view name) const;  // must be in the pattern
  std::optional<std::string_view> query_value(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string_view, std::string>> headers;
  bool close = false;     // end the connection after it
  bool streamed = false;  // the handler has written it already
};

// Each costs a hundred bytes, and as little as two of the header.
constexpr std::size_t kMostQueryParameters = 64;

// "/a/b?x=1&y=%20" -> path and decoded query. kInvalidArgument for a bad escape, a target that is no
// path, or too many parameters.
Status parse_target(std::string_view target, Request& request);
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);
std::string_view reason_phrase(int status);
// True if an Accept header (empty = anything) allows the media type.
bool accepts(std::string_view accept, std::string_view media_type);
// "application/json; charset=utf-8" -> "application/json", in lower case.
std::string media_type_of(std::string_view content_type);

}  // namespace skerry::api
