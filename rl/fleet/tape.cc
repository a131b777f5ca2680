#include "rl/fleet/tape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/check.h"

namespace skerry::rl::fleet {

namespace {

constexpr double kFarAway = 1e18;
constexpr double kTasksASegment = 40;
constexpr double kLinkMemory = 0.8;  // correlation of a link's logarithm from segment to segment
constexpr double kBurstTasks = 60;   // a burst lasts so many usual arrivals on average

Random stream(std::uint64_t seed, std::uint64_t number, std::string_view purpose) {
  return Random(seed ^ (number * 0x9e3779b97f4a7c15ULL)).fork(purpose);
}

// One for each node, so that its outages do not depend on when others were asked for.
std::vector<Random> outage_streams(std::uint64_t seed, std::uint64_t number, std::size_t nodes) {
  std::vector<Random> streams;
  streams.reserve(nodes);
  for (std::size_t node = 0; node < nodes; ++node) {
    streams.push_back(stream(seed, number, fmt::format("outages of node {}", node)));
  }
  return streams;
}

scheduler::Preference any_preference(Random& random) {
  scheduler::Preference preference;
  double sum = 0;
  for (double& weight : preference.weights) {
    weight = random.exponential(1);
    sum += weight;
  }
  for (double& weight : preference.weights) {
    weight /= sum;
  }
  return preference;
}

}  // namespace

Tape::Tape(const Context& context, std::uint64_t seed, std::uint64_t number)
    : context_(&context),
      arrivals_(stream(seed, number, "arrivals")),
      links_(stream(seed, number, "links")),
      outages_(outage_streams(seed, number, context.nodes.size())),
      segment_s_(kTasksASegment / context.arrivals_per_s),
      outages_of_(context.nodes.size()) {}

Tape::Tape(const Context& context, std::vector<Task> tasks) : Tape(context, 0, 0) {
  recorded_ = true;
  tasks_ = std::move(tasks);
}

Tape Tape::future(double now_s, std::uint64_t seed, std::uint64_t number) const {
  Tape tape = *this;
  tape.arrivals_ = stream(seed, number, "arrivals");
  tape.links_ = stream(seed, number, "links");
  tape.outages_ = outage_streams(seed, number, context_->nodes.size());
  tape.tasks_.clear();
  tape.start_s_ = tape.clock_s_ = now_s;
  // Links are known up to now. An outage that has begun goes on; later ones are not known.
  const auto known = static_cast<std::size_t>(now_s / segment_s_) + 1;
  if (tape.link_logs_.size() > known) {
    tape.link_logs_.resize(known);
  }
  for (auto& outages : tape.outages_of_) {
    std::erase_if(outages, [now_s](const Outage& outage) { return outage.from_s > now_s; });
  }
  return tape;
}

const Task& Tape::task(std::size_t number) {
  while (tasks_.size() <= number) {
    check(!recorded_, "a recorded tape is not read beyond its end");
    draw_task();
  }
  return tasks_[number];
}

void Tape::draw_task() {
  const Context& c = *context_;
  // Arrivals are Poisson, in and out of bursts; the rate outside is lower, so that the mean holds,
  // as long as that takes no less than a tenth of it.
  if (c.burst_share > 0 && clock_s_ >= burst_until_s_) {
    bursting_ = !bursting_;
    const double mean_s =
        kBurstTasks / c.arrivals_per_s * (bursting_ ? 1 : (1 - c.burst_share) / c.burst_share);
    burst_until_s_ = clock_s_ + arrivals_.exponential(mean_s);
  }
  const double outside =
      c.burst_share > 0 ? (1 - c.burst_share * c.burst) / (1 - c.burst_share) : 1;
  const double rate = c.arrivals_per_s * (bursting_ ? c.burst : std::max(outside, 0.1));
  clock_s_ += arrivals_.exponential(1 / rate);

  Task task{.arrival_s = clock_s_};
  double shares = 0;
  for (const Model& model : c.models) {
    shares += model.share;
  }
  double at = arrivals_.uniform() * shares;
  while (task.model + 1 < c.models.size() && at >= c.models[task.model].share) {
    at -= c.models[task.model++].share;
  }
  constexpr double kInputSpread = 0.5;
  task.input_bytes = c.models[task.model].input_bytes *
                     std::exp(arrivals_.normal(-kInputSpread * kInputSpread / 2, kInputSpread));
  task.difficulty =
      std::exp(arrivals_.normal(-c.service_noise * c.service_noise / 2, c.service_noise));
  const double preset = arrivals_.uniform();
  const double deadline = arrivals_.uniform();
  const double patience = arrivals_.uniform(1, 8);
  task.chance = arrivals_.next_u64();
  switch (c.preferences) {
    case Preferences::kOne:
      task.preference = c.preference;
      break;
    case Preferences::kPresets:
      task.preference =
          scheduler::presets()[static_cast<std::size_t>(
                                   preset * static_cast<double>(scheduler::presets().size()))]
              .preference;
      break;
    case Preferences::kAny:
      task.preference = any_preference(arrivals_);
      break;
  }
  if (deadline < c.deadline_share) {
    const scheduler::Scale& scale = c.scales[task.model];
    task.deadline_s =
        clock_s_ + scale.ideal.latency_s +
        patience * std::max(scale.nadir.latency_s - scale.ideal.latency_s, scale.ideal.latency_s);
  }
  tasks_.push_back(task);
}

void Tape::draw_links() {
  const double fresh = std::sqrt(1 - kLinkMemory * kLinkMemory);
  std::array<float, kMostNodes> logs{};
  for (std::size_t node = 0; node < context_->nodes.size(); ++node) {
    const double before =
        link_logs_.empty() ? links_.normal(0, 1) : static_cast<double>(link_logs_.back()[node]);
    logs[node] = static_cast<float>(kLinkMemory * before + fresh * links_.normal(0, 1));
  }
  link_logs_.push_back(logs);
}

double Tape::bandwidth(std::size_t node, double at_s) {
  const auto segment = static_cast<std::size_t>(std::max(at_s, 0.0) / segment_s_);
  while (link_logs_.size() <= segment) {
    draw_links();
  }
  return context_->nodes[node].bandwidth_bytes_per_s *
         std::exp(context_->link_noise * static_cast<double>(link_logs_[segment][node]));
}

void Tape::draw_outage(std::size_t node) {
  const Node& fails = context_->nodes[node];
  auto& outages = outages_of_[node];
  const double after_s = outages.empty() ? start_s_ : outages.back().to_s;
  const double from_s = after_s + outages_[node].exponential(fails.up_s);
  outages.push_back({from_s, from_s + outages_[node].exponential(fails.down_s)});
}

Outage Tape::outage(std::size_t node, double at_s) {
  if (context_->nodes[node].up_s == 0) {
    return {kFarAway, kFarAway};
  }
  auto& outages = outages_of_[node];
  while (outages.empty() || outages.back().to_s <= at_s) {
    draw_outage(node);
  }
  auto first = outages.end();
  while (first != outages.begin() && (first - 1)->to_s > at_s) {
    --first;
  }
  return *first;
}

}  // namespace skerry::rl::fleet
