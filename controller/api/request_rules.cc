#include "controller/api/request_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <charconv>
#include <iterator>

namespace skerry::api {

namespace http = boost::beast::http;

namespace {

using boost::beast::iequals;

constexpr std::size_t kMostExtensionBytes = 16 * 1024;  // of all chunks of a body
constexpr std::size_t kMostTrailerBytes = 4 * 1024;
constexpr std::ptrdiff_t kMostTrailerFields = 16;
constexpr std::size_t kMostLengthDigits = 19;  // fits into 64 bits

// What a client may say of its connection (9110, 7.6.1). Any other word is the name of a field that a
// proxy would have taken out, or was meant to.
constexpr std::array<std::string_view, 5> kOptions = {"close", "keep-alive", "te", "upgrade",
                                                      "http2-settings"};

// What must not come late (9110, 6.5.1): framing, routing, who asks, how the body is to be read.
constexpr std::array kNotInTrailers = {http::field::authorization,
                                       http::field::connection,
                                       http::field::content_encoding,
                                       http::field::content_length,
                                       http::field::content_range,
                                       http::field::content_type,
                                       http::field::cookie,
                                       http::field::expect,
                                       http::field::host,
                                       http::field::if_match,
                                       http::field::if_none_match,
                                       http::field::keep_alive,
                                       http::field::max_forwards,
                                       http::field::prefer,
                                       http::field::proxy_authorization,
                                       http::field::proxy_connection,
                                       http::field::range,
                                       http::field::te,
                                       http::field::trailer,
                                       http::field::transfer_encoding,
                                       http::field::upgrade};

BrokenRule broken(std::string message) { return {.message = std::move(message)}; }

std::string quoted(std::string_view text) { return fmt::format("'{}'", text.substr(0, 80)); }

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// 3.1, 3.2
std::optional<BrokenRule> check_start(const RequestHead& head) {
  if (head.method() == http::verb::unknown) {
    return broken(fmt::format("the method {} is not known here", quoted(head.method_string())));
  }
  if (!head.target().starts_with('/') || head.target().find('#') != std::string_view::npos) {
    return broken("the request's target must be a path that starts with '/', and no whole URL");
  }
  return std::nullopt;
}

// 6.1 to 6.3
std::optional<BrokenRule> check_length(const RequestHead& head) {
  const auto lengths = head.count(http::field::content_length);
  const auto codings = head.count(http::field::transfer_encoding);
  if (lengths + codings > 1) {
    return broken("the request says more than once how long its body is");
  }
  if (codings == 1) {
    if (!iequals(head[http::field::transfer_encoding], "chunked")) {
      return broken(fmt::format("the transfer coding {} is not known here: chunked alone is",
                                quoted(head[http::field::transfer_encoding])));
    }
    if (head.version() < 11) {
      return broken("HTTP/1.0 knows no transfer coding");
    }
  }
  if (lengths == 1) {
    const std::string_view length = head[http::field::content_length];
    const bool plain = is_digits(length) && length.size() <= kMostLengthDigits &&
                       (length == "0" || !length.starts_with('0'));
    if (!plain) {
      return broken(
          fmt::format("Content-Length must be a plain decimal number, not {}", quoted(length)));
    }
  }
  return std::nullopt;
}

// Programs of the CGI family take '_' for '-' (RFC 3875, 4.1.18), and so do proxies for them.
std::optional<BrokenRule> check_lookalikes(const RequestHead& head) {
  for (const auto& field : head) {
    std::string name(field.name_string());
    if (name.find('_') == name.npos) {
      continue;
    }
    std::ranges::replace(name, '_', '-');
    if (iequals(name, "content-length") || iequals(name, "transfer-encoding")) {
      return broken(
          fmt::format("the header {} is easily taken for {}", quoted(field.name_string()), name));
    }
  }
  return std::nullopt;
}

// A name, an address, or an address in brackets (9110, 7.2; RFC 3986, 3.2.2), maybe with a port.
bool is_host(std::string_view value) {
  constexpr std::string_view kOfNames =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%!$&'()*+;=";
  const bool bracketed = value.starts_with('[');
  const std::size_t end = bracketed ? value.find(']') : value.find(':');
  std::string_view host = value.substr(0, end);
  std::string_view rest = value.substr(std::min(end, value.size()));
  if (bracketed) {
    if (rest.empty()) {
      return false;
    }
    host.remove_prefix(1);
    rest.remove_prefix(1);
  }
  std::uint16_t port = 0;
  const bool good_port =
      rest.empty() ||
      (rest.size() > 1 && rest[0] == ':' && is_digits(rest.substr(1)) &&
       std::from_chars(rest.data() + 1, rest.data() + rest.size(), port).ec == std::errc());
  const std::string_view allowed = bracketed ? "0123456789abcdefABCDEF:." : kOfNames;
  return !host.empty() && host.find_first_not_of(allowed) == host.npos && good_port;
}

// 3.2
std::optional<BrokenRule> check_host(const RequestHead& head) {
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() >= 11)) {
    return broken(hosts == 0 ? "the request has no Host" : "the request has more than one Host");
  }
  if (hosts == 1 && !is_host(head[http::field::host])) {
    return broken(fmt::format("{} is no Host", quoted(head[http::field::host])));
  }
  return std::nullopt;
}

std::optional<BrokenRule> check_connection(const RequestHead& head) {
  for (const auto name : {http::field::connection, http::field::proxy_connection}) {
    for (auto [it, end] = head.equal_range(name); it != end; ++it) {
      for (const std::string_view option : http::token_list(it->value())) {
        if (std::ranges::none_of(kOptions, [&](auto known) { return iequals(known, option); })) {
          return broken(fmt::format("the Connection option {} is not known here", quoted(option)));
        }
      }
    }
  }
  return std::nullopt;
}

// 9110, 10.1.1; who speaks HTTP/1.0 expects nothing, whatever it says.
std::optional<BrokenRule> check_expectation(const RequestHead& head) {
  const auto expectations = head.count(http::field::expect);
  if (head.version() >= 11 && expectations > 0 &&
      (expectations > 1 || !iequals(head[http::field::expect], "100-continue"))) {
    return BrokenRule{.status = 417,
                      .code = "expectation_failed",
                      .message = "nothing but 'Expect: 100-continue', said once, can be met"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<BrokenRule> check_lines(std::string_view lines) {
  for (std::size_t end = lines.find('\n'); end != lines.npos; end = lines.find('\n', end + 1)) {
    if (end + 1 < lines.size() && (lines[end + 1] == ' ' || lines[end + 1] == '\t')) {
      return broken("a header goes on in the next line, which is not taken any more");
    }
  }
  return std::nullopt;
}

std::optional<BrokenRule> check_head(const RequestHead& head) {
  for (const auto check : {check_start, check_length, check_lookalikes, check_host,
                           check_connection, check_expectation}) {
    if (auto found = check(head)) {
      return found;
    }
  }
  return std::nullopt;
}

std::optional<BrokenRule> check_trailer(const http::fields& trailer) {
  std::size_t bytes = 0;
  for (const auto& field : trailer) {
    bytes += field.name_string().size() + field.value().size();
    if (std::ranges::find(kNotInTrailers, field.name()) != kNotInTrailers.end()) {
      return broken(
          fmt::format("the field {} must not come behind the body", quoted(field.name_string())));
    }
  }
  if (bytes > kMostTrailerBytes ||
      std::distance(trailer.begin(), trailer.end()) > kMostTrailerFields) {
    return broken(fmt::format("the trailer is over the limit of {} fields and {} bytes",
                              kMostTrailerFields, kMostTrailerBytes));
  }
  return std::nullopt;
}

void ChunkRule::operator()(std::uint64_t, boost::beast::string_view extension,
                           boost::beast::error_code& error) {
  extension_bytes_ += extension.size();
  if (extension_bytes_ > kMostExtensionBytes || extension.starts_with(' ') ||
      extension.starts_with('\t')) {
    error = http::error::bad_chunk_extension;
  }
}

}  // namespace skerry::api
