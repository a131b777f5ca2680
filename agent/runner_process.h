// runner_process.h: Runners over real processes: spawns them, moves frames over their sockets, sees
// them end.
//
// One object owns all runners of the agent. Frames and exits are told to `events` on the strand; an
// exit is told after every frame that the process had sent, once its socket is at its end and the
// process reaped. What runners write to standard error goes to the log, and the last line into the
// exit's sentence. Destroying the object kills what is left.
//
// All methods run on the strand.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <string>

#include "agent/cpu_limit.h"
#include "agent/engines/runners.h"
#include "agent/runner_child.h"
#include "agent/runner_sandbox.h"
#include "common/log.h"

namespace skerry::agent {

class RunnerEvents {
 public:
  virtual ~RunnerEvents() = default;
  virtual void runner_frame(RunnerId id, runner::Frame frame) = 0;
  virtual void runner_exited(RunnerId id, RunnerExit exit) = 0;
};

struct RunnerOptions {
  std::string program;
  CpuOptions cpu;
  int nice = 0;
};

class RunnerProcesses final : public Runners {
 public:
  RunnerProcesses(RunnerOptions options, CpuLimit limit, RunnerSandbox sandbox,
                  RunnerEvents& events, Clock& clock, boost::asio::any_io_executor strand,
                  Log& log);
  ~RunnerProcesses() override;

  void spawn(RunnerId id, const RunnerNeeds& needs) override;
  void send(RunnerId id, const runner::Frame& frame) override;
  void kill(RunnerId id) override;

 private:
  Result<std::shared_ptr<RunnerChild>> start(RunnerId id, const RunnerNeeds& needs);
  Result<pid_t> make_process(RunnerId id, const RunnerNeeds& needs, SpawnOptions plan);
  void release(RunnerId id);
  void ended(RunnerId id, RunnerExit exit);
  void watch_processor_time();

  const RunnerOptions options_;
  CpuLimit limit_;
  const RunnerSandbox sandbox_;
  RunnerEvents& events_;
  Clock& clock_;
  boost::asio::any_io_executor strand_;
  Log& log_;
  std::map<RunnerId, std::shared_ptr<RunnerChild>> processes_;
  boost::asio::steady_timer governor_;  // sigstop only; runs while a runner is busy
  bool governing_ = false;
};

}  // namespace skerry::agent
