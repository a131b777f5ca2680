#include "rl/suites/lookahead.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "rl/problem/parallel.h"
#include "rl/suites/cells.h"

namespace skerry::rl {

namespace {

constexpr std::size_t kChunk = 8;  // episodes of one piece of work

// The same episodes by pieces, on several threads.
std::vector<gmorl::Total> play_ahead(const gmorl::Context& context, double lambda,
                                     std::size_t episodes, const gmorl::RolloutOptions& rollout,
                                     const Mlp* network, std::size_t threads) {
  std::vector<gmorl::Total> totals(episodes);
  parallel_for((episodes + kChunk - 1) / kChunk, threads, [&](std::size_t i) {
    gmorl::GreedyPolicy greedy(context.servers());
    gmorl::RolloutOptions own = rollout;
    own.seed = Random(kReportSeed + i).next_u64();
    const std::size_t count = std::min(kChunk, episodes - i * kChunk);
    const gmorl::RunOptions run{.seed = kReportSeed, .first = i * kChunk, .episodes = count};
    std::vector<gmorl::Total> part;
    if (network != nullptr) {
      gmorl::PricedPolicy learned(*network, context.servers());
      part = run_lookahead(context, learned, lambda, run, own);
    } else {
      part = run_lookahead(context, greedy, lambda, run, own);
    }
    std::ranges::copy(part, totals.begin() + static_cast<std::ptrdiff_t>(i * kChunk));
  });
  return totals;
}

std::vector<double> costs(const std::vector<gmorl::Total>& totals, double lambda) {
  std::vector<double> all;
  all.reserve(totals.size());
  for (const gmorl::Total& total : totals) {
    all.push_back(cost_at(total, lambda));
  }
  return all;
}

}  // namespace

void add_lookahead(const gmorl::Context& context, const std::string& group,
                   const SuiteOptions& options, SuiteResult& result) {
  std::vector<double> lambdas = {std::numeric_limits<double>::infinity(), 0.03, 0.01, 0.003, 0.001};
  const bool quick = options.scale < 1;
  if (quick) {
    lambdas = {0.01};
  }
  for (const double lambda : lambdas) {
    const std::string metric = fmt::format("lookahead {} {}", group, lambda_text(lambda));
    const std::size_t episodes = scaled(120, options.scale);
    gmorl::GreedyPolicy greedy(context.servers());
    const auto base = costs(play_one(context, greedy, lambda, episodes), lambda);
    const auto over_greedy = play_ahead(context, lambda, episodes, {.futures = 16, .horizon = 30},
                                        nullptr, options.threads);
    result.add("rollout over greedy", metric, paired_change(costs(over_greedy, lambda), base));
    if (options.bundle != nullptr) {
      const std::size_t fewer = scaled(16, options.scale);
      const auto over_learned =
          play_ahead(context, lambda, fewer, {.futures = quick ? 8u : 64u, .horizon = 60},
                     &options.bundle->network, options.threads);
      result.add("rollout over learned", metric,
                 paired_change(costs(over_learned, lambda), std::span(base).first(fewer)));
    }
    options.progress(metric);
  }
}

}  // namespace skerry::rl
