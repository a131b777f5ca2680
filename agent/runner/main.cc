// skerry-runner: the process in which a model runs. Started by the agent with one end of a socket
// pair; see protocol.h.
#include <cstdio>
#include <cstring>

#include "agent/runner/media.h"
#include "agent/runner/model.h"
#include "agent/runner/serve.h"
#include "agent/runner/start.h"
#include "common/process_memory.h"

namespace {

constexpr int kUsageExit = 64;

int usage(const std::string& wrong) {
  std::fprintf(stderr,
               "skerry-runner: %s\nusage: skerry-runner --fd N [OPTION VALUE]...\n"
               "       skerry-runner --version\n"
               "Runs one model for the Skerry agent that starts it.\n%s",
               wrong.c_str(), skerry::runner::kStartUsage);
  return kUsageExit;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::printf("skerry-runner %s\nmedia: %s\n", SKERRY_VERSION,
                skerry::runner::media_built_in().c_str());
    return 0;
  }
  const auto start = skerry::runner::parse_start(argc, argv);
  if (!start) {
    return usage(start.error().message);
  }
  const skerry::OwnMemory memory;
  const auto report = skerry::runner::begin(*start, skerry::runner::torch_library(), {memory.fd()});
  std::fprintf(stderr, "skerry-runner: sandbox: %s\n", report.c_str());
  return skerry::runner::serve({.socket_fd = start->socket_fd, .model_fd = start->model_fd},
                               memory);
}
