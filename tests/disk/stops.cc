#include "tests/disk/stops.h"

#include <fmt/core.h>
#include <sys/wait.h>

#include <cstdio>

#include "common/check.h"
#include "common/time.h"
#include "tests/unit/store_world.h"

namespace skerry::disk {

using namespace store;

Stop stop_at_sync(int number) {
  const store::testing::TempDirectory directory;
  const std::string command =
      fmt::format("exec {} {} sync {} 2>/dev/null", SKERRY_STORE_WRITER, directory.path(), number);
  std::FILE* told = ::popen(command.c_str(), "r");
  check(told != nullptr, "a process can be started");
  Stop stop;
  Position position = 0, last = 0;
  bool failed = false;
  SystemClock clock;
  Instant failed_at{};
  while (std::fread(&position, sizeof position, 1, told) == 1) {
    if (position == store::testing::kSyncFails) {
      failed = true;
      failed_at = clock.now();
    } else {
      stop.told_since += failed ? 1 : 0;
      last = position;
    }
  }
  const int status = ::pclose(told);
  stop.took_s = to_seconds(clock.now() - failed_at);
  if (!failed || !WIFEXITED(status) || WEXITSTATUS(status) != kFatalExitStatus) {
    stop.wrong = fmt::format("it ended with {} ", status);
    return stop;
  }
  store::testing::Reports reports;
  const auto opened = open_rocks_store(reports.options(directory.path()));
  if (!opened) {
    stop.wrong = opened.error().message;
  } else if ((*opened)->durable() < last) {
    stop.wrong = fmt::format("position {} was told, {} is there", last, (*opened)->durable());
  } else {
    stop.wrong = store::testing::difference_from_known(**opened);
  }
  return stop;
}

}  // namespace skerry::disk
