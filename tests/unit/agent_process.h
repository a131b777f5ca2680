// agent_process.h: the real skerry-agent, started with flags, seen to its end.

#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

namespace skerry::agent {

class AgentProcess {
 public:
  AgentProcess(const std::string& controller, const std::string& state,
               const std::vector<std::string>& settings) {
    std::vector<std::string> words = {SKERRY_AGENT_PROGRAM, "--name",      "kiosk", "--controller",
                                      controller,           "--state-dir", state};
    for (const std::string& setting : settings) {
      words.insert(words.end(), {"--set", setting});
    }
    std::vector<char*> arguments;
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    EXPECT_EQ(
        ::posix_spawn(&pid_, SKERRY_AGENT_PROGRAM, nullptr, nullptr, arguments.data(), environ), 0);
  }
  ~AgentProcess() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  AgentProcess(const AgentProcess&) = delete;

  int stop() {
    ::kill(pid_, SIGTERM);
    return wait();
  }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return status;
  }

 private:
  pid_t pid_ = 0;
};

}  // namespace skerry::agent
