// noop.h: the engine that answers with its input at once, for measuring the path.

#pragma once

#include "agent/engines/engine.h"

namespace skerry::agent {

class NoopEngine final : public Engine {
 public:
  std::string_view name() const override { return "noop"; }
  bool needs_artifact() const override { return false; }
  Verdict admit(Instant, const Work&) override { return {}; }
  void start(Instant now, RunToken token, Work work) override;
  void abort(Instant, RunToken) override {}  // every run has ended before anybody could ask
  std::vector<RunEnded> take_ended() override;

  std::vector<VariantRef> resident() const override { return {}; }
  void on_time(Instant) override {}
  Instant next_timer() const override { return kNever; }

 private:
  std::vector<RunEnded> ended_;
};

}  // namespace skerry::agent
