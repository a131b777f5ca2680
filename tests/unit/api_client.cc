// The blocking HTTP client of api_fixture.h.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>
#include <csignal>

#include "tests/unit/api_fixture.h"

namespace skerry::api {

boost::json::value Reply::json() const {
  boost::system::error_code wrong;
  auto value = boost::json::parse(body, wrong);
  EXPECT_FALSE(wrong) << status << " " << body;
  return value;
}
std::string Reply::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}
std::string Reply::code() const {
  EXPECT_EQ(header("content-type"), "application/problem+json") << body;
  const auto value = json();
  return value.is_object() && value.as_object().contains("code")
             ? std::string(value.at("code").as_string())
             : "";
}
std::vector<std::string> Reply::fields() const {
  std::vector<std::string> texts;
  const auto value = json();
  if (const auto* list = value.as_object().if_contains("fields")) {
    for (const auto& issue : list->as_array()) {
      texts.push_back(fmt::format("{}: {}", std::string_view(issue.at("field").as_string()),
                                  std::string_view(issue.at("message").as_string())));
    }
  }
  return texts;
}

Client::Client(std::uint16_t port, const char* from)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  EXPECT_EQ(::inet_pton(AF_INET, from, &address.sin_addr), 1);
  EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval patience{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}
Client::~Client() { close(); }
Client::Client(Client&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      tls_(std::move(other.tls_)),
      buffer_(std::move(other.buffer_)) {}
void Client::close() {
  tls_.reset();
  if (socket_ >= 0) {
    ::close(std::exchange(socket_, -1));
  }
}

void Client::end() {
  if (tls_) {
    SSL_shutdown(tls_.get());
  }
  ::shutdown(socket_, SHUT_WR);
}

bool Client::secure(const tls::Context& context, const std::string& host) {
  ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to a server that has closed as to any other
  tls_ = std::shared_ptr<SSL>(SSL_new(context.get()), SSL_free);
  SSL_set_fd(tls_.get(), socket_);
  EXPECT_TRUE(tls::expect_host(tls_.get(), host));
  const bool agreed = SSL_connect(tls_.get()) == 1;
  ERR_clear_error();
  return agreed;
}

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                              : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;  // the server closed: the answer will tell
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool Client::fill() {
  char bytes[65536];
  const ssize_t count =
      tls_ ? SSL_read(tls_.get(), bytes, sizeof bytes) : ::recv(socket_, bytes, sizeof bytes, 0);
  if (count > 0) {
    buffer_.append(bytes, static_cast<std::size_t>(count));
  }
  return count > 0;
}

std::string Client::read_until(std::string_view mark) {
  while (buffer_.find(mark) == std::string::npos) {
    if (!fill()) {
      return std::exchange(buffer_, {});
    }
  }
  const std::size_t end = buffer_.find(mark) + mark.size();
  std::string text = buffer_.substr(0, end);
  buffer_.erase(0, end);
  return text;
}

bool Client::closed() {
  char byte = 0;
  if (tls_) {
    return buffer_.empty() && SSL_read(tls_.get(), &byte, 1) <= 0 &&
           (SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  return buffer_.empty() && ::recv(socket_, &byte, 1, 0) == 0;
}

Reply Client::try_receive() {
  pollfd there{.fd = socket_, .events = POLLIN, .revents = 0};
  constexpr int kFewMs = 5;
  return !buffer_.empty() || ::poll(&there, 1, kFewMs) > 0 ? receive() : Reply{};
}

Reply Client::receive(bool head) {
  Reply reply;
  std::string text = read_until("\r\n\r\n");
  if (text.size() < 12 ||
      std::from_chars(text.data() + 9, text.data() + 12, reply.status).ec != std::errc()) {
    return reply;  // closed, or silent for 10 s
  }
  for (std::size_t line = text.find("\r\n") + 2; line + 2 < text.size();) {
    const std::size_t end = text.find("\r\n", line);
    const std::size_t colon = text.find(": ", line);
    std::string name = text.substr(line, colon - line);
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    reply.headers[name] = text.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  if (head || reply.status == 204 || reply.status == 304) {
    return reply;
  }
  if (reply.header("transfer-encoding") == "chunked") {
    while (true) {
      const std::string size_line = read_until("\r\n");
      std::size_t size = 0;
      std::from_chars(size_line.data(), size_line.data() + size_line.size(), size, 16);
      while (buffer_.size() < size + 2 && fill()) {
      }
      reply.body += buffer_.substr(0, size);
      buffer_.erase(0, size + 2);
      if (size == 0) {
        return reply;
      }
    }
  }
  const std::size_t length = std::stoul("0" + reply.header("content-length"));
  while (buffer_.size() < length && fill()) {
  }
  reply.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return reply;
}

std::string request_text(std::string_view method, std::string_view target, std::string_view body,
                         const std::vector<std::string>& headers) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n", method, target);
  for (const std::string& header : headers) {
    text += header + "\r\n";
  }
  if (!body.empty()) {
    text += fmt::format("Content-Length: {}\r\n", body.size());
  }
  return fmt::format("{}\r\n{}", text, body);
}

Reply Client::call(std::string_view method, std::string_view target, std::string_view body,
                   const std::vector<std::string>& headers) {
  send(request_text(method, target, body, headers));
  return receive(method == "HEAD");
}

// ---- to the fixture's server

Client TestApi::client() const {
  Client client(port());
  if (trust_) {
    EXPECT_TRUE(client.secure(trust_));
  }
  return client;
}

Reply TestApi::call(std::string_view method, std::string_view target, std::string_view body,
                    const std::vector<std::string>& headers) const {
  return client().call(method, target, body, headers);
}

}  // namespace skerry::api
