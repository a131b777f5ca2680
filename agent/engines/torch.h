// torch.h: the engine that runs TorchScript models in runner processes: one process per loaded
// instance of a variant.
//
//   kLoading -> kIdle <-> kRunning          any of them -> kEnding (killed) -> gone when its exit
//   is seen
//
// Instances are made on demand, a further one of the same variant only after work has waited for
// the first as long as loading takes (so that waiting never costs more than twice the best), within
// the memory budget; idle ones make room, least recently used first. A sequence of a stateful model
// keeps an instance for itself until it was idle for a while; once its process is lost, ended with an
// aborted run, or of an earlier revision of the model, what would continue the sequence is refused
// (kLost). A sequence that begins gets a fresh state, even where an instance remembers its name. A
// runner that gives no answer in max(stall_limit, 20 x its variant's usual time) is
// ended. A process that dies takes the attempt it was running with it, and nothing else.
//
// A model is a program that may remember what it was given, so that an instance which has run a job of one namespace runs
// none of another; one that has only been probed, with synthetic inputs, is anybody's.
//
// Not thread-safe; used on the agent's strand.

#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/engines/engine.h"
#include "agent/engines/runners.h"
#include "agent/runner/inspect/policy.h"
#include "common/log.h"

namespace skerry::agent {

struct TorchOptions {
  std::uint32_t threads = 1;  // of one forward
  std::string device = "auto";
  std::uint64_t memory_bytes = 1u << 30;      // for all instances
  std::uint64_t overhead_bytes = 160u << 20;  // a runner's own, until measured
  std::uint64_t runner_limit_bytes = 0;       // of one runner; 0 = derived from its variant
  bool derives_limits = true;                 // false: then there is none
  std::uint32_t sequence_instances = 8;       // most instances of one stateful variant
  bool shares_runners = false;                // between namespaces
  Duration sequence_idle = seconds(60);
  Duration load_limit = seconds(120);
  Duration stall_limit = seconds(30);
  inspect::Policy policy;  // what a model may hold and use
};

// A runner on a processor takes 100 to 230 MiB of private memory for a small model, and may hold a payload several times
// while it is decoded. Four times what the variant declares and a gibibyte are out of reach of a model that does what it
// should, and stop one that does not before it takes the node. A variant that declares nothing may take what the node
// gives to models, and the same gibibyte.
constexpr std::uint64_t kLimitFactor = 4;
constexpr std::uint64_t kLimitHeadroomBytes = 1u << 30;

std::string name_of(const VariantRef& variant);  // "digits/small"

class TorchEngine final : public Engine {
 public:
  // Both referents outlive the engine.
  TorchEngine(TorchOptions options, Runners& runners, Log& log);

  std::string_view name() const override { return "torch"; }
  bool needs_artifact() const override { return true; }
  Verdict admit(Instant now, const Work& work) override;
  void start(Instant now, RunToken token, Work work) override;
  void abort(Instant now, RunToken token) override;
  std::vector<RunEnded> take_ended() override;
  std::vector<VariantRef> resident() const override;
  void on_time(Instant now) override;
  Instant next_timer() const override;

  void received(Instant now, RunnerId id, runner::Frame frame);
  void exited(Instant now, RunnerId id, const RunnerExit& exit);

 private:
  struct Key {
    VariantRef variant;
    std::string digest;

    auto operator<=>(const Key&) const = default;
  };
  enum class Kept { kWorking, kWorkingAndBound, kAll };
  enum class State { kLoading, kIdle, kRunning, kEnding };
  struct Run {
    RunToken token = 0;
    Work work;
    Duration load{};
  };
  struct Instance {
    Key key;
    State state = State::kLoading;
    std::uint64_t memory_bytes = 0;
    std::string ns;          // whose inputs it has seen; empty = nobody's
    std::string sequence;    // bound to it; empty = free
    std::string state_name;  // what the runner is told to be the name of that sequence's state
    Instant since;           // of the state
    std::optional<Run> run;
    Outcome end_outcome = Outcome::kCrashed;  // kEnding: of its run
    std::string end_reason;
    bool artifact_damaged = false;
  };
  struct Known {  // measured of a variant
    std::uint64_t memory_bytes = 0;
    double service_s = 0;
    Duration load{};
    // How long work has waited for its busy instances; see may_grow.
    std::optional<Instant> contended;
    Duration waited{};
    bool grows = false;
  };

  static Key key_of(const Work& work);
  static bool bound(const Work& work);
  bool may_serve(const Instance& instance, const Work& work) const;
  RunnerId find_idle(const Work& work) const;  // 0 = none
  bool may_grow(Instant now, Known& known) const;
  Instant growth_due(const Known& known) const;
  std::uint64_t memory_needed(const Work& work) const;
  std::uint64_t runner_limit(const Work& work) const;
  std::uint64_t memory_used(Kept kept) const;
  void make_room(std::uint64_t bytes);
  void bind(Instance& instance, const Work& work);
  void begin_run(Instant now, RunnerId id, Instance& instance);
  void end_run(Instance& instance, RunEnded ended);
  void kill(RunnerId id, Instance& instance, Outcome outcome, std::string reason);
  Instant limit_of(const Instance& instance) const;
  void on_loaded(Instant now, RunnerId id, Instance& instance, const runner::Loaded& loaded);
  void on_ran(Instant now, RunnerId id, Instance& instance, runner::Ran ran);
  void on_failed(Instant now, RunnerId id, Instance& instance, const runner::Failed& failed);

  const TorchOptions options_;
  Runners& runners_;
  Log& log_;
  RunnerId last_id_ = 0;
  std::uint64_t last_state_ = 0;
  std::map<RunnerId, Instance> instances_;
  std::map<Key, Known> known_;
  std::vector<RunEnded> ended_;
};

}  // namespace skerry::agent
