// probes.h: the variants that the controller wants measured, one after the other, each some runs
// on synthetic inputs.
//
// A probe ends after as many runs as were asked for, or earlier where they take long: after a
// handful, once they have taken kEnough together. What takes a tenth of a millisecond is measured
// often, since anything that comes in between weighs more than the thing itself.
//
// The executor runs the next step only when the node is idle, one forward at a time, and no slot is
// held by it: a task that comes while a probe loads its variant runs beside it. A probe of a variant that is queued
// already is dropped.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "agent/engines/engine.h"
#include "agent/messages.h"

namespace skerry::agent {

class Probes {
 public:
  static constexpr std::uint32_t kMostRuns = 100;
  static constexpr std::uint32_t kHandful = 3;
  static constexpr Duration kEnough = milliseconds(50);

  struct Step {
    RunToken token = 0;
    Engine* engine = nullptr;
    Work work;
    bool resident_only = false;
  };

  // False if the variant is queued already. The artifact, if the engine needs one, is present once
  // fetched() says so.
  bool add(const Probe& probe, RunToken token, ManifestPtr manifest, Engine* engine);
  // The front one's next run, if its artifact is here and it is not under way.
  std::optional<Step> next() const;
  void started() { running_ = true; }

  bool owns(RunToken token) const;
  bool running() const { return running_; }
  RunToken running_token() const { return queue_.empty() ? 0 : queue_.front().token; }
  // Each yields the probe's result once it has one.
  std::optional<ProbeResult> fetched(RunToken token, const Status& status, const std::string& path,
                                     Duration took);
  std::optional<ProbeResult> ended(const RunEnded& run);
  std::optional<ProbeResult> fail_front(std::string reason);

 private:
  struct Entry {
    RunToken token = 0;
    Engine* engine = nullptr;
    Work work;
    std::uint32_t runs = 1;
    bool resident_only = false;
    bool present = false;
    ProbeResult result;
  };
  std::optional<ProbeResult> finish(const std::deque<Entry>::iterator& entry);

  std::deque<Entry> queue_;
  bool running_ = false;
};

}  // namespace skerry::agent
