// sim_life.h: one life of a simulated node's process: the agent and what it stands on.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/sim/sim_agent.h"

namespace skerry::sim {

// Large inputs and results, over a network that may be away (sim_agent_blobs.cc).
struct SimBlobs final : agent::Blobs {
  explicit SimBlobs(SimAgent& node) : owner(node) {}
  void fetch(agent::BlobTicket ticket, const std::string& digest, bool want_bytes) override;
  void release(const std::string&) override {}
  void distrust(const std::string&) override {}
  void store(agent::BlobTicket ticket, std::shared_ptr<const std::string> bytes,
             agent::Master to) override;

  SimAgent& owner;
};
struct NoMeter final : agent::EnergyMeter {
  std::string source() const override { return "modelled"; }
  std::optional<double> total_j(Instant) override { return std::nullopt; }
};
struct NoSensors final : agent::Sensors {
  agent::Telemetry sample(Instant) override { return {}; }
};

Log& no_log();  // says nothing

struct SimAgent::Life final : agent::AgentLink {
  Life(SimAgent& node, Random random)
      : owner(node),
        blobs(node),
        engine(random.fork("engine"), !node.faults_over_,
               node.world_.probes().continuations_refused,
               [&node](Fault fault) { node.felt(fault); }),
        journal({}, node.disk_),
        agent(node.options_, *this, journal, {&engine}, blobs, meter, sensors, node.newest_epoch_,
              random.fork("agent"), no_log()) {}

  void connect(agent::ConnectionId id) override { owner.connect(id); }
  void write(agent::ConnectionId id, std::vector<agent::Outgoing> frame) override {
    owner.write(id, std::move(frame));
  }
  void close(agent::ConnectionId id, bool flush) override { owner.close(id, flush); }

  SimAgent& owner;
  SimBlobs blobs;
  NoMeter meter;
  NoSensors sensors;
  SimEngine engine;
  agent::LogJournal journal;
  agent::Agent agent;
};

template <typename Event>
void SimAgent::step(Event event) {
  if (!life_) {
    return;
  }
  event(local_now());
  newest_epoch_ = life_->agent.newest_epoch();
  // What ends it must not be in the middle of the agent's own call.
  if (life_->journal.failed()) {
    ++world_.probes().disks_failed;
    if (disk_.take_failed_write()) {
      felt(Fault::kDiskWriteFails);
    }
    later(Duration(0),
          [this] { crash(Crash::kProcess, duration_from_seconds(random_.uniform(0.1, 3))); });
    return;
  }
  world_.probes().disks_full += life_->journal.full() ? 1 : 0;
  if (stopping_ && life_->agent.stopped()) {
    later(Duration(0), [this] {
      ++world_.probes().agents_stopped;
      end_life(Crash::kProcess, *stopping_);
    });
    return;
  }
  arm();
}

}  // namespace skerry::sim
