#include "rl/gmorl/evaluate.h"

#include <algorithm>

namespace skerry::rl::gmorl {

namespace {

// The servers as they were at the start of the last steps.
class History {
 public:
  History(const Context& context, std::size_t rows) {
    for (int i = 0; i <= context.stale_steps; ++i) {
      then_.emplace_back(context, rows);
    }
  }
  void remember(int step, const Servers& now) {
    Servers& at = then_[static_cast<std::size_t>(step) % then_.size()];
    for (std::size_t row = 0; row < now.rows(); ++row) {
      at.copy(row, now, row);
    }
  }
  // As a dispatcher sees them that was last told 0 to stale_steps steps ago, by the tape's dice.
  const Servers& seen(int step, const Dispatch& dispatch) const {
    const std::uint64_t ages =
        std::min<std::uint64_t>(then_.size(), static_cast<std::uint64_t>(step) + 1);
    const std::uint64_t age = (dispatch.chance >> 40) % ages;
    return then_[(static_cast<std::uint64_t>(step) - age) % then_.size()];
  }

 private:
  std::vector<Servers> then_;
};

// What there is to choose by.
struct Step {
  int number;
  const View& view;
  const Servers& state;
  const std::vector<Tape>& tapes;
  const std::vector<std::size_t>& rows;
  const std::vector<Dispatch>& dispatches;
};

// Episodes side by side. `choose` writes a server for each row of a step.
template <typename Choose>
class Batch {
 public:
  Batch(const Context& context, const Scales& scales, double w, Detail detail, Choose& choose)
      : context_(context),
        scales_(scales),
        w_(w),
        detail_(detail),
        choose_(choose),
        view_(context, scales) {}

  void run(const RunOptions& options, std::size_t first, std::span<Total> totals) {
    tapes_.clear();
    for (std::size_t e = 0; e < totals.size(); ++e) {
      tapes_.emplace_back(context_, options.seed, first + e);
    }
    Servers state(context_, totals.size());
    History history(context_, context_.stale_steps > 0 ? totals.size() : 0);
    view_.start(totals.size(), detail_);
    dispatches_.resize(totals.size());
    chosen_.resize(totals.size());
    for (int step = 0; step < context_.steps; ++step) {
      if (context_.stale_steps > 0) {
        history.remember(step, state);
      }
      rows_.clear();
      uploads_.clear();
      for (std::size_t e = 0; e < totals.size(); ++e) {
        Dispatch& dispatch = dispatches_[rows_.size()];
        if (tapes_[e].draw(dispatch)) {
          uploads_.push_back(tapes_[e].upload_row(dispatch));
          rows_.push_back(e);
        }
      }
      Tape::finish(uploads_);
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        const Dispatch& dispatch = dispatches_[row];
        const Servers& seen = context_.stale_steps > 0 ? history.seen(step, dispatch) : state;
        view_.look(row, seen, rows_[row], dispatch, w_, context_.steps - 1 - step);
      }
      view_.finish(rows_.size());
      choose_({step, view_, state, tapes_, rows_, dispatches_}, chosen_);
      for (std::size_t row = 0; row < rows_.size(); ++row) {
        add_cost(totals[rows_[row]], state, row);
        state.join(rows_[row], chosen_[row], dispatches_[row].mbit);
      }
      for (std::size_t e = 0; e < totals.size(); ++e) {
        state.advance(e, 1);
      }
    }
  }

 private:
  // What a view of stale servers says is not what happens.
  void add_cost(Total& total, const Servers& state, std::size_t row) const {
    const std::size_t lane = view_.lane(row, chosen_[row]);
    const Cost cost =
        context_.stale_steps > 0
            ? cost_of(state, rows_[row], chosen_[row], dispatches_[row], scales_)
            : Cost{view_.delay(lane) * scales_.delay_s, view_.energy(lane) * scales_.energy_j};
    const bool waits = context_.channel == Channel::kPhysical;
    total.delay_s += cost.delay_s + (waits ? dispatches_[row].waited_s : 0);
    total.energy_j += cost.energy_j;
  }

  const Context& context_;
  const Scales& scales_;
  double w_;
  Detail detail_;
  Choose& choose_;
  View view_;
  std::vector<Tape> tapes_;
  std::vector<Dispatch> dispatches_;  // by row
  std::vector<UploadRow> uploads_;    // by row
  std::vector<std::size_t> rows_;     // the episode of each row
  std::vector<std::size_t> chosen_;   // the server of each row
};

template <typename Choose>
std::vector<Total> run_all(const Context& context, const Scales& scales, double w, Detail detail,
                           const RunOptions& options, Choose choose) {
  std::vector<Total> totals(options.episodes);
  Batch<Choose> batch(context, scales, w, detail, choose);
  for (std::size_t at = 0; at < totals.size(); at += options.batch) {
    const std::size_t count = std::min(options.batch, totals.size() - at);
    batch.run(options, options.first + at, std::span(totals).subspan(at, count));
  }
  return totals;
}

}  // namespace

std::vector<Total> run(const Context& context, DispatchPolicy& policy, double lambda,
                       const RunOptions& options) {
  const Scales scales(context);
  return run_all(context, scales, scales.weight(lambda), policy.detail(), options,
                 [&](const Step& step, std::vector<std::size_t>& chosen) {
                   policy.choose(step.view, step.rows.size(), chosen);
                 });
}

std::vector<Total> run_lookahead(const Context& context, DispatchPolicy& policy, double lambda,
                                 const RunOptions& options, RolloutOptions rollout) {
  const Scales scales(context);
  const double w = scales.weight(lambda);
  Random seeds(rollout.seed);
  std::vector<Moment> moments;
  return run_all(context, scales, w, Detail::kCosts, options,
                 [&](const Step& step, std::vector<std::size_t>& chosen) {
                   moments.clear();
                   const int left = context.steps - 1 - step.number;
                   for (std::size_t row = 0; row < step.rows.size(); ++row) {
                     Moment moment{Servers(context, 1), step.tapes[step.rows[row]],
                                   step.dispatches[row], w,
                                   context.horizon_given ? left : rollout.horizon};
                     moment.servers.copy(0, step.state, step.rows[row]);
                     moments.push_back(std::move(moment));
                   }
                   rollout.seed = seeds.next_u64();
                   const auto outcomes = roll_out(context, scales, policy, moments, rollout);
                   for (std::size_t row = 0; row < outcomes.size(); ++row) {
                     chosen[row] = outcomes[row].servers[cheapest(outcomes[row].costs)];
                   }
                 });
}

}  // namespace skerry::rl::gmorl
