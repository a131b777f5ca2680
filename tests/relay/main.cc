// skerry-relay: the bad link of tests and of the quickstart (relay.h). Flags: --help.

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/relay/relay.h"

namespace skerry::relay {
namespace {

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string to;
  std::string ready_file;
  double delay_ms = 0;
  double jitter_ms = 0;
  double rate_mbit = 0;
  std::uint64_t seed = 1;
  bool control = false;
};

// "127.0.0.1:80"; throws std::exception on anything else.
asio::ip::tcp::endpoint parse_endpoint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    throw CLI::ValidationError(text, "want ADDRESS:PORT");
  }
  const int port = std::stoi(text.substr(colon + 1));
  return {asio::ip::make_address(text.substr(0, colon)), static_cast<unsigned short>(port)};
}

// Written aside and renamed, so that who waits for it never reads half of it.
void write_ready_file(const std::string& path, const asio::ip::tcp::endpoint& local) {
  const std::string aside = path + ".new";
  std::ofstream(aside) << fmt::format(R"({{"listen": "{}:{}"}})", local.address().to_string(),
                                      local.port())
                       << '\n';
  if (std::rename(aside.c_str(), path.c_str()) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
}

// Commands on standard input, answers on standard output; the end of input ends the program, so
// that no relay outlives the test that started it.
class Control {
 public:
  Control(asio::io_context& io, Relay& relay)
      : io_(io), relay_(relay), input_(io, ::dup(STDIN_FILENO)) {
    read();
  }

 private:
  void read() {
    asio::async_read_until(
        input_, asio::dynamic_buffer(text_), '\n',
        [this](boost::system::error_code error, std::size_t length) {
          if (error) {
            io_.stop();
            return;
          }
          fmt::print("{}\n", relay_.command(std::string_view(text_).substr(0, length - 1)));
          std::fflush(stdout);
          text_.erase(0, length);
          read();
        });
  }

  asio::io_context& io_;
  Relay& relay_;
  asio::posix::stream_descriptor input_;
  std::string text_;
};

void serve(const Options& options) {
  asio::io_context io(1);
  const Link link{.delay_s = options.delay_ms * 1e-3,
                  .jitter_s = options.jitter_ms * 1e-3,
                  .rate_bytes_per_s = options.rate_mbit * 1e6 / 8};
  Relay relay(io.get_executor(), parse_endpoint(options.listen), parse_endpoint(options.to), link,
              options.seed);
  if (!options.ready_file.empty()) {
    write_ready_file(options.ready_file, relay.local_endpoint());
  }
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](boost::system::error_code, int) { io.stop(); });
  std::optional<Control> control;
  if (options.control) {
    control.emplace(io, relay);
  }
  io.run();
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Relays TCP connections over a link with delay, jitter and limited bandwidth",
               "skerry-relay");
  app.add_option("--listen", options.listen,
                 "ADDRESS:PORT to accept at; port 0 lets the kernel pick")
      ->capture_default_str();
  app.add_option("--to", options.to, "ADDRESS:PORT to connect to")->required();
  app.add_option("--delay-ms", options.delay_ms, "one way, both ways")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--jitter-ms", options.jitter_ms, "added to the delay, uniform")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--rate-mbit", options.rate_mbit,
                 "Mbit/s each way over all connections; 0 = unlimited")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--seed", options.seed, "of the jitter")->capture_default_str();
  app.add_option("--ready-file", options.ready_file,
                 "gets {\"listen\": \"ADDRESS:PORT\"} once it accepts");
  app.add_flag("--control", options.control,
               "obey commands on standard input (see relay.h); its end ends the program");
  CLI11_PARSE(app, argc, argv);
  try {
    serve(options);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "skerry-relay: {}\n", failure.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace skerry::relay

int main(int argc, char** argv) { return skerry::relay::run(argc, argv); }
