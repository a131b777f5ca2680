#include "agent/runner/direct.h"

#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "common/process_memory.h"

extern char** environ;

namespace skerry::runner {

namespace {

constexpr int kChildFd = 3;

std::unexpected<Error> gone(pid_t pid) {
  return fail(ErrorCode::kRunnerCrashed, fmt::format("runner {} is gone", pid));
}

}  // namespace

Result<DirectRunner> DirectRunner::start(const std::string& program,
                                         const std::vector<std::string>& arguments) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(ErrorCode::kIo,
                fmt::format("no socket pair for a runner: {}", std::strerror(errno)));
  }
  std::vector<std::string> words = {program, "--fd", std::to_string(kChildFd)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  // The child's end may be descriptor 3 already, and then dup2 would leave it to be closed at exec;
  // so it moves up first.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  constexpr int kParkedFd = 200;
  posix_spawn_file_actions_adddup2(&actions, ends[1], kParkedFd);
  posix_spawn_file_actions_adddup2(&actions, kParkedFd, kChildFd);
  posix_spawn_file_actions_addclose(&actions, kParkedFd);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed != 0) {
    close(ends[0]);
    return fail(ErrorCode::kIo, fmt::format("cannot start {}: {}", program, std::strerror(failed)));
  }
  return DirectRunner(pid, ends[0]);
}

DirectRunner::DirectRunner(DirectRunner&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      fd_(std::exchange(other.fd_, -1)),
      reader_(std::move(other.reader_)) {}

DirectRunner::~DirectRunner() { finish(); }

int DirectRunner::finish() {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
  }
  int status = 0;
  if (pid_ < 0 || waitpid(std::exchange(pid_, -1), &status, 0) < 0) {
    return 0;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

Status DirectRunner::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0 && errno != EINTR) {
      return gone(pid_);
    }
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  }
  return {};
}

Result<Frame> DirectRunner::receive() {
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    auto frame = reader_.next();
    if (frame || frame.error().code != ErrorCode::kUnavailable) {
      return frame;
    }
    const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got > 0) {
      reader_.append({buffer.data(), static_cast<std::size_t>(got)});
    } else if (got == 0 || errno != EINTR) {
      return gone(pid_);
    }
  }
}

Result<Frame> DirectRunner::call(const Frame& frame) {
  if (auto sent = send_bytes(encode_frame(frame)); !sent) {
    return fail(std::move(sent).error());
  }
  return receive();
}

std::uint64_t DirectRunner::resident_bytes() const {
  return skerry::resident_bytes(std::to_string(pid_));
}

}  // namespace skerry::runner
