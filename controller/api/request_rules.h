// request_rules.h: what makes a request ambiguous, and is refused for that.
//
// Where a proxy stands in front of us, it and we must never disagree about where a request ends or who it
// is for, or a client could have the rest of its request taken for another client's ("smuggling"). So
// whatever RFC 9112 leaves to choose, tolerates or only advises against is refused here, and the
// connection is closed: nothing behind it can be trusted to begin a request.
//
// These rules come on top of Beast's parser, which does not know them: 1.81 takes folded lines, takes a
// transfer coding that it does not know for an empty body, several equal lengths for one, and leaves
// chunk extensions and trailers unbounded. Pure; sections are those of RFC 9112 unless they say 9110.

#pragma once

#include <boost/beast/core/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skerry::api {

// The answer to a request that breaks a rule.
struct BrokenRule {
  int status = 400;
  std::string_view code = "bad_request";
  std::string message;
};

// Of the bytes of whole lines of a head or a trailer, as they came: none may be folded (5.2).
std::optional<BrokenRule> check_lines(std::string_view lines);

using RequestHead = boost::beast::http::request_header<boost::beast::http::fields>;
// Of a head that has been parsed: method, target, and the fields that say where the request ends, who it
// is for and what becomes of the connection.
std::optional<BrokenRule> check_head(const RequestHead& head);

// Of the fields behind the last chunk (7.1.2): few, and none that belongs into a head. They are dropped.
std::optional<BrokenRule> check_trailer(const boost::beast::http::fields& trailer);

// Of a body's chunks, one after the other: extensions mean nothing to us, and are bounded (7.1.1). For
// the parser's on_chunk_header(), which keeps a reference.
class ChunkRule {
 public:
  void operator()(std::uint64_t size, boost::beast::string_view extension,
                  boost::beast::error_code& error);

 private:
  std::size_t extension_bytes_ = 0;
};

}  // namespace skerry::api
