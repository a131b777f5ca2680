// What happens to a simulated node; when, is planned in faults.cc.

#include <utility>

#include "tests/sim/sim_life.h"

namespace skerry::sim {

void SimAgent::felt(Fault fault, Duration time) const {
  world_.fault_log().on_node(node_number(name()), fault, world_.now() + time);
}

// ---- the network

void SimAgent::break_stream() {
  if (stream_) {
    felt(Fault::kStreamBreaks);
    ++world_.probes().streams_broken;
    break_at_both_ends(stream_);
  }
}

void SimAgent::lose_next_ack() { lose_next_ack_ = true; }

void SimAgent::delay_messages_beyond_the_stream(Duration time) {
  const StreamPtr stream = stream_;
  if (!stream) {
    return;
  }
  felt(Fault::kLateMessages, time);
  stream->hold_back(Stream::Way::kToController, world_.now() + time);
  world_.after(duration_from_seconds(random_.uniform(0, to_seconds(time) / 2)), [this, stream] {
    if (stream->agent_notices(random_, Stream::UnderWay::kArrives)) {
      agent_lost(stream);
    }
  });
  world_.after(time + duration_from_seconds(random_.uniform(0, 2)),
               [this, stream] { controller_notices(stream); });
}

void SimAgent::partition(Cut which, Duration time) {
  const Instant end = world_.within_faults(time);
  felt(which == Cut::kBoth ? Fault::kPartition : Fault::kOneWay, end - world_.now());
  if (which != Cut::kToAgent) {
    up_cut_until_ = std::max(up_cut_until_, end);
  }
  if (which != Cut::kToController) {
    down_cut_until_ = std::max(down_cut_until_, end);
  }
  if (random_.chance(0.7)) {
    world_.after(duration_from_seconds(random_.uniform(0, to_seconds(time))),
                 [this] { break_stream(); });
  }
}

void SimAgent::slow_down(Duration delay, Duration time) {
  felt(Fault::kDelay, time + delay);
  slow_by_ = delay;
  slow_until_ = world_.within_faults(time);
}

void SimAgent::clog(Duration time) {
  felt(Fault::kClog, time);
  clogged_until_ = world_.within_faults(time);
}

// ---- the process and its machine

void SimAgent::pause(Duration time) {
  paused_until_ = std::max(paused_until_, world_.within_faults(time));
  felt(Fault::kAgentPause, paused_until_ - world_.now());
}

void SimAgent::crash(Crash kind, Duration down) {
  if (life_) {
    world_.note(options_.node_name +
                (kind == Crash::kProcess ? " is killed" : " goes down with its machine"));
    ++world_.probes().agent_crashes;
    felt(kind == Crash::kProcess ? Fault::kAgentKilled : Fault::kMachineDown, down);
    end_life(kind, down);
  }
}

void SimAgent::end_life(Crash kind, Duration down) {
  const StreamPtr stream = std::exchange(stream_, nullptr);
  const agent::LogJournal& journal = life_->journal;
  if (kind == Crash::kProcess && !damaged_ && !journal.full() && !journal.failed()) {
    held_ = {journal.accepted_refs(), journal.spooled_refs()};
  }
  ++lives_;  // voids everything scheduled
  life_.reset();
  timer_at_ = kNever;
  disk_.process_ended();
  if (kind == Crash::kMachine && disk_.lose_tail(random_)) {
    felt(Fault::kDiskTail, down);
  }
  if (stream) {
    stream->agent_notices(random_);
    world_.after(duration_from_seconds(random_.uniform(0, 4)),
                 [this, stream] { controller_notices(stream); });
  }
  world_.after(down, [this] {
    if (!life_ && !left_) {
      start();
    }
  });
}

void SimAgent::storm(int times) {
  if (times == 0 || world_.now() >= world_.faults_end()) {
    return;
  }
  const auto moment = [this] { return duration_from_seconds(random_.uniform(0.05, 0.8)); };
  const Duration down = moment();
  const Duration up = moment();
  felt(Fault::kAgentStorm, down + up);
  crash(random_.chance(0.8) ? Crash::kProcess : Crash::kMachine, down);
  world_.after(down + up, [this, times] { storm(times - 1); });
}

void SimAgent::stop(Duration down) {
  if (life_ && !stopping_) {
    world_.note(options_.node_name + " is asked to stop");
    stopping_ = down;
    felt(Fault::kAgentStops, seconds(12) + down);  // stop() has 12 s at most
    step([this](Instant now) { life_->agent.stop(now); });
  }
}

void SimAgent::leave() {
  ++world_.probes().agents_left;
  felt(Fault::kAgentLeaves, hours(1));
  left_ = true;
  crash(Crash::kMachine, {});
}

// ---- its disk

void SimAgent::fill_disk(Duration time) {
  felt(Fault::kDiskFull, time);
  disk_.fill(true);
  world_.after(time, [this] { disk_.fill(false); });
}

void SimAgent::fail_write() { disk_.fail_next_write(); }
void SimAgent::fail_sync() { disk_.fail_next_sync(); }

void SimAgent::damage_disk() {
  const bool flipped = disk_.flip(random_);
  damaged_ = damaged_ || flipped;
  world_.probes().bits_flipped += flipped ? 1 : 0;
  if (flipped) {
    felt(Fault::kDiskFlip);
  }
}

}  // namespace skerry::sim
