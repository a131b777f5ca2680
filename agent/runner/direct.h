// direct.h: a runner of one's own, called and waited for: what tests, benchmarks and the training
// recipe use, and the smallest example of how a runner is spoken to. The agent has its own way,
// which never waits.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "agent/runner/protocol.h"
#include "common/error.h"

namespace skerry::runner {

// Owns the process: the destructor closes the socket and waits for it to exit. Not thread-safe; the
// thread that starts it must outlive it, since a runner dies with the thread that started it.
class DirectRunner {
 public:
  // program: path of skerry-runner; arguments: after "--fd N", e.g. {"--memory-limit-mb", "512"}.
  // kIo if it cannot start.
  static Result<DirectRunner> start(const std::string& program,
                                    const std::vector<std::string>& arguments = {});

  DirectRunner(DirectRunner&& other) noexcept;
  DirectRunner& operator=(DirectRunner&&) = delete;
  ~DirectRunner();

  // Sends a frame and blocks for its answer. kRunnerCrashed: the process is gone.
  Result<Frame> call(const Frame& frame);
  Status send_bytes(std::string_view bytes);  // as they are, for tests of what is no frame
  Result<Frame> receive();

  std::uint64_t resident_bytes() const;  // of the process now; 0 if it is gone
  pid_t pid() const { return pid_; }
  // Closes the socket and waits; the exit code, or minus the signal.
  int finish();

 private:
  DirectRunner(pid_t pid, int fd) : pid_(pid), fd_(fd) {}

  pid_t pid_ = -1;
  int fd_ = -1;
  FrameReader reader_;
};

}  // namespace skerry::runner
