// http_double.h: an HTTP server on loopback that says exactly what a test tells it to, and counts what it got.
//
// One connection at a time, one request each, on a thread of its own that ends with it.

#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace skerry {

class HttpDouble {
 public:
  // The bytes of the answer to the bytes of a request, after which the connection is closed; without any the server
  // keeps silent until its client has gone.
  using Answer = std::function<std::string(const std::string& request)>;

  struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: the kernel picks
    SSL_CTX* tls = nullptr;  // outlives the server
  };

  explicit HttpDouble(Answer answer) : HttpDouble(std::move(answer), Options{}) {}
  HttpDouble(Answer answer, const Options& options);
  ~HttpDouble();
  HttpDouble(const HttpDouble&) = delete;
  HttpDouble& operator=(const HttpDouble&) = delete;

  std::uint16_t port() const { return port_; }
  std::string port_text() const { return std::to_string(port_); }
  unsigned connections() const { return connections_; }
  std::vector<std::string> requests() const;

 private:
  void serve();
  void serve_one(int fd);

  Answer answer_;
  SSL_CTX* tls_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> connections_ = 0;
  mutable std::mutex mutex_;  // the test's thread asks while the server's serves
  std::vector<std::string> requests_;
  int serving_ = -1;
  bool stopping_ = false;
  std::thread thread_;
};

// "HTTP/1.1 200 OK" with this body, and further header lines that each end with \r\n.
std::string http_answer(std::string_view body, std::string_view status = "200 OK",
                        std::string_view headers = "");

}  // namespace skerry
