// core_hedging_world.h: a core that knows two nodes well enough to give a late task a second attempt.

#pragma once

#include <vector>

#include "tests/unit/core_world.h"

namespace skerry::core {

// Two nodes alike that have the model loaded, and know it well: a task takes 10 ms, one in a hundred
// 200 ms.
class CoreHedging : public CoreWorld {
 protected:
  static constexpr int kKnown = 200;  // tasks

  CoreHedging() { begin(); }

  void begin() {
    power = {.idle_w = 1, .busy_w = 10};
    settings.probe_runs = 0;
    restart({});
    put_model("m", {0.9}, "", false);
    one = connect_loaded("one");
    two = connect_loaded("two");
    for (int i = 0; i < kKnown; ++i) {
      run_task(i % 100 == 50 ? milliseconds(200) : milliseconds(10));
    }
  }
  SessionId connect_loaded(const std::string& name) {
    const SessionId session = connect(name);
    const std::uint64_t revision = core->model("m")->revision;
    apply(ResidentChanged{session, {{{"m", "v0"}, revision}}});
    return session;
  }
  static JobSpec urgent(std::string_view preset = "fast") {
    JobSpec job = spec();
    job.urgency = Urgency::kInteractive;
    job.preference = *scheduler::preset(preset);
    return job;
  }
  // On the two nodes in turns, so that both are known.
  void run_task(Duration took) {
    JobSpec job = urgent();
    job.constraints.node = ++tasks_ % 2 == 0 ? "one" : "two";
    const JobId id = submit(job);
    const AttemptRef attempt = attempt_of(id, 0);
    apply(AttemptStarted{tasks_ % 2 == 0 ? one : two, attempt});
    settle(took, tasks_ % 2 == 0 ? one : two, attempt);
  }
  void settle(Duration took, SessionId session, const AttemptRef& attempt) {
    pass(took);
    AttemptEnded ended{.session = session, .attempt = attempt};
    ended.output = Payload::inlined("output");
    ended.usage.service = took;
    apply(ended);
  }
  AttemptRef attempt_of(JobId id, std::size_t number) const {
    const Attempt& attempt = core->find_job(id)->live.at(number);
    return {.job = id, .number = attempt.number, .uid = attempt.uid};
  }
  SessionId node_of(JobId id, std::size_t number) const {
    return core->find_job(id)->live.at(number).node_name == "one" ? one : two;
  }
  // A task that has started, and does not end.
  JobId hang(JobSpec job) {
    const JobId id = submit(std::move(job));
    apply(AttemptStarted{node_of(id, 0), attempt_of(id, 0)});
    return id;
  }
  std::size_t attempts(JobId id) const { return core->find_job(id)->live.size(); }
  // Heartbeats meanwhile, so that nobody falls silent.
  void pass_alive(Duration time) {
    for (Duration passed{}; passed < time; passed += milliseconds(100)) {
      pass(milliseconds(100));
      apply(AgentHeartbeat{.session = one});
      apply(AgentHeartbeat{.session = two});
    }
  }
  std::vector<HedgeVerdict> verdicts(JobId id) const {
    std::vector<HedgeVerdict> found;
    for (const auto& look : told<HedgeLooked>()) {
      if (look.job == id) {
        found.push_back(look.verdict);
      }
    }
    return found;
  }
  std::vector<HedgeEnd> ends() const {
    std::vector<HedgeEnd> found;
    for (const auto& end : told<HedgeEnded>()) {
      found.push_back(end.end);
    }
    return found;
  }

  SessionId one;
  SessionId two;

 private:
  int tasks_ = 0;
};

}  // namespace skerry::core
