// engine.h: what executes a model: one interface for the embedded engine, for adapters, and for
// fakes in tests.
//
// An engine is a state machine on the agent's strand. It never calls back: the executor asks
// take_ended() after every call and after every event that the engine got from elsewhere (a
// runner's answer, a timer).

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/manifests.h"
#include "agent/messages.h"

namespace skerry::agent {

using RunToken = std::uint64_t;  // chosen by the executor, unique for the agent's life

struct Work {
  VariantRef variant;
  ManifestPtr manifest;
  std::string digest;  // of the artifact; empty for engines without one
  std::string artifact_path;
  std::shared_ptr<const std::string>
      input;       // encoded values; nullptr = the synthetic ones of a probe
  std::string ns;  // whose inputs these are; empty: nobody's, as of a probe
  std::string sequence;
  SequenceStep sequence_step = SequenceStep::kAny;
};

enum class Admission : std::uint8_t {
  kNow,
  kBusy,   // later: its own sequence is running; others may pass it
  kFull,   // later: no room beside what runs now; others may pass it for a while
  kNever,  // this node cannot run it
  kLost,   // it continues a sequence whose state is not here
};
struct Verdict {
  Admission admission = Admission::kNow;
  std::string reason;
};

struct RunEnded {
  RunToken token = 0;
  Outcome outcome = Outcome::kSucceeded;  // kCancelled: aborted as asked
  std::string error;
  std::shared_ptr<const std::string> output;
  Duration load{};  // 0 if the variant was resident
  Duration service{};
  std::uint64_t memory_bytes = 0;  // of the instance that ran it
  bool artifact_damaged = false;   // its file does not hold what its digest says
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual std::string_view name() const = 0;
  virtual bool needs_artifact() const = 0;
  virtual Verdict admit(Instant now, const Work& work) = 0;
  // Only after admit said kNow, with nothing in between. Ends once, in take_ended().
  virtual void start(Instant now, RunToken token, Work work) = 0;
  // Ends a run within milliseconds, whatever it is doing.
  virtual void abort(Instant now, RunToken token) = 0;
  virtual std::vector<RunEnded> take_ended() = 0;

  virtual std::vector<VariantRef> resident() const = 0;  // ascending
  virtual void on_time(Instant now) = 0;
  virtual Instant next_timer() const = 0;
};

}  // namespace skerry::agent
