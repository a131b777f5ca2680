// skerry-runner: the process in which a model runs. Started by the agent with one end of a socket
// pair; see protocol.h.
#include <sys/socket.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "agent/runner/media.h"
#include "agent/runner/sandbox.h"
#include "agent/runner/serve.h"

namespace {

constexpr int kUsageExit = 64;

int usage() {
  std::fputs(
      "usage: skerry-runner --fd N [--memory-limit-mb M]\n"
      "       skerry-runner --version\n"
      "Runs one model for the Skerry agent that starts it, over the stream socket with descriptor "
      "N.\n",
      stderr);
  return kUsageExit;
}

bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_stream_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t fd = 0;
  std::uint64_t memory_limit_mb = 0;
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::printf("skerry-runner %s\nmedia: %s\n", SKERRY_VERSION,
                skerry::runner::media_built_in().c_str());
    return 0;
  }
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    std::uint64_t* number =
        option == "--fd" ? &fd : (option == "--memory-limit-mb" ? &memory_limit_mb : nullptr);
    if (number == nullptr || i + 1 == argc || !parse_number(argv[i + 1], *number)) {
      return usage();
    }
  }
  if (fd > 1'000'000 || memory_limit_mb > (std::uint64_t{1} << 40) ||
      !is_stream_socket(static_cast<int>(fd))) {
    return usage();
  }
  const auto report = skerry::runner::enter_sandbox(
      {.kept_fd = static_cast<int>(fd), .memory_limit_mb = memory_limit_mb});
  std::fprintf(stderr, "skerry-runner: sandbox: %s\n", report.c_str());
  return skerry::runner::serve(static_cast<int>(fd));
}
