// sim_life.h: one life of a simulated node's process: the agent and what it stands on.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/sim/sim_agent.h"

namespace skerry::sim {

// Everything is inline here.
struct NoBlobs final : agent::Blobs {
  void fetch(agent::BlobTicket, const std::string&, bool) override {}
  void release(const std::string&) override {}
  void store(agent::BlobTicket, std::shared_ptr<const std::string>, agent::Master) override {}
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
        engine(random.fork("engine"), !node.faults_over_,
               node.world_.probes().continuations_refused),
        journal({}, node.disk_),
        agent(node.options_, *this, journal, {&engine}, blobs, meter, sensors, node.newest_epoch_,
              random.fork("agent"), no_log()) {}

  void connect(agent::ConnectionId id) override { owner.connect(id); }
  void write(agent::ConnectionId id, std::vector<agent::Outgoing> frame) override {
    owner.write(id, std::move(frame));
  }
  void close(agent::ConnectionId id, bool flush) override { owner.close(id, flush); }

  SimAgent& owner;
  NoBlobs blobs;
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
  if (life_->journal.failed()) {
    ++world_.probes().disks_failed;
    // What follows must not be in the middle of the agent's own call.
    world_.after(Duration(0), [this, life = lives_] {
      if (life == lives_) {
        crash(Crash::kProcess, duration_from_seconds(random_.uniform(0.1, 3)));
      }
    });
    return;
  }
  world_.probes().disks_full += life_->journal.full() ? 1 : 0;
  if (stopping_ && life_->agent.stopped()) {
    world_.after(Duration(0), [this, life = lives_] {
      if (life == lives_) {
        ++world_.probes().agents_stopped;
        end_life(*stopping_);
      }
    });
    return;
  }
  arm();
}

}  // namespace skerry::sim
