// store_writer.cc: the process that store_kill_test.cc kills: appends known batches without end and
// writes to standard output each position it was told is durable, 8 bytes each.
//
// Usage: store_writer DIRECTORY [LIMIT]     with LIMIT, no file can grow beyond so many bytes: a
//                                           write that fails in its middle
//        store_writer DIRECTORY sync N      the Nth sync from then on fails; it writes kSyncFails
//                                           when it does

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <semaphore>
#include <string>

#include "controller/store/rocks_store.h"
#include "tests/unit/store_files.h"
#include "tests/unit/store_world.h"

int main(int argc, char** argv) {
  using namespace skerry::store;
  if (argc < 2) {
    return 2;
  }
  const bool sync_fails = argc > 3;
  if (argc == 3) {
    ::signal(SIGXFSZ, SIG_IGN);  // then the write fails instead
    const rlim_t limit = std::strtoul(argv[2], nullptr, 10);
    const struct rlimit limits{limit, limit};
    ::setrlimit(RLIMIT_FSIZE, &limits);
  }
  constexpr int kAhead = 32;
  std::counting_semaphore<kAhead> ahead(kAhead);
  Position told = 0;
  RocksOptions options{.path = argv[1]};
  options.on_recovered = [&](const RecoveryReport& report) { told = report.position; };
  options.on_durable = [&](Position position) {
    if (::write(STDOUT_FILENO, &position, sizeof position) != sizeof position) {
      ::_exit(3);
    }
    ahead.release(static_cast<std::ptrdiff_t>(position - told));
    told = position;
  };
  const auto files = std::make_shared<testing::ScriptedFiles>();
  if (sync_fails) {
    options.files = files;
    files->on_failure([] {
      if (::write(STDOUT_FILENO, &testing::kSyncFails, sizeof testing::kSyncFails) < 0) {
        ::_exit(3);
      }
    });
  }
  const auto store = open_rocks_store(std::move(options));
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  if (sync_fails) {
    files->arm(std::atoi(argv[3]), "sync");
  }
  for (Position position = (*store)->durable() + 1;; ++position) {
    ahead.acquire();
    (*store)->append(testing::known_batch(position));
  }
}
