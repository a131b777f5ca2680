// The ready queue: against a plain model of its rules, and with very many namespaces.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "controller/core/ready_queue.h"

namespace skerry::core {
namespace {

JobSpec spec_of(std::string ns, std::string model, Urgency urgency) {
  JobSpec spec;
  spec.ns = std::move(ns);
  spec.model = std::move(model);
  spec.urgency = urgency;
  return spec;
}

// The rules of ready_queue.h, word by word: one list, walked in full at each question. Lanes are
// told apart by model alone, which holds while no two of the models hash alike.
class PlainQueue {
 public:
  explicit PlainQueue(std::size_t most_aside) : most_aside_(most_aside) {}

  void push(JobId job, const JobSpec& spec) {
    const bool newcomer = waiting(spec.urgency, spec.ns) == 0;
    if (newcomer) {
      auto& turns = turns_of(spec.urgency, spec.ns);
      turns = std::max(turns, levels_[spec.urgency]);
    }
    entries_.push_back({job, spec, next_order_++});
  }

  std::optional<JobId> next() {
    lift();
    const Entry* first = nullptr;
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      const bool head = !it->aside && std::none_of(entries_.begin(), it, [&](const Entry& before) {
        return !before.aside && same_lane(before.spec, it->spec);
      });
      const auto rank = [&](const Entry& e) {
        return std::tuple(-static_cast<int>(e.spec.urgency), turns_of(e.spec.urgency, e.spec.ns),
                          e.spec.ns, e.order);
      };
      if (head && !is_blocked(it->spec) && !capped_.contains(it->spec.ns) &&
          (first == nullptr || rank(*it) < rank(*first))) {
        first = &*it;
      }
    }
    return first == nullptr ? std::nullopt : std::optional(first->job);
  }

  void pop(JobId job, bool placed) {
    const auto it = std::ranges::find(entries_, job, &Entry::job);
    if (placed) {
      auto& level = levels_[it->spec.urgency];
      level = std::max(level, turns_of(it->spec.urgency, it->spec.ns)++);
    }
    const JobSpec spec = it->spec;
    entries_.erase(it);
    forget_if_empty(spec);
  }
  void block(JobId job) { blocked_.push_back(std::ranges::find(entries_, job, &Entry::job)->spec); }
  void hold(JobId job, bool alone) {
    const auto it = std::ranges::find(entries_, job, &Entry::job);
    const JobSpec spec = it->spec;
    it->aside = alone && std::ranges::count(entries_, true, &Entry::aside) <
                             static_cast<std::ptrdiff_t>(most_aside_);
    if (!it->aside) {
      held_.push_back(spec);
    }
    it->order = next_order_++;
    std::rotate(it, it + 1, entries_.end());
    forget_if_empty(spec);
  }
  void unblock_all() { blocked_.clear(); }
  void cap(const std::string& ns, bool capped) {
    if (capped) {
      capped_.insert(ns);
    } else {
      capped_.erase(ns);
    }
  }
  void reopen_held() {
    blocked_.clear();
    held_.clear();
    std::deque<Entry> back;
    std::ranges::copy_if(entries_, std::back_inserter(back), &Entry::aside);
    std::erase_if(entries_, [](const Entry& entry) { return entry.aside; });
    entries_.insert(entries_.end(), back.begin(), back.end());
    for (Entry& entry : entries_) {
      entry.aside = false;
    }
  }

 private:
  struct Entry {
    JobId job;
    JobSpec spec;
    std::uint64_t order = 0;  // between lanes; within one its place in the list counts
    bool aside = false;
  };
  // Of those that have something to try in the first band that has anything, while the first is too
  // far behind.
  void lift() {
    for (const Urgency urgency : {Urgency::kInteractive, Urgency::kNormal, Urgency::kBatch}) {
      const std::uint64_t level = levels_[urgency];
      const std::uint64_t lowest =
          level < ReadyQueue::kMostBehind ? 0 : level - ReadyQueue::kMostBehind;
      bool open = false;
      for (const Entry& entry : entries_) {
        if (entry.spec.urgency == urgency && !entry.aside && !is_blocked(entry.spec) &&
            !capped_.contains(entry.spec.ns)) {
          open = true;
          auto& turns = turns_of(urgency, entry.spec.ns);
          turns = std::max(turns, lowest);
        }
      }
      if (open) {
        return;
      }
    }
  }
  // An empty lane is forgotten with its being blocked.
  void forget_if_empty(const JobSpec& spec) {
    if (std::ranges::none_of(entries_,
                             [&](const Entry& e) { return !e.aside && same_lane(e.spec, spec); })) {
      std::erase_if(blocked_, [&](const JobSpec& lane) { return same_lane(lane, spec); });
      std::erase_if(held_, [&](const JobSpec& lane) { return same_lane(lane, spec); });
    }
  }
  static bool same_lane(const JobSpec& a, const JobSpec& b) {
    return a.urgency == b.urgency && a.ns == b.ns && a.model == b.model;
  }
  bool is_blocked(const JobSpec& spec) const {
    const auto same = [&](const JobSpec& lane) { return same_lane(lane, spec); };
    return std::ranges::any_of(blocked_, same) || std::ranges::any_of(held_, same);
  }
  std::size_t waiting(Urgency urgency, const std::string& ns) const {
    return static_cast<std::size_t>(std::ranges::count_if(entries_, [&](const Entry& entry) {
      return entry.spec.urgency == urgency && entry.spec.ns == ns;
    }));
  }
  std::uint64_t& turns_of(Urgency urgency, const std::string& ns) { return turns_[{urgency, ns}]; }

  std::deque<Entry> entries_;
  std::vector<JobSpec> blocked_;
  std::vector<JobSpec> held_;
  std::map<std::pair<Urgency, std::string>, std::uint64_t> turns_;
  std::map<Urgency, std::uint64_t> levels_;
  std::set<std::string> capped_;
  std::uint64_t next_order_ = 0;
  std::size_t most_aside_;
};

JobId job_number(std::uint64_t number) {
  JobId id;
  id.value = number;
  return id;
}

TEST(ReadyQueue, AnswersAsAPlainListDoesWhateverHappens) {
  const bool holds = rc::check([] {
    const auto most_aside = *rc::gen::inRange<std::size_t>(0, 4);
    ReadyQueue queue(most_aside);
    PlainQueue model(most_aside);
    std::uint64_t jobs = 0;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100));
    for (const int step : steps) {
      const auto spot = queue.next();
      const auto expected = model.next();
      RC_ASSERT(spot.has_value() == expected.has_value());
      if (spot) {
        RC_ASSERT(spot->ticket.job == *expected);
      }
      if (step < 45 || (!spot && step < 90)) {
        const JobSpec spec = spec_of(std::string(1, static_cast<char>('a' + step % 5)),
                                     step % 2 == 0 ? "m" : "n", static_cast<Urgency>(step % 3));
        queue.push(job_number(++jobs), spec);
        model.push(job_number(jobs), spec);
      } else if (step < 90) {
        if (step % 6 == 0) {
          const bool alone = step % 4 == 0;
          queue.hold(*spot, {}, alone);
          model.hold(*expected, alone);
        } else if (step % 6 == 3) {
          queue.block(*spot, {});
          model.block(*expected);
        } else {
          queue.pop(*spot, step % 3 == 1);
          model.pop(*expected, step % 3 == 1);
        }
      } else if (step < 93) {
        const std::string ns(1, static_cast<char>('a' + *rc::gen::inRange(0, 5)));
        const bool capped = *rc::gen::inRange(0, 2) == 0;
        queue.cap(ns, capped);
        model.cap(ns, capped);
      } else if (step < 97) {
        queue.unblock_all();
        model.unblock_all();
      } else {
        queue.reopen_held();
        model.reopen_held();
      }
    }
  });
  EXPECT_TRUE(holds);
}

// How many of the next `turns` placements each namespace gets, one slot coming free at a time;
// `refill` submits one job of namespace "b" whenever it has none waiting.
std::map<std::string, int> shares(ReadyQueue& queue, int turns, const std::string& refill = {}) {
  std::map<std::string, int> placed;
  std::uint64_t job = 1'000'000;
  bool waits = false;
  for (int i = 0; i < turns; ++i) {
    if (!refill.empty() && !std::exchange(waits, true)) {
      queue.push(job_number(++job), spec_of(refill, "m", Urgency::kNormal));
    }
    const auto spot = queue.next();
    if (spot) {
      ++placed[spot->ns];
      waits = waits && spot->ns != refill;
      queue.pop(*spot, true);
    }
  }
  return placed;
}

void push_many(ReadyQueue& queue, const std::string& ns, int count,
               const std::string& model = "m") {
  for (int i = 0; i < count; ++i) {
    queue.push(job_number(static_cast<std::uint64_t>(i)), spec_of(ns, model, Urgency::kNormal));
  }
}

TEST(ReadyQueue, AHundredThousandWaitingJobsOfOneNamespaceDelayAnothersByOneTurn) {
  ReadyQueue queue;
  push_many(queue, "crowd", 100'000);
  shares(queue, 1000);
  queue.push(job_number(7), spec_of("one", "m", Urgency::kNormal));
  EXPECT_EQ(shares(queue, 2)["one"], 1);
}

TEST(ReadyQueue, ANamespaceThatSubmitsOneByOneGetsItsShareAndNoMore) {
  for (const std::string trickle : {"a", "z"}) {  // before and behind the other by name
    ReadyQueue queue;
    push_many(queue, "m", 1000);
    const auto placed = shares(queue, 200, trickle);
    EXPECT_NEAR(placed.at(trickle), 100, 1) << trickle;
  }
}

TEST(ReadyQueue, ANewcomerStartsLevelThoughAnotherHadFewTurnsForLong) {
  ReadyQueue queue;
  push_many(queue, "stuck", 1);
  queue.block(*queue.next(), {});  // nothing fits it
  push_many(queue, "busy", 2000);
  EXPECT_EQ(shares(queue, 1000)["busy"], 1000);
  push_many(queue, "new", 1000);
  EXPECT_NEAR(shares(queue, 100)["new"], 50, 1);
}

TEST(ReadyQueue, WhoWasHeldUpForLongCatchesUpAFewTurnsOnly) {
  ReadyQueue queue;
  push_many(queue, "held-up", 1000);
  queue.cap("held-up", true);
  push_many(queue, "busy", 2000);
  EXPECT_EQ(shares(queue, 1000)["busy"], 1000);
  queue.cap("held-up", false);
  const auto placed = shares(queue, 200);
  EXPECT_NEAR(placed.at("held-up"), 100 + ReadyQueue::kMostBehind / 2, 1);
}

TEST(ReadyQueue, ACappedNamespaceIsPassedOver) {
  ReadyQueue queue;
  push_many(queue, "a", 1);
  queue.cap("a", true);
  EXPECT_FALSE(queue.next());
  push_many(queue, "a", 1);  // however much comes
  EXPECT_FALSE(queue.next());
  push_many(queue, "b", 1);
  EXPECT_EQ(queue.next()->ns, "b");
  queue.pop(*queue.next(), true);
  queue.cap("a", false);
  EXPECT_EQ(queue.next()->ns, "a");
  EXPECT_EQ(queue.size(), 2u);
}

// Walking all namespaces at each step would be 10^8 looks per round, and take minutes.
TEST(ReadyQueue, TenThousandNamespacesCostLittle) {
  constexpr std::uint64_t kNamespaces = 10'000;
  ReadyQueue queue;
  for (std::uint64_t i = 0; i < kNamespaces; ++i) {
    queue.push(job_number(i), spec_of("ns" + std::to_string(i), "m", Urgency::kNormal));
    queue.push(job_number(i), spec_of("ns" + std::to_string(i), "m", Urgency::kNormal));
  }
  for (int round = 0; round < 20; ++round) {
    std::uint64_t tried = 0;
    for (; const auto spot = queue.next(); ++tried) {
      queue.block(*spot, {});
    }
    ASSERT_EQ(tried, kNamespaces);
    queue.unblock_all();
  }
  std::uint64_t placed = 0;
  for (; const auto spot = queue.next(); ++placed) {
    queue.pop(*spot, true);
    queue.unblock_all();  // as the end of an attempt does
  }
  EXPECT_EQ(placed, 2 * kNamespaces);
}

}  // namespace
}  // namespace skerry::core
