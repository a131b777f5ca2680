#include "rl/gmorl/rollout.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace skerry::rl::gmorl {

namespace {

// One future of one moment; its branches are consecutive rows, one per action.
struct Future {
  std::size_t moment;
  Tape tape;
  Dispatch dispatch;
  std::size_t first_row;
};

std::vector<std::uint32_t> best_actions(std::span<const double> prices, std::size_t most) {
  std::vector<std::uint32_t> order(prices.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {},
                    [&](std::uint32_t server) { return std::pair(prices[server], server); });
  order.resize(std::min(order.size(), most));
  while (order.size() > 1 && prices[order.back()] == std::numeric_limits<double>::infinity()) {
    order.pop_back();
  }
  return order;
}

class Rollout {
 public:
  Rollout(const Context& context, const Scales& scales, DispatchPolicy& policy,
          std::span<const Moment> moments, const RolloutOptions& options)
      : context_(context),
        policy_(policy),
        moments_(moments),
        options_(options),
        outcomes_(moments.size()),
        view_(context, scales),
        branches_(context, 0) {}

  std::vector<Outcome> run() {
    pick_actions();
    branch();
    int last = 0;
    for (const Moment& moment : moments_) {
      last = std::max(last, std::min(options_.horizon, moment.remaining));
    }
    view_.start(branches_.rows(), policy_.detail());
    chosen_.resize(branches_.rows());
    for (int step = 1; step <= last; ++step) {
      dispatch(step);
      advance(step);
    }
    return std::move(outcomes_);
  }

 private:
  // What is tried at each moment: the policy's best. The view then has the costs of that.
  void pick_actions() {
    const std::size_t servers = context_.servers();
    std::vector<double> prices(moments_.size() * servers);
    view_.start(moments_.size(), policy_.detail());
    for (std::size_t m = 0; m < moments_.size(); ++m) {
      view_.look(m, moments_[m].servers, 0, moments_[m].dispatch, moments_[m].w,
                 moments_[m].remaining);
    }
    view_.finish(moments_.size());
    policy_.price(view_, moments_.size(), prices);
    for (std::size_t m = 0; m < moments_.size(); ++m) {
      outcomes_[m].servers =
          best_actions(std::span(prices).subspan(m * servers, servers), options_.actions);
      outcomes_[m].costs.assign(outcomes_[m].servers.size(), 0);
    }
  }

  // A row for every action of every future, as it is a step later.
  void branch() {
    std::size_t rows = 0;
    futures_.reserve(moments_.size() * options_.futures);
    for (std::size_t m = 0; m < moments_.size(); ++m) {
      for (std::size_t k = 0; k < options_.futures; ++k) {
        futures_.push_back(
            {m, moments_[m].tape.future(options_.seed, m * options_.futures + k), {}, rows});
        rows += outcomes_[m].servers.size();
      }
    }
    branches_ = Servers(context_, rows);
    for (const Future& future : futures_) {
      Outcome& outcome = outcomes_[future.moment];
      const Moment& moment = moments_[future.moment];
      for (std::size_t a = 0; a < outcome.servers.size(); ++a) {
        const std::size_t row = future.first_row + a;
        outcome.costs[a] += share() * view_.cost(view_.lane(future.moment, outcome.servers[a]));
        branches_.copy(row, moment.servers, 0);
        branches_.join(row, outcome.servers[a], moment.dispatch.mbit);
        branches_.advance(row, 1);
      }
    }
  }

  // The policy decides in every branch of the futures that have a task in this step.
  void dispatch(int step) {
    dispatching_.clear();
    std::size_t used = 0;
    for (Future& future : futures_) {
      const Moment& moment = moments_[future.moment];
      if (step <= moment.remaining && future.tape.next(future.dispatch)) {
        for (std::size_t a = 0; a < outcomes_[future.moment].servers.size(); ++a) {
          view_.look(used++, branches_, future.first_row + a, future.dispatch, moment.w,
                     moment.remaining - step);
        }
        dispatching_.push_back(&future);
      }
    }
    view_.finish(used);
    policy_.choose(view_, used, chosen_);
    std::size_t row = 0;
    for (const Future* future : dispatching_) {
      Outcome& outcome = outcomes_[future->moment];
      for (std::size_t a = 0; a < outcome.servers.size(); ++a, ++row) {
        outcome.costs[a] += share() * view_.cost(view_.lane(row, chosen_[row]));
        branches_.join(future->first_row + a, chosen_[row], future->dispatch.mbit);
      }
    }
  }

  void advance(int step) {
    for (const Future& future : futures_) {
      Outcome& outcome = outcomes_[future.moment];
      if (step <= moments_[future.moment].remaining) {
        outcome.steps += outcome.servers.size();
        for (std::size_t a = 0; a < outcome.servers.size(); ++a) {
          branches_.advance(future.first_row + a, 1);
        }
      }
    }
  }

  double share() const { return 1.0 / static_cast<double>(options_.futures); }

  const Context& context_;
  DispatchPolicy& policy_;
  std::span<const Moment> moments_;
  const RolloutOptions& options_;
  std::vector<Outcome> outcomes_;
  View view_;
  Servers branches_;
  std::vector<Future> futures_;
  std::vector<Future*> dispatching_;
  std::vector<std::size_t> chosen_;
};

}  // namespace

std::vector<Outcome> roll_out(const Context& context, const Scales& scales, DispatchPolicy& policy,
                              std::span<const Moment> moments, const RolloutOptions& options) {
  return Rollout(context, scales, policy, moments, options).run();
}

}  // namespace skerry::rl::gmorl
