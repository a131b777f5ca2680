// The ready queue: against a plain model of its rules, and with very many namespaces.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <deque>
#include <optional>
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
      std::optional<std::uint64_t> level;
      for (const Entry& entry : entries_) {
        if (entry.spec.urgency == spec.urgency) {
          const std::uint64_t turns = turns_of(entry.spec.urgency, entry.spec.ns);
          level = std::min(level.value_or(turns), turns);
        }
      }
      turns_of(spec.urgency, spec.ns) = level.value_or(0);
    }
    entries_.push_back({job, spec, next_order_++});
  }

  std::optional<JobId> next() {
    const Entry* first = nullptr;
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      const bool head = !it->aside && std::none_of(entries_.begin(), it, [&](const Entry& before) {
        return !before.aside && same_lane(before.spec, it->spec);
      });
      const auto rank = [&](const Entry& e) {
        return std::tuple(-static_cast<int>(e.spec.urgency), turns_of(e.spec.urgency, e.spec.ns),
                          e.spec.ns, e.order);
      };
      if (head && !is_blocked(it->spec) && (first == nullptr || rank(*it) < rank(*first))) {
        first = &*it;
      }
    }
    return first == nullptr ? std::nullopt : std::optional(first->job);
  }

  void pop(JobId job, bool placed) {
    const auto it = std::ranges::find(entries_, job, &Entry::job);
    turns_of(it->spec.urgency, it->spec.ns) += placed ? 1 : 0;
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
