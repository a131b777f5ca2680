#include "agent/runner/start.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "agent/runner/protocol.h"

namespace skerry::runner {

namespace {

constexpr std::uint64_t kMostFd = 1'000'000;
constexpr std::uint64_t kMostMb = std::uint64_t{1} << 40;

std::unexpected<Error> wrong(std::string_view option, std::string_view value) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} cannot be '{}'", option, value));
}

template <typename Number>
Status read_number(std::string_view option, std::string_view text, std::uint64_t most,
                   Number& number) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) {
    return wrong(option, text);
  }
  number = static_cast<Number>(value);
  return {};
}

Status read_layers(std::string_view option, std::string_view text, Layers& into) {
  auto layers = layers_named(text);
  if (!layers) {
    return wrong(option, text);
  }
  into = *std::move(layers);
  return {};
}

Status read_path(std::string_view option, std::string_view text, std::vector<std::string>& into) {
  if (!text.starts_with('/')) {
    return wrong(option, text);
  }
  into.emplace_back(text);
  return {};
}

Status read_option(std::string_view option, std::string_view value, Start& start) {
  SandboxOptions& sandbox = start.sandbox;
  if (option == "--fd") {
    return read_number(option, value, kMostFd, start.socket_fd);
  }
  if (option == "--model-fd") {
    return read_number(option, value, kMostFd, start.model_fd);
  }
  if (option == "--memory-limit-mb") {
    return read_number(option, value, kMostMb, sandbox.memory_limit_mb);
  }
  if (option == "--uid") {
    return read_number(option, value, 0xFFFF'FFFE, sandbox.uid);
  }
  if (option == "--tasks") {
    return read_number(option, value, 1u << 22, sandbox.tasks);
  }
  if (option == "--scratch-mb") {
    return read_number(option, value, kMostMb, sandbox.scratch_mb);
  }
  if (option == "--layers") {
    start.reports = true;
    return read_layers(option, value, sandbox.layers);
  }
  if (option == "--required") {
    return read_layers(option, value, start.required);
  }
  if (option == "--born") {
    return read_layers(option, value, sandbox.born);
  }
  if (option == "--readable") {
    return read_path(option, value, sandbox.readable);
  }
  if (option == "--device") {
    return read_path(option, value, sandbox.devices);
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("there is no option {}", option));
}

bool is_stream_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

void say_ready(int fd, const std::vector<LayerState>& layers) {
  const std::string frame = encode_frame(Ready{.layers = layers});
  // A new socket holds it, or its peer is gone.
  if (::send(fd, frame.data(), frame.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frame.size())) {
    _exit(kNoSandboxExit);
  }
}

}  // namespace

Result<Start> parse_start(int argc, char** argv) {
  Start start;
  start.sandbox.layers = {Layer::kNetwork, Layer::kSeccomp, Layer::kLimits};
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} has no value", argv[i]));
    }
    if (auto read = read_option(argv[i], argv[i + 1], start); !read) {
      return fail(std::move(read).error());
    }
  }
  if (!is_stream_socket(start.socket_fd)) {
    return fail(ErrorCode::kInvalidArgument, "--fd names no connected stream socket");
  }
  return start;
}

std::string begin(Start start, std::string library, std::vector<int> more_fds) {
  start.sandbox.socket_fd = start.socket_fd;
  start.sandbox.library = std::move(library);
  start.sandbox.kept_fds = std::move(more_fds);
  start.sandbox.kept_fds.push_back(start.socket_fd);
  if (start.model_fd >= 0) {
    start.sandbox.kept_fds.push_back(start.model_fd);
  }
  const SandboxReport report = enter_sandbox(start.sandbox);
  const bool allowed = std::ranges::all_of(report.layers, [&](const LayerState& state) {
    return state.missing.empty() || !start.required.contains(state.layer);
  });
  if (start.reports) {
    say_ready(start.socket_fd, report.layers);
  }
  std::string text = to_string(report.layers);
  if (!report.usable || !allowed) {
    std::fprintf(stderr, "no sandbox: %s\n", text.c_str());
    _exit(kNoSandboxExit);
  }
  return text;
}

}  // namespace skerry::runner
