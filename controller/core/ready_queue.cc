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
  Band& band = bands_[band_of(spec.urgency)];
  open_unblocked(band);
  const auto [it, fresh] = band.namespaces.try_emplace(spec.ns);
  Namespace& ns = it->second;
  if (fresh) {
    ns.turns = band.level;
    if (const auto left = band.left.find(spec.ns); left != band.left.end()) {
      ns.turns = left->second;
      band.left_by_turns.erase({left->second, left->first});
      band.left.erase(left);
    }
  } else {
    leave(band, *it);
  }
  ++ns.waiting;
  ++size_;
  ns.lanes[lane_of(spec)].tickets.push_back({job, next_order_});
  stand(band, *it);
  return next_order_++;
}

// The lane to try first.
std::map<std::size_t, ReadyQueue::Lane>::const_iterator ReadyQueue::open_lane(
    const Namespace& ns) const {
  auto best = ns.lanes.end();
  for (auto it = ns.lanes.begin(); it != ns.lanes.end(); ++it) {
    if (is_open(it->second) && (best == ns.lanes.end() || it->second.tickets.front().order <
                                                              best->second.tickets.front().order)) {
      best = it;
    }
  }
  return best;
}

void ReadyQueue::leave(Band& band, const Named& named) {
  const Turn turn{named.second.turns, named.first};
  check(band.open.erase(turn) + band.blocked.erase(turn) + band.held.erase(turn) +
                band.capped.erase(turn) ==
            1,
        "a namespace that waits has a turn");
}

void ReadyQueue::stand(Band& band, const Named& named) {
  const auto& lanes = named.second.lanes;
  const bool open = open_lane(named.second) != lanes.end();
  const bool held = std::ranges::all_of(
      lanes, [&](const auto& numbered) { return numbered.second.held_at == hold_version_; });
  const bool capped = capped_.contains(named.first);
  std::set<Turn>& turns = capped ? band.capped : open ? band.open : held ? band.held : band.blocked;
  turns.insert({named.second.turns, named.first});
}

// What was blocked before capacity changed is so no more, nor what was held before reopen_held().
void ReadyQueue::open_unblocked(Band& band) {
  const auto open = [&](std::set<Turn>& turns) {
    if (band.open.size() < turns.size()) {
      std::swap(band.open, turns);
    }
    band.open.merge(turns);
  };
  if (band.held_at != hold_version_) {
    open(band.held);
    band.held_at = hold_version_;
  }
  if (band.blocked_at != capacity_version_) {
    open(band.blocked);
    band.blocked_at = capacity_version_;
  }
}

// Whoever is too far behind is lifted, until the first one is not.
void ReadyQueue::catch_up(Band& band) {
  const std::uint64_t lowest = band.level < kMostBehind ? 0 : band.level - kMostBehind;
  while (!band.open.empty() && band.open.begin()->turns < lowest) {
    const auto named = band.namespaces.find(std::string(band.open.begin()->ns));
    leave(band, *named);
    named->second.turns = lowest;
    stand(band, *named);
  }
}

void ReadyQueue::raise_level(Band& band, std::uint64_t turns) {
  band.level = std::max(band.level, turns);
  while (!band.left_by_turns.empty() && band.left_by_turns.begin()->turns <= band.level) {
    const auto first = band.left_by_turns.begin();
    const auto named = band.left.find(first->ns);
    band.left_by_turns.erase(first);
    band.left.erase(named);
  }
}

void ReadyQueue::cap(const std::string& ns, bool capped) {
  if (capped_.contains(ns) == capped) {
    return;
  }
  for (Band& band : bands_) {
    open_unblocked(band);
    if (const auto named = band.namespaces.find(ns); named != band.namespaces.end()) {
      leave(band, *named);
    }
  }
  if (capped) {
    capped_.insert(ns);
  } else {
    capped_.erase(ns);
  }
  for (Band& band : bands_) {
    if (const auto named = band.namespaces.find(ns); named != band.namespaces.end()) {
      stand(band, *named);
    }
  }
}

std::optional<ReadyQueue::Spot> ReadyQueue::next() {
  for (std::size_t urgency = 0; urgency < kUrgencies; ++urgency) {
    Band& band = bands_[urgency];
    open_unblocked(band);
    catch_up(band);
    if (band.open.empty()) {
      continue;
    }
    const auto named = band.namespaces.find(std::string(band.open.begin()->ns));
    const auto lane = open_lane(named->second);
    check(lane != named->second.lanes.end(), "an open namespace has an open lane");
    return Spot{.urgency = urgency,
                .ns = named->first,
                .lane = lane->first,
                .ticket = lane->second.tickets.front()};
  }
  return std::nullopt;
}

void ReadyQueue::pop(const Spot& spot, bool placed) {
  Band& band = bands_[spot.urgency];
  open_unblocked(band);
  const auto it = band.namespaces.find(spot.ns);
  check(it != band.namespaces.end(), "pop of a namespace that waits");
  Namespace& ns = it->second;
  const auto lane = ns.lanes.find(spot.lane);
  check(lane != ns.lanes.end() && !lane->second.tickets.empty(), "pop of a lane that waits");
  leave(band, *it);
  lane->second.tickets.pop_front();
  if (lane->second.tickets.empty()) {
    ns.lanes.erase(lane);
  }
  --size_;
  if (placed) {
    raise_level(band, ns.turns++);
  }
  if (--ns.waiting > 0) {
    stand(band, *it);
    return;
  }
  if (ns.turns > band.level) {
    const auto left = band.left.emplace(it->first, ns.turns).first;
    band.left_by_turns.insert({left->second, left->first});
  }
  band.namespaces.erase(it);
}

void ReadyQueue::block(const Spot& spot, const scheduler::MaskCounts& why) {
  Band& band = bands_[spot.urgency];
  open_unblocked(band);
  const auto it = band.namespaces.find(spot.ns);
  check(it != band.namespaces.end(), "block of a namespace that waits");
  leave(band, *it);
  Lane& lane = it->second.lanes.at(spot.lane);
  lane.blocked_at = capacity_version_;
  lane.why = why;
  stand(band, *it);
}

std::uint64_t ReadyQueue::hold(const Spot& spot, const scheduler::MaskCounts& why, bool alone) {
  Band& band = bands_[spot.urgency];
  open_unblocked(band);
  const auto it = band.namespaces.find(spot.ns);
  check(it != band.namespaces.end(), "hold of a namespace that waits");
  leave(band, *it);
  const auto lane = it->second.lanes.find(spot.lane);
  check(lane != it->second.lanes.end(), "hold of a lane that waits");
  const Ticket ticket{spot.ticket.job, next_order_++};
  lane->second.tickets.pop_front();
  const auto of_lane = std::ranges::count_if(aside_, [&](const Aside& other) {
    return other.from.urgency == spot.urgency && other.from.lane == spot.lane &&
           other.from.ns == spot.ns;
  });
  if (alone && aside_.size() < most_aside_ &&
      of_lane < static_cast<std::ptrdiff_t>(kMostAsideOfLane)) {
    aside_.push_back({.from = spot, .why = why});
    aside_.back().from.ticket = ticket;
    if (lane->second.tickets.empty()) {
      it->second.lanes.erase(lane);
    }
  } else {
    lane->second.tickets.push_back(ticket);
    lane->second.held_at = hold_version_;
    lane->second.why = why;
  }
  stand(band, *it);
  return ticket.order;
}

void ReadyQueue::reopen_held() {
  for (const Aside& aside : aside_) {
    Namespace& ns = bands_[aside.from.urgency].namespaces.at(aside.from.ns);
    ns.lanes[aside.from.lane].tickets.push_back(aside.from.ticket);
  }
  aside_.clear();
  ++hold_version_;
  unblock_all();
}

bool ReadyQueue::anybody_waits(Urgency urgency) const {
  return !bands_[band_of(urgency)].namespaces.empty();
}

std::vector<JobId> ReadyQueue::heads() const {
  std::vector<JobId> heads;
  for (const Aside& aside : aside_) {
    heads.push_back(aside.from.ticket.job);
  }
  for (const Band& band : bands_) {
    for (const auto& [name, ns] : band.namespaces) {
      for (const auto& [number, lane] : ns.lanes) {
        heads.push_back(lane.tickets.front().job);
      }
    }
  }
  return heads;
}

std::optional<scheduler::MaskCounts> ReadyQueue::blocked_because(JobId job,
                                                                 const JobSpec& spec) const {
  const auto aside =
      std::ranges::find(aside_, job, [](const Aside& entry) { return entry.from.ticket.job; });
  if (aside != aside_.end()) {
    return aside->why;
  }
  const Band& band = bands_[band_of(spec.urgency)];
  const auto ns = band.namespaces.find(spec.ns);
  if (ns == band.namespaces.end()) {
    return std::nullopt;
  }
  const auto lane = ns->second.lanes.find(lane_of(spec));
  if (lane == ns->second.lanes.end() || is_open(lane->second)) {
    return std::nullopt;
  }
  return lane->second.why;
}

}  // namespace skerry::core
