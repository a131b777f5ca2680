#include "tests/unit/cli_harness.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "common/check.h"

namespace skerry::cli {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

// To what is no HTTP, such as TLS.
constexpr std::string_view kBadRequest =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

ServedRequest taken(const http::request<http::string_body>& message) {
  ServedRequest request{.method = std::string(message.method_string()),
                        .target = std::string(message.target()),
                        .body = message.body()};
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    request.headers[name] = std::string(field.value());
  }
  return request;
}

// True if the connection goes on.
template <typename Stream>
bool answer(Stream& socket, const ServedAnswer& answer, unsigned version) {
  error_code wrong;
  if (answer.silent) {
    return false;
  }
  if (!answer.pieces.empty()) {
    std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    asio::write(socket, asio::buffer(head), wrong);
    for (const std::string& piece : answer.pieces) {
      asio::write(socket, asio::buffer(piece), wrong);
    }
    return false;
  }
  http::response<http::string_body> message(static_cast<http::status>(answer.status), version,
                                            answer.body);
  message.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : answer.headers) {
    message.set(name, value);
  }
  message.prepare_payload();
  http::write(socket, message, wrong);
  return !wrong && !answer.hang_up;
}

std::string read_all(int fd) {
  std::string text;
  char piece[4096];
  lseek(fd, 0, SEEK_SET);
  for (ssize_t n = 0; (n = read(fd, piece, sizeof piece)) > 0;) {
    text.append(piece, static_cast<std::size_t>(n));
  }
  close(fd);
  return text;
}

}  // namespace

struct ScriptedServer::State {
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
  Handler handler;
  tls::Context context;
  mutable std::mutex mutex;
  std::vector<ServedRequest> requests;
  std::jthread thread;

  void serve() {
    while (true) {
      error_code wrong;
      asio::ip::tcp::socket socket(io);
      acceptor.accept(socket, wrong);
      if (wrong) {
        return;
      }
      if (!context) {
        serve(socket);
        continue;
      }
      asio::ssl::stream<asio::ip::tcp::socket&> secured(socket, SSL_new(context.get()));
      if (!secured.handshake(asio::ssl::stream_base::server, wrong)) {
        serve(secured);
        secured.shutdown(wrong);  // until the client has closed, too
      }
    }
  }

  template <typename Stream>
  void serve(Stream& socket) {
    boost::beast::flat_buffer buffer;
    while (true) {
      error_code wrong;
      http::request<http::string_body> message;
      http::read(socket, buffer, message, wrong);
      if (wrong) {
        if (wrong == http::error::bad_method) {
          asio::write(socket, asio::buffer(kBadRequest), wrong);
        }
        return;
      }
      const ServedRequest request = taken(message);
      {
        const std::scoped_lock lock(mutex);
        requests.push_back(request);
      }
      ServedAnswer reply = handler(request);
      if (request.method == "HEAD") {
        reply.body.clear();
      }
      if (!answer(socket, reply, message.version())) {
        return;
      }
    }
  }
};

ScriptedServer::ScriptedServer(Handler handler, tls::Context context)
    : state_(std::make_unique<State>()) {
  state_->handler = std::move(handler);
  state_->context = std::move(context);
  state_->thread = std::jthread([state = state_.get()] { state->serve(); });
}

ScriptedServer::ScriptedServer(std::map<std::string, ServedAnswer> answers)
    : ScriptedServer([answers = std::move(answers)](const ServedRequest& request) {
        const auto found = answers.find(request.line());
        return found == answers.end() ? problem(404, "not_found", "no answer for " + request.line())
                                      : found->second;
      }) {}

ScriptedServer::~ScriptedServer() {
  // Wakes the thread out of accept().
  shutdown(state_->acceptor.native_handle(), SHUT_RDWR);
  state_->thread.join();
}

std::string ScriptedServer::url() const {
  return (state_->context ? "https://127.0.0.1:" : "http://127.0.0.1:") + port();
}

std::string ScriptedServer::port() const {
  return std::to_string(state_->acceptor.local_endpoint().port());
}

std::vector<ServedRequest> ScriptedServer::requests() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->requests;
}

std::vector<std::string> ScriptedServer::request_lines() const {
  std::vector<std::string> lines;
  for (const ServedRequest& request : requests()) {
    lines.push_back(request.line());
  }
  return lines;
}

ServedAnswer problem(int status, std::string_view code, std::string_view detail) {
  return {.status = status,
          .body = R"({"type":"about:blank","title":"T","status":)" + std::to_string(status) +
                  R"(,"detail":")" + std::string(detail) + R"(","code":")" + std::string(code) +
                  R"("})",
          .headers = {{"Content-Type", "application/problem+json"}}};
}

Finished run_skerryctl(const std::vector<std::string>& arguments,
                       const std::vector<std::string>& environment) {
  std::vector<std::string> words = {SKERRYCTL_PATH};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> settings = environment;
  settings.insert(settings.end(), {"HOME=/nonexistent", "PATH=/usr/bin:/bin"});
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) {
      list.push_back(text.data());
    }
    list.push_back(nullptr);
    return list;
  };
  const int out = memfd_create("out", 0);
  const int err = memfd_create("err", 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, words[0].c_str(), &actions, nullptr, pointers(words).data(),
                                 pointers(settings).data());
  posix_spawn_file_actions_destroy(&actions);
  check(failed == 0, "skerryctl can be started");
  int status = 0;
  waitpid(pid, &status, 0);
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
          .out = read_all(out),
          .err = read_all(err)};
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "skerryctl-XXXXXX").string();
  check(mkdtemp(pattern.data()) != nullptr, "a temporary folder can be made");
  folder_ = pattern;
}
TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(folder_); }

std::string TemporaryFolder::path(std::string_view name) const {
  return folder_ + "/" + std::string(name);
}

std::string TemporaryFolder::write(std::string_view name, std::string_view bytes) const {
  std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
  std::ofstream(path(name), std::ios::binary) << bytes;
  return path(name);
}

}  // namespace skerry::cli
