#include "controller/core/ready_queue.h"

#include <algorithm>
#include <bit>

#include "common/check.h"

namespace skerry::core {

namespace {

class Fnv {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      step(static_cast<unsigned char>(c));
    }
    step(0xff);  // so that ("ab", "c") and ("a", "bc") differ
  }
  void add(const std::optional<double>& number) {
    const auto bits = number ? std::bit_cast<std::uint64_t>(*number) : 0x5bd1e995ULL;
    for (int i = 0; i < 8; ++i) {
      step((bits >> (8 * i)) & 0xff);
    }
  }
  std::uint64_t value() const { return value_ ^ (value_ >> 29); }

 private:
  void step(std::uint64_t byte) { value_ = (value_ ^ byte) * 0x100000001b3ULL; }
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

constexpr std::size_t band_of(Urgency urgency) {
  return static_cast<std::size_t>(Urgency::kInteractive) - static_cast<std::size_t>(urgency);
}

}  // namespace

std::size_t ReadyQueue::lane_of(const JobSpec& spec) {
  const auto& want = spec.constraints;
  Fnv hash;
  hash.add(spec.model);
  hash.add(want.site);
  hash.add(want.node);
  for (const auto& [key, value] : want.labels) {
    hash.add(key);
    hash.add(value);
  }
  for (const auto tier : want.tiers) {
    hash.add(scheduler::to_string(tier));
  }
  for (const auto& variant : want.variants) {
    hash.add(variant);
  }
  hash.add(want.max_energy_j);
  hash.add(want.max_cost_usd);
  hash.add(want.min_accuracy);
  hash.add(want.deadline ? std::string_view("deadline") : std::string_view());
  hash.add(spec.sequence);
  return hash.value() % kLanes;
}

std::uint64_t ReadyQueue::push(JobId job, const JobSpec& spec) {
  auto& band = bands_[band_of(spec.urgency)];
  auto [it, fresh] = band.try_emplace(spec.ns);
  Namespace& ns = it->second;
  if (ns.waiting == 0) {
    std::uint64_t level = 0;  // a newcomer starts level with the one that has had the fewest turns
    bool first = true;
    for (const auto& [name, other] : band) {
      if (other.waiting > 0 && (first || other.turns < level)) {
        level = other.turns;
        first = false;
      }
    }
    ns.turns = std::max(ns.turns, level);
  }
  ++ns.waiting;
  ns.lanes[lane_of(spec)].tickets.push_back({job, next_order_});
  return next_order_++;
}

const ReadyQueue::Lane* ReadyQueue::open_lane(const Namespace& ns, std::size_t& lane) const {
  const Lane* best = nullptr;
  for (const auto& [number, candidate] : ns.lanes) {
    const bool open = !candidate.tickets.empty() && candidate.blocked_at != capacity_version_;
    if (open &&
        (best == nullptr || candidate.tickets.front().order < best->tickets.front().order)) {
      best = &candidate;
      lane = number;
    }
  }
  return best;
}

std::optional<ReadyQueue::Spot> ReadyQueue::next() const {
  for (std::size_t urgency = 0; urgency < kUrgencies; ++urgency) {
    const Namespace* chosen = nullptr;
    Spot spot;
    for (const auto& [name, ns] : bands_[urgency]) {
      std::size_t lane = 0;
      if (chosen != nullptr && ns.turns >= chosen->turns) {
        continue;
      }
      if (const Lane* open = open_lane(ns, lane)) {
        chosen = &ns;
        spot = {.urgency = urgency, .ns = name, .lane = lane, .ticket = open->tickets.front()};
      }
    }
    if (chosen != nullptr) {
      return spot;
    }
  }
  return std::nullopt;
}

void ReadyQueue::pop(const Spot& spot, bool placed) {
  auto& band = bands_[spot.urgency];
  const auto it = band.find(spot.ns);
  check(it != band.end(), "pop of a namespace that waits");
  Namespace& ns = it->second;
  const auto lane = ns.lanes.find(spot.lane);
  check(lane != ns.lanes.end() && !lane->second.tickets.empty(), "pop of a lane that waits");
  lane->second.tickets.pop_front();
  if (lane->second.tickets.empty()) {
    ns.lanes.erase(lane);
  }
  if (placed) {
    ++ns.turns;
  }
  if (--ns.waiting == 0) {
    band.erase(it);
  }
}

void ReadyQueue::block(const Spot& spot, const scheduler::MaskCounts& why) {
  Lane& lane = bands_[spot.urgency].at(spot.ns).lanes.at(spot.lane);
  lane.blocked_at = capacity_version_;
  lane.why = why;
}

std::vector<JobId> ReadyQueue::heads() const {
  std::vector<JobId> heads;
  for (const auto& band : bands_) {
    for (const auto& [name, ns] : band) {
      for (const auto& [number, lane] : ns.lanes) {
        heads.push_back(lane.tickets.front().job);
      }
    }
  }
  return heads;
}

std::optional<scheduler::MaskCounts> ReadyQueue::blocked_because(const JobSpec& spec) const {
  const auto& band = bands_[band_of(spec.urgency)];
  const auto ns = band.find(spec.ns);
  if (ns == band.end()) {
    return std::nullopt;
  }
  const auto lane = ns->second.lanes.find(lane_of(spec));
  if (lane == ns->second.lanes.end() || lane->second.blocked_at != capacity_version_) {
    return std::nullopt;
  }
  return lane->second.why;
}

}  // namespace skerry::core
