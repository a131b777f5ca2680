#include "tests/unit/api_recorded_server.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <boost/asio/executor_work_guard.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "common/digest.h"
#include "controller/api/problem.h"

namespace skerry::api {

namespace {

constexpr std::uint64_t kBodyLimitBytes = 64 * 1024;

class RecordingService final : public HttpService {
 public:
  Dispatch dispatch(Request& request) override {
    return {.body_limit_bytes = kBodyLimitBytes, .stream_body = request.path == "/streamed"};
  }
  Task<Response> handle(std::size_t, Exchange* exchange) override {
    const Request& request = exchange->request();
    std::string line =
        fmt::format("{} {}", std::string_view(to_string(request.verb)), request.path);
    if (request.path == "/streamed") {
      while (true) {
        const auto piece = co_await exchange->read_piece();
        if (!piece) {
          co_return error_response(400, "bad_request", piece.error().message);
        }
        if (piece->empty()) {
          break;
        }
      }
    } else if (!request.body.empty()) {
      line += " " + request.body;
    }
    {
      const std::scoped_lock lock(mutex_);
      handled_.push_back(std::move(line));
    }
    co_return Response{.content_type = "text/plain", .body = "handled\n"};
  }
  Response error_response(int status, std::string_view code, std::string message) override {
    return problem(status, code, message);
  }
  void observe(const Dispatch&, std::string_view, int, Duration) override {}

  std::vector<std::string> handled() const {
    const std::scoped_lock lock(mutex_);
    return handled_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> handled_;
};

}  // namespace

Identity::Identity() {
  const auto folder =
      std::filesystem::path(testing::TempDir()) / ("api-tls-" + to_hex(random_bytes(8)));
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const std::string& text) {
    const auto path = folder / name;
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    return path.string();
  };
  const tests::Issued issued = authority.issue();
  server = *tls::server_context({.certificate_file = write("server.pem", issued.certificate_pem),
                                 .key_file = write("server.key", issued.key_pem)});
  client = *tls::client_context({.ca_file = write("ca.pem", authority.pem())});
  std::filesystem::remove_all(folder);
}

struct RecordedServer::State {
  State(Speaks speaks, HttpLimits limits)
      : identity(speaks == Speaks::kTls ? std::make_unique<Identity>() : nullptr),
        log("test", std::make_shared<spdlog::sinks::null_sink_mt>()),
        server(io, service, clock, log, limits, source()) {
    port = *server.start("127.0.0.1", 0);
    thread = std::jthread([this] { io.run(); });
  }

  tls::ContextSource source() {
    if (identity == nullptr) {
      return {};
    }
    return [this] {
      const std::scoped_lock lock(mutex);
      return identity->server;
    };
  }

  std::mutex mutex;
  std::unique_ptr<Identity> identity;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  SystemClock clock;
  Log log;
  RecordingService service;
  HttpServer server;
  std::uint16_t port = 0;
  bool stopped = false;
  std::jthread thread;
};

RecordedServer::RecordedServer(Speaks speaks, HttpLimits limits)
    : state_(std::make_unique<State>(speaks, limits)) {}

RecordedServer::~RecordedServer() {
  stop();
  state_->work.reset();
}

void RecordedServer::stop() {
  if (!std::exchange(state_->stopped, true)) {
    std::promise<void> done;
    state_->server.stop(Duration(0), [&done] { done.set_value(); });
    done.get_future().get();
  }
}

std::uint16_t RecordedServer::port() const { return state_->port; }

tls::Context RecordedServer::trust() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->identity->client;
}

Client RecordedServer::client() {
  Client client(port());
  if (state_->identity != nullptr) {
    EXPECT_TRUE(client.secure(trust()));
  }
  return client;
}

std::vector<std::string> RecordedServer::handled() const { return state_->service.handled(); }
std::size_t RecordedServer::connections() const { return state_->server.connections(); }
std::uint64_t RecordedServer::handshakes(Handshake how) const {
  return state_->server.handshakes(how);
}
const HandshakeGate& RecordedServer::gate() const { return state_->server.gate(); }

void RecordedServer::use_another_certificate() {
  auto fresh = std::make_unique<Identity>();
  const std::scoped_lock lock(state_->mutex);
  state_->identity = std::move(fresh);
}

}  // namespace skerry::api
