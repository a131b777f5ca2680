// skerry-hostile: stands where skerry-runner stands, for an agent that does not know the difference: enters the same sandbox
// by the same code, loads nothing, and then does what the picture that is sent to it says: an attempt of attempts.h, or some
// misbehaviour towards the agent. With the word "hello" it behaves, and says who it is.
//
// Usage: as skerry-runner's.

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <string>

#include "agent/runner/protocol.h"
#include "agent/runner/start.h"
#include "common/values.h"
#include "tests/sandbox/attempts.h"

namespace skerry::hostile {

namespace {

constexpr int kSocketGone = 1;

class Runner {
 public:
  explicit Runner(int socket) : socket_(socket) {
    add_file_attempts(attempts_);
    add_network_attempts(attempts_);
    add_process_attempts(attempts_);
    add_kernel_attempts(attempts_);
    add_memory_attempts(attempts_);
    add_endings(attempts_);
  }

  int serve() {
    std::array<char, 64 * 1024> buffer;
    for (;;) {
      const ssize_t got = recv(socket_, buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        return got == 0 ? 0 : kSocketGone;
      }
      frames_.append({buffer.data(), static_cast<std::size_t>(got)});
      for (auto frame = frames_.next(); frame; frame = frames_.next()) {
        answer(*frame);
      }
    }
  }

 private:
  void answer(const runner::Frame& frame) {
    if (std::holds_alternative<runner::Load>(frame)) {
      send_frame(runner::Loaded{.load_us = 1, .memory_bytes = 1u << 20, .device = "cpu"});
    } else if (const auto* run = std::get_if<runner::Run>(&frame)) {
      const auto values = decode_values(run->inputs);
      const auto* order =
          values && !values->empty() ? std::get_if<Media>(&values->front().value) : nullptr;
      obey(run->id, order == nullptr ? "hello" : order->data);
    }
  }

  void obey(std::uint64_t id, const std::string& order) {
    std::istringstream in(order);
    std::string name;
    in >> name;
    Arguments arguments;
    for (std::string word; in >> word;) {
      arguments.push_back(word);
    }
    if (name == "hello") {
      tell(id, fmt::format("hello from user {}", getuid()));
    } else if (const auto attempt = attempts_.find(name); attempt != attempts_.end()) {
      tell(id, attempt->second(arguments));
    } else {
      misbehave(id, name);
    }
  }

  // Towards the agent, by the one socket that there is.
  void misbehave(std::uint64_t id, const std::string& name) {
    if (name == "garbage") {
      send_bytes(std::string(1u << 20, '\xff'));
    } else if (name == "huge-frame") {
      send_bytes({"\xff\xff\xff\x0f", 4});  // almost 256 MiB, of which nothing follows
      send_bytes(std::string(1u << 20, 'x'));
    } else if (name == "unasked") {
      send_frame(runner::Ran{.id = id + 1000, .outputs = "x"});
    } else if (name == "twice") {
      tell(id, "once");
      tell(id, "twice");
    } else if (name == "ready-again") {
      send_frame(runner::Ready{});
    } else if (name == "no-values") {
      send_frame(runner::Ran{
          .id = id, .service_us = ~0ull, .cpu_us = ~0ull, .outputs = std::string(4096, '\xff')});
    } else if (name == "no-text") {
      tell(id, std::string("\xff\xc0\x80\0\x1b[2J\n\"", 12));
    } else if (name == "flood") {
      for (;;) {
        send_frame(runner::Ran{.id = id, .outputs = std::string(1u << 20, 'x')});
      }
    } else if (name == "close-socket") {
      shutdown(socket_, SHUT_RDWR);
      close(socket_);
      for (;;) {
        sleep(1000);
      }
    } else if (name == "flood-stderr") {
      const std::string line = std::string(1000, 'e') + "\n";
      for (;;) {
        [[maybe_unused]] const ssize_t put = write(STDERR_FILENO, line.data(), line.size());
      }
    } else {
      tell(id, fmt::format("there is no attempt '{}'", name));
    }
  }

  void tell(std::uint64_t id, const std::string& text) {
    const Values outputs = {{"told", Labels{{.text = text, .score = 1}}}};
    send_frame(
        runner::Ran{.id = id, .service_us = 1, .cpu_us = 1, .outputs = encode_values(outputs)});
  }
  void send_frame(const runner::Frame& frame) { send_bytes(runner::encode_frame(frame)); }
  void send_bytes(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        _exit(kSocketGone);
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  int socket_;
  runner::FrameReader frames_;
  Attempts attempts_;
};

}  // namespace

std::string succeeded(std::string_view what) { return fmt::format("SUCCEEDED: {}", what); }

std::string denied(std::string_view what) {
  return fmt::format("denied: {}: {}", what, std::strerror(errno));
}

std::string outcome(long returned, std::string_view what) {
  return returned >= 0 ? succeeded(what) : denied(what);
}

std::string any_of(const std::vector<std::string>& outcomes) {
  for (const std::string& told : outcomes) {
    if (told.starts_with("SUCCEEDED")) {
      return told;
    }
  }
  return outcomes.empty() ? "denied: nothing was tried" : outcomes.front();
}

}  // namespace skerry::hostile

int main(int argc, char** argv) {
  const auto start = skerry::runner::parse_start(argc, argv);
  if (!start) {
    std::fprintf(stderr, "skerry-hostile: %s\n", start.error().message.c_str());
    return 64;
  }
  skerry::runner::begin(*start, "", {});
  return skerry::hostile::Runner(start->socket_fd).serve();
}
