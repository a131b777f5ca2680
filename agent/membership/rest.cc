#include "agent/membership/rest.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>

#include "common/endpoint.h"
#include "common/tls/context.h"

namespace skerry::agent {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr std::size_t kMostAnswerBytes = 1 << 20;

struct Place {
  bool tls = false;
  std::string host;
  std::string port;
  std::string prefix;
};

Result<Place> place_of(const std::string& url) {
  Place place{.tls = url.starts_with("https://")};
  std::string rest = url.substr(place.tls ? 8 : std::min<std::size_t>(7, url.size()));
  const std::size_t slash = rest.find('/');
  if (slash != std::string::npos) {
    place.prefix = rest.substr(slash);
    rest.resize(slash);
  }
  while (place.prefix.ends_with('/')) {
    place.prefix.pop_back();
  }
  const std::size_t colon = rest.rfind(':');
  const bool has_port = colon != std::string::npos && rest.find(']', colon) == std::string::npos;
  place.port = has_port ? rest.substr(colon + 1) : (place.tls ? "443" : "80");
  place.host = has_port ? rest.substr(0, colon) : rest;
  if (place.host.starts_with('[') && place.host.ends_with(']')) {
    place.host = place.host.substr(1, place.host.size() - 2);
  }
  if ((!place.tls && !url.starts_with("http://")) || place.host.empty()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is no URL of a controller, such as https://skerry.example:8443", url));
  }
  if (!place.tls && place.host != "localhost" && !is_loopback_address(place.host)) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{} would be reached without encryption, and a token would be read on "
                            "the way: use https://",
                            url));
  }
  return place;
}

// One request from its connection to its answer, each step with what is left of the time.
class Exchange {
 public:
  Exchange(const std::string& url, Place place) : url_(url), place_(std::move(place)) {}

  Result<RestAnswer> run(std::string_view target, std::string body, const RestTrust& trust) {
    tcp_.expires_after(std::chrono::microseconds(kRestLimit.count()));
    if (Status connected = connect(); !connected) {
      return fail(std::move(connected).error());
    }
    http::request<http::string_body> request(http::verb::post, place_.prefix + std::string(target),
                                             11);
    request.set(http::field::host, place_.host + ":" + place_.port);
    request.set(http::field::content_type, "application/json");
    request.set(http::field::connection, "close");
    request.body() = std::move(body);
    request.prepare_payload();
    if (!place_.tls) {
      return exchange(tcp_, request);
    }
    if (Status secured = secure(trust); !secured) {
      return fail(std::move(secured).error());
    }
    return exchange(*tls_, request);
  }

 private:
  template <typename Start>
  bool step(Start start) {
    bool ok = false;
    start([&](error_code wrong, const auto&...) {
      ok = !wrong;
      failed_ = wrong;
    });
    io_.restart();
    io_.run();
    return ok;
  }

  std::unexpected<Error> lost() const {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot reach {}: {}", url_, failed_.message()));
  }

  Status connect() {
    asio::ip::tcp::resolver resolver(io_);
    const auto found = resolver.resolve(place_.host, place_.port, failed_);
    if (failed_ || !step([&](auto done) { tcp_.async_connect(found, done); })) {
      return lost();
    }
    return {};
  }

  Status secure(const RestTrust& trust) {
    std::shared_ptr<SSL_CTX> context;
    if (trust.check) {
      const auto made = pki::TlsContext::client(
          {.identity = std::nullopt, .check_peer = [&](std::span<const pki::Certificate> chain) {
             Status believed = trust.check(chain);
             verdict_ = believed;
             return believed;
           }});
      if (!made) {
        return fail(made.error());
      }
      SSL_CTX_up_ref(made->native());
      context.reset(made->native(), SSL_CTX_free);
    } else {
      auto made = tls::client_context({.ca_file = trust.ca_file});
      if (!made) {
        return fail(std::move(made).error());
      }
      context = *std::move(made);
    }
    SSL* const connection = SSL_new(context.get());
    tls_.emplace(tcp_, connection);  // owns it
    if (!trust.check && !tls::expect_host(connection, place_.host)) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is no host name", place_.host));
    }
    if (step([&](auto done) { tls_->async_handshake(asio::ssl::stream_base::client, done); })) {
      return {};
    }
    if (!verdict_) {
      return fail(ErrorCode::kUnauthenticated,
                  fmt::format("{} is not believed: {}", url_, verdict_.error().message));
    }
    return fail(ErrorCode::kUnauthenticated,
                fmt::format("no TLS with {}: {}", url_, failed_.message()));
  }

  template <typename Stream>
  Result<RestAnswer> exchange(Stream& stream, http::request<http::string_body>& request) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMostAnswerBytes);
    beast::flat_buffer buffer(kMostAnswerBytes + (64 << 10));
    if (!step([&](auto done) { http::async_write(stream, request, done); }) ||
        !step([&](auto done) { http::async_read(stream, buffer, parser, done); })) {
      return lost();
    }
    return RestAnswer{.status = static_cast<int>(parser.get().result_int()),
                      .body = std::move(parser.get().body())};
  }

  const std::string& url_;
  const Place place_;
  asio::io_context io_{1};
  beast::tcp_stream tcp_{io_};
  std::optional<asio::ssl::stream<beast::tcp_stream&>> tls_;
  error_code failed_;
  Status verdict_;
};

}  // namespace

Result<RestAnswer> post(const std::string& url, std::string_view target, std::string body,
                        const RestTrust& trust) {
  auto place = place_of(url);
  if (!place) {
    return fail(std::move(place).error());
  }
  return Exchange(url, *std::move(place)).run(target, std::move(body), trust);
}

}  // namespace skerry::agent
