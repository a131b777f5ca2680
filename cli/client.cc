// Beast reads files 4 KiB at a time unless it is told otherwise here; artifacts have gigabytes.
#define BOOST_BEAST_FILE_BUFFER_SIZE 65536

#include "cli/client.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <optional>

#include "cli/verdict.h"
#include "cli/wire.h"
#include "common/check.h"
#include "common/tls/context.h"

namespace skerry::cli {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr std::size_t kMaxBodyBytes = 256 * 1024 * 1024;
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr int kTemporaryRedirect = 307;

using Parser = http::response_parser<http::string_body>;
using StreamParser = http::response_parser<http::buffer_body>;

template <typename Body>
HttpResponse head_of(const http::response<Body>& message) {
  HttpResponse response{.status = static_cast<int>(message.result_int())};
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    response.headers[name] = std::string(field.value());
  }
  return response;
}

}  // namespace

struct Client::Impl {
  Impl(Url where, Access with) : url(std::move(where)), access(std::move(with)) {}

  Url url;
  Access access;
  asio::io_context io{1};
  tls::Context context;  // made when it is first needed
  Wire wire{io};
  beast::flat_buffer buffer{kMaxHeaderBytes + kPieceBytes};
  bool connected = false;
  error_code failed;             // of the last step that failed
  std::optional<Error> trouble;  // that says more than `failed`

  // Runs one asynchronous step to its end: Beast's timeouts work only for these.
  template <typename Start>
  bool step(Start start) {
    bool ok = false;
    start([&](error_code wrong, const auto&...) {
      ok = !wrong;
      failed = wrong;
    });
    io.restart();
    io.run();
    return ok;
  }

  void close() {
    wire.close();
    buffer.clear();
    connected = false;
  }

  bool connect(Duration timeout) {
    trouble.reset();
    connected = reach(timeout) && (!url.tls || shake_hands()) && may_speak();
    return connected;
  }

  bool reach(Duration timeout) {
    asio::ip::tcp::resolver resolver(io);
    asio::ip::tcp::resolver::results_type found;
    if (!step([&](auto done) {
          resolver.async_resolve(url.host, url.port,
                                 [&found, done](error_code wrong, const auto& results) {
                                   found = results;
                                   done(wrong);
                                 });
        })) {
      return false;
    }
    wire.tcp().expires_after(timeout);
    if (!step([&](auto done) { wire.tcp().async_connect(found, done); })) {
      return false;
    }
    error_code ignored;
    wire.tcp().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    return true;
  }

  bool shake_hands() {
    if (!context) {
      auto made = access.verify ? tls::client_context(access.files)
                                : tls::unverified_client_context(access.files);
      if (!made) {
        trouble = std::move(made).error();
        return false;
      }
      context = *std::move(made);
    }
    SSL* const connection = SSL_new(context.get());
    check(connection != nullptr, "there is memory for a TLS connection");
    wire.use(connection);
    Verdict verdict;
    if (access.verify) {
      note_verdict(wire.tls(), verdict);
    }
    if (!tls::expect_host(wire.tls(), url.host)) {
      trouble = Error{.code = ErrorCode::kInvalidArgument,
                      .message = fmt::format("'{}' is no host name", url.host)};
      return false;
    }
    const bool agreed = step([&](auto done) { wire.async_handshake(done); });
    if (!agreed && verdict.code != X509_V_OK) {
      trouble = untrusted(verdict, url, access.files.ca_file);
    } else if (!agreed && failed != beast::error::timeout) {
      trouble = handshake_trouble();
    }
    return agreed;
  }

  Error handshake_trouble() const {
    const bool of_openssl = failed.category() == asio::error::get_ssl_category();
    return no_handshake(of_openssl ? static_cast<unsigned long>(failed.value()) : 0,
                        failed.message(), url);
  }

  bool may_speak() {
    if (access.token.empty()) {
      return true;
    }
    error_code gone;
    const auto peer = wire.tcp().socket().remote_endpoint(gone);
    const Status may = may_send_token(url, access, !gone && peer.address().is_loopback());
    if (!may) {
      trouble = may.error();
    }
    return may.has_value();
  }

  template <typename Body>
  http::request<Body> message_of(const HttpRequest& request) const {
    http::request<Body> message;
    message.version(11);
    message.method_string(request.method);
    message.target(url.path + request.target);
    const std::string host =
        url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]";
    message.set(http::field::host,
                url.port == (url.tls ? "443" : "80") ? host : host + ":" + url.port);
    message.set(http::field::user_agent, "skerryctl");
    if (!access.token.empty()) {
      message.set(http::field::authorization, "Bearer " + access.token);
    }
    for (const auto& [name, value] : request.headers) {
      message.set(name, value);
    }
    return message;
  }

  bool write(const HttpRequest& request) {
    auto message = message_of<http::string_body>(request);
    message.body() = request.body;
    message.prepare_payload();
    wire.tcp().expires_after(request.timeout);
    return step([&](auto done) { http::async_write(wire, message, done); });
  }

  // Connects if need be and sends the request; a connection that went stale is replaced once.
  // Leaves the first byte of the answer waiting, since only its arrival proves that the server took
  // the request.
  bool deliver(const HttpRequest& request) {
    const bool reused = connected;
    if ((connected || connect(request.timeout)) && write(request) && await_answer()) {
      return true;
    }
    const bool stale = reused && failed != beast::error::timeout;
    close();
    return stale && connect(request.timeout) && write(request) && await_answer();
  }

  bool await_answer() {
    return step([&](auto done) {
      wire.async_read_some(buffer.prepare(kPieceBytes),
                           [this, done](error_code wrong, std::size_t n) {
                             buffer.commit(n);
                             done(wrong);
                           });
    });
  }

  Result<HttpResponse> read(bool without_body) {
    Parser parser;
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(kMaxBodyBytes);
    parser.skip(without_body);
    if (!step([&](auto done) { http::async_read(wire, buffer, parser, done); })) {
      return lost();
    }
    HttpResponse response = head_of(parser.get());
    response.body = std::move(parser.get().body());
    if (!parser.keep_alive()) {
      close();
    }
    return response;
  }

  Result<void> write_file(const HttpRequest& request, const std::string& file,
                          const std::function<void(std::uint64_t)>& on_progress) {
    auto message = message_of<http::file_body>(request);
    error_code wrong;
    message.body().open(file.c_str(), beast::file_mode::scan, wrong);
    if (wrong) {
      return fail(ErrorCode::kIo, fmt::format("cannot read '{}': {}", file, wrong.message()));
    }
    message.prepare_payload();
    http::request_serializer<http::file_body> serializer(message);
    serializer.limit(kPieceBytes);
    std::uint64_t sent = 0;
    while (!serializer.is_done()) {
      wire.tcp().expires_after(request.timeout);
      std::size_t piece = 0;
      if (!step([&](auto done) {
            http::async_write_some(wire, serializer,
                                   [&piece, done](error_code status, std::size_t n) {
                                     piece = n;
                                     done(status);
                                   });
          })) {
        // The server may have refused and closed before it had everything: its answer says why, if
        // it can be read.
        return {};
      }
      sent += piece;
      on_progress(sent);
    }
    return {};
  }

  // Reads on until the answer ends or on_bytes has enough. Expects the header to have been read.
  Result<void> read_pieces(StreamParser& parser, Duration timeout,
                           const std::function<bool(std::string_view)>& on_bytes) {
    std::string piece(kPieceBytes, '\0');
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      wire.tcp().expires_after(timeout);
      const bool ok = step([&](auto done) { http::async_read_some(wire, buffer, parser, done); });
      if (!ok && failed != http::error::need_buffer) {
        return lost();
      }
      if (!on_bytes(std::string_view(piece).substr(0, piece.size() - parser.get().body().size))) {
        break;
      }
    }
    return {};
  }

  // What to say when there is no answer; closes the connection.
  std::unexpected<Error> lost() {
    if (!trouble && failed.category() == asio::error::get_ssl_category()) {
      trouble = handshake_trouble();  // TLS 1.3 tells a client last what it thinks of it
    }
    close();
    if (trouble) {
      return fail(*std::exchange(trouble, std::nullopt));
    }
    if (failed == beast::error::timeout) {
      return fail(ErrorCode::kDeadlineExceeded,
                  fmt::format("{} did not answer in time", url.text()));
    }
    if (failed.category() == http::make_error_code(http::error::bad_version).category() &&
        failed != http::error::end_of_stream && failed != http::error::partial_message) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{} does not speak HTTP: {}", url.text(), failed.message()));
    }
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot reach {}: {}\nhint: is a controller running there? Name "
                            "another with --server URL, "
                            "SKERRY_SERVER or `server:` in the configuration file",
                            url.text(), failed.message()));
  }
};

std::string HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

Client::Client(Url url, Access access)
    : impl_(std::make_unique<Impl>(std::move(url), std::move(access))) {}
Client::~Client() = default;

const Url& Client::url() const { return impl_->url; }

Result<HttpResponse> Client::send(const HttpRequest& request) {
  if (!impl_->deliver(request)) {
    return impl_->lost();
  }
  auto response = impl_->read(request.method == "HEAD");
  return response && response->status == kTemporaryRedirect
             ? send_elsewhere(request, response->header("location"))
             : std::move(response);
}

Result<HttpResponse> Client::send_elsewhere(const HttpRequest& request,
                                            const std::string& location) {
  const auto host = location.find("://");
  const auto path = host == std::string::npos ? host : location.find('/', host + 3);
  auto there = path == std::string::npos ? fail(ErrorCode::kCorrupt, "")
                                         : parse_url(location.substr(0, path));
  if (!there) {
    return fail(ErrorCode::kCorrupt, fmt::format("{} sends elsewhere, to '{}', which is no address",
                                                 impl_->url.text(), location.substr(0, 200)));
  }
  if (Status may = may_follow(impl_->url, *there, impl_->access); !may) {
    return fail(std::move(may).error());
  }
  Impl elsewhere(*std::move(there), impl_->access);
  HttpRequest again = request;
  again.target = location.substr(path);
  if (!elsewhere.deliver(again)) {
    return elsewhere.lost();
  }
  return elsewhere.read(request.method == "HEAD");
}

Result<HttpResponse> Client::upload(const HttpRequest& request, const std::string& file,
                                    const std::function<void(std::uint64_t)>& on_progress) {
  // A stale connection would be noticed only in the middle of the file.
  impl_->close();
  if (!impl_->connect(request.timeout)) {
    return impl_->lost();
  }
  if (const auto sent = impl_->write_file(request, file, on_progress); !sent) {
    impl_->close();
    return fail(sent.error());
  }
  return impl_->read(false);
}

Result<HttpResponse> Client::stream(const HttpRequest& request, Duration silence,
                                    const std::function<bool(std::string_view)>& on_bytes) {
  if (!impl_->deliver(request)) {
    return impl_->lost();
  }
  StreamParser parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(boost::none);
  if (!impl_->step(
          [&](auto done) { http::async_read_header(impl_->wire, impl_->buffer, parser, done); })) {
    return impl_->lost();
  }
  HttpResponse response = head_of(parser.get());
  const bool refused = response.status != 200;
  const auto read = impl_->read_pieces(parser, silence, [&](std::string_view piece) {
    if (refused) {
      response.body += piece;
      return response.body.size() < kMaxBodyBytes;
    }
    return on_bytes(piece);
  });
  impl_->close();
  if (!read) {
    return fail(read.error());
  }
  return response;
}

}  // namespace skerry::cli
