// ready_queue.h: READY tasks in the order in which they are to be placed.
//
// Urgency first (interactive, normal, batch), then fairly between namespaces (whoever has had the
// fewest turns is next), then first come, first served. Tasks that want the
// same (model, constraints) share a lane; when the head of a lane finds no node, the lane is
// blocked until capacity changes, so that a million waiting tasks cost one decision, not a million,
// and never stand in the way of tasks that could run elsewhere.
//
// Turns are start tags of start-time fair queueing: each band has a level, the most turns that
// anybody had had when it was its turn. Who comes starts level, unless it left with more turns than
// that; who could not use its turns for long (nothing fits it, or it runs as much as it may) is at
// most kMostBehind turns behind the level. So neither a newcomer, nor one that was held up, nor one
// that submits bit by bit takes more than its share from those that wait beside it.
//
// A capped namespace, one that runs as many tasks as it may, is passed over until it is uncapped.
//
// Lanes are bounded per namespace (kLanes); tasks of unlike wants may share one, which costs them
// order, not correctness.
//
// A head that nobody could take however idle the fleet were has the whole fleet scanned at each
// try. So its lane is held, whatever capacity does, until reopen_held(); and it goes to the back of
// its lane. But tasks of a lane differ in how long their deadlines leave them: one that can be met by
// nobody any more is set aside alone until then, and those behind it come to be tried. Only so many
// of a lane, and in all: beyond that its lane is held with it.
//
// Namespaces stand in order of their turns, those with something to try apart from those whose
// every lane is blocked, so that each operation is logarithmic in their number. When capacity
// changes the blocked ones are opened in one go, lazily; each was blocked by a try that found
// nothing, which pays for it.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.h"
#include "common/time.h"
#include "controller/core/job.h"
#include "scheduler/place.h"

namespace skerry::core {

class ReadyQueue {
 public:
  static constexpr std::size_t kLanes = 64;
  static constexpr std::size_t kUrgencies = 3;
  static constexpr std::size_t kMostAside = 256;
  static constexpr std::size_t kMostAsideOfLane = 64;
  static constexpr std::uint64_t kMostBehind = 16;  // turns

  struct Ticket {  // where a task stands; a task that left and came back has another
    JobId job;
    std::uint64_t order = 0;
  };
  struct Spot {  // a lane's head
    std::size_t urgency = 0;
    std::string ns;
    std::size_t lane = 0;
    Ticket ticket;
  };

  explicit ReadyQueue(std::size_t most_aside = kMostAside) : most_aside_(most_aside) {}
  ReadyQueue(const ReadyQueue&) = delete;  // turns refer to the namespaces' names
  ReadyQueue& operator=(const ReadyQueue&) = delete;

  // Returns the order number, which the job keeps to tell a stale entry from a live one.
  std::uint64_t push(JobId job, const JobSpec& spec);

  // The next head that is not blocked; nullopt = nothing to try. The entry stays until pop() or
  // block().
  std::optional<Spot> next();
  void pop(const Spot& spot, bool placed);  // placed: counts as a turn of its namespace
  void block(const Spot& spot, const scheduler::MaskCounts& why);
  void unblock_all() { ++capacity_version_; }
  // As block(), for a head that no change of capacity will help; `alone`: those behind it may fare
  // better. Returns its new order number.
  std::uint64_t hold(const Spot& spot, const scheduler::MaskCounts& why, bool alone);
  void reopen_held();
  // Whether a namespace is passed over; of any name, whether something of it waits or not.
  void cap(const std::string& ns, bool capped);
  bool is_capped(std::string_view ns) const { return capped_.contains(ns); }

  std::size_t size() const { return size_; }  // entries; some may be stale
  bool anybody_waits(Urgency urgency) const;  // likewise
  // The head of every lane, and what is set aside; an entry may be stale.
  std::vector<JobId> heads() const;
  // Why the task was set aside, or its lane blocked, at the last try, if it is.
  std::optional<scheduler::MaskCounts> blocked_because(JobId job, const JobSpec& spec) const;

 private:
  struct Lane {
    std::deque<Ticket> tickets;
    std::uint64_t blocked_at = 0;  // capacity version; blocked while equal to the current one
    std::uint64_t held_at = 0;     // hold version, likewise
    scheduler::MaskCounts why{};
  };
  struct Namespace {
    std::uint64_t turns = 0;
    std::size_t waiting = 0;
    std::map<std::size_t, Lane> lanes;
  };
  struct Turn {
    std::uint64_t turns = 0;
    std::string_view ns;  // the key in Band::namespaces

    auto operator<=>(const Turn&) const = default;
  };
  // Every namespace of a band waits for something, and its turn stands in one of the sets.
  struct Band {
    std::map<std::string, Namespace> namespaces;
    std::set<Turn> open;     // a lane of it is not blocked
    std::set<Turn> blocked;  // at capacity version blocked_at; none, if that has passed
    std::set<Turn> held;     // every lane of it is, at hold version held_at
    std::set<Turn> capped;   // whatever its lanes are
    std::uint64_t level = 0;
    // Turns of those that left with more than the level, by name and by turns.
    std::map<std::string, std::uint64_t, std::less<>> left;
    std::set<Turn> left_by_turns;
    std::uint64_t blocked_at = 0;
    std::uint64_t held_at = 0;
  };
  using Named = std::pair<const std::string, Namespace>;
  struct Aside {
    Spot from;  // the ticket has its new order
    scheduler::MaskCounts why{};
  };

  static std::size_t lane_of(const JobSpec& spec);
  std::map<std::size_t, Lane>::const_iterator open_lane(const Namespace& ns) const;
  bool is_open(const Lane& lane) const {
    return lane.blocked_at != capacity_version_ && lane.held_at != hold_version_;
  }
  void leave(Band& band, const Named& named);
  void stand(Band& band, const Named& named);
  void catch_up(Band& band);
  static void raise_level(Band& band, std::uint64_t turns);
  void open_unblocked(Band& band);

  std::array<Band, kUrgencies> bands_;
  std::set<std::string, std::less<>> capped_;
  std::vector<Aside> aside_;  // counted in Namespace::waiting, in no lane
  std::size_t most_aside_;
  std::size_t size_ = 0;
  std::uint64_t next_order_ = 1;
  std::uint64_t capacity_version_ = 1;
  std::uint64_t hold_version_ = 1;
};

}  // namespace skerry::core
