#include "rl/gmorl/view.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rl/net/all_levels.h"
#include "rl/net/fast_math.h"
#include "rl/net/mlp.h"
#include "scheduler/sharing.h"

namespace skerry::rl::gmorl {

namespace {

constexpr double kSendW = 0.010;
constexpr double kGuard = 4;

// In units of the mean size: what the overlap with tasks of these sizes is.
constexpr double kProbes[] = {0.25, 1, 3};

// Features that are compressed to log(1 + x).
constexpr std::size_t kCompressed[] = {0, 1, 2, 3, 4, 5, 6, 7, 10};

SKERRY_ALL_LEVELS void compress(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = fast_log1p(values[i]);
  }
}

// What the exact cost of a task on each of some servers is made of.
struct Pricing {
  double mbit, inverse_delay, inverse_energy, w;
  const double* overlap;
  const float* upload_s;
  const double* inverse_speed;
  const double* joules_per_mbit;
};

SKERRY_ALL_LEVELS void price_exactly(const Pricing& of, std::size_t count,
                                     double* __restrict delays, double* __restrict energies,
                                     double* __restrict costs) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto upload_s = static_cast<double>(of.upload_s[i]);
    const double delay =
        (upload_s + (of.mbit + 2 * of.overlap[i]) * of.inverse_speed[i]) * of.inverse_delay;
    const double energy = (of.mbit * of.joules_per_mbit[i] + kSendW * upload_s) * of.inverse_energy;
    delays[i] = delay;
    energies[i] = energy;
    costs[i] = of.w * delay + (1 - of.w) * energy;
  }
}

float compressed(double x) { return fast_log1p(static_cast<float>(x)); }

}  // namespace

Scales::Scales(const Context& context)
    : mean_mbit(context.mean_mbit() * context.mean_error),
      mean_speed(context.mean_speed()),
      mean_joules_per_mbit(context.mean_joules_per_mbit()),
      delay_s(mean_mbit / mean_speed),
      energy_j(mean_mbit * mean_joules_per_mbit),
      load(context.load * context.mean_error) {
  for (std::size_t server = 0; server < context.servers(); ++server) {
    inverse_speed.push_back(1 / context.speed[server]);
    joules_per_mbit.push_back(context.joules_per_mbit(server));
    log_speed.push_back(static_cast<float>(std::log(context.speed[server] / mean_speed)));
    log_joules.push_back(
        static_cast<float>(std::log(joules_per_mbit[server] / mean_joules_per_mbit)));
  }
}

double Scales::weight(double lambda) const {
  return std::isinf(lambda) ? 1.0 : lambda * delay_s / (lambda * delay_s + energy_j);
}

Cost cost_of(const Servers& servers, std::size_t row, std::size_t server, const Dispatch& dispatch,
             const Scales& scales) {
  const auto upload_s = static_cast<double>(dispatch.upload_s[server]);
  return {.delay_s = upload_s + servers.marginal_s(row, server, dispatch.mbit),
          .energy_j = dispatch.mbit * scales.joules_per_mbit[server] + kSendW * upload_s};
}

void View::start(std::size_t rows, Detail detail) {
  detail_ = detail;
  const std::size_t lanes = Mlp::padded(rows * context_->servers());
  if (lanes != stride_) {
    stride_ = lanes;
    features_.assign(kFeatures * lanes, 0);
    price_scale_.assign(lanes, 0);
    cost_.assign(lanes, 0);
    delay_.assign(lanes, 0);
    energy_.assign(lanes, 0);
    summaries_.assign(lanes, {});
  }
  weight_.resize(rows);
  sources_.resize(rows);
  limit_.resize(rows);
  mbit_.resize(rows);
  number_.resize(rows);
  chance_.resize(rows);
  greedy_.resize(rows);
}

void View::look(std::size_t row, const Servers& servers, std::size_t servers_row,
                const Dispatch& dispatch, double w, int remaining) {
  weight_[row] = w;
  sources_[row] = {&servers, servers_row};
  mbit_[row] = dispatch.mbit;
  number_[row] = dispatch.number;
  chance_[row] = dispatch.chance;
  const std::size_t lanes = servers.lanes();
  if (detail_ == Detail::kCosts) {
    scratch_.resize(lanes);
    servers.overlaps(servers_row, dispatch.mbit, scratch_);
    price(row, dispatch, scratch_.data());
    return;
  }
  const double mean_mbit = scales_->mean_mbit;
  scratch_.resize((2 + Servers::kSizes) * lanes);
  servers.summaries(
      servers_row,
      {kProbes[0] * mean_mbit, kProbes[1] * mean_mbit, kProbes[2] * mean_mbit, dispatch.mbit},
      scratch_);
  price(row, dispatch, &scratch_[(1 + Servers::kSizes) * lanes]);
  summarise(row, lanes, remaining);
  if (detail_ == Detail::kAll) {
    describe_servers(row);
    describe_fleet(row, dispatch, remaining);
  }
}

// The exact costs of the row's servers, and the best.
void View::price(std::size_t row, const Dispatch& dispatch, const double* overlap) {
  const std::size_t count = context_->servers();
  const std::size_t first = row * count;
  const double w = weight_[row];
  const Pricing pricing{.mbit = dispatch.mbit,
                        .inverse_delay = 1 / scales_->delay_s,
                        .inverse_energy = 1 / scales_->energy_j,
                        .w = w,
                        .overlap = overlap,
                        .upload_s = dispatch.upload_s.data(),
                        .inverse_speed = scales_->inverse_speed.data(),
                        .joules_per_mbit = scales_->joules_per_mbit.data()};
  price_exactly(pricing, count, &delay_[first], &energy_[first], &cost_[first]);
  double best = std::numeric_limits<double>::infinity();
  std::size_t best_server = 0;
  for (std::size_t server = 0; server < count; ++server) {
    best_server = cost_[first + server] < best ? server : best_server;
    best = std::min(best, cost_[first + server]);
  }
  greedy_[row] = best_server;
  limit_[row] = best + kGuard * w * delay_[first + best_server];
}

// From the servers' summaries as they were just read: [field][lanes]. What a task takes from those
// that come later falls with the number of those that still do, where the end is known.
void View::summarise(std::size_t row, std::size_t lanes, int remaining) {
  constexpr double kFadeSteps = 20;
  const double fade = context_->horizon_given ? 1 - std::exp(-(remaining + 1) / kFadeSteps) : 1;
  const double relative_size = mbit_[row] / scales_->mean_mbit;
  for (std::size_t server = 0; server < context_->servers(); ++server) {
    const auto read = [&](std::size_t field) { return scratch_[field * lanes + server]; };
    summaries_[lane(row, server)] = {.count = static_cast<std::size_t>(read(0)),
                                     .work = read(1),
                                     .overlap = {read(2), read(3), read(4), read(5)}};
    price_scale_[lane(row, server)] = static_cast<float>(
        fade * relative_size * scales_->mean_speed * scales_->inverse_speed[server]);
  }
}

void View::describe_servers(std::size_t row) {
  const double inverse_mbit = 1 / scales_->mean_mbit;
  const double own_scale = mbit_[row] / scales_->delay_s;
  const double best = cost_[lane(row, greedy_[row])];
  for (std::size_t server = 0; server < context_->servers(); ++server) {
    const std::size_t l = lane(row, server);
    const Summary& now = summaries_[l];
    const auto put = [&](std::size_t feature, double value) {
      features_[feature * stride_ + l] = static_cast<float>(value);
    };
    put(0, delay_[l]);
    put(1, 4 * (cost_[l] - best));
    put(2, static_cast<double>(now.count));
    put(3, now.work * inverse_mbit);
    put(4, now.overlap[0] * inverse_mbit);
    put(5, now.overlap[1] * inverse_mbit);
    put(6, now.overlap[2] * inverse_mbit);
    put(7, now.overlap[3] * inverse_mbit);
    features_[8 * stride_ + l] = scales_->log_speed[server];
    features_[9 * stride_ + l] = scales_->log_joules[server];
    put(10, own_scale * scales_->inverse_speed[server]);
    put(11, now.count == 0 ? 1 : 0);
  }
}

void View::describe_fleet(std::size_t row, const Dispatch& dispatch, int remaining) {
  const std::size_t count = context_->servers();
  const double inverse_mbit = 1 / scales_->mean_mbit;
  const double best = cost_[lane(row, greedy_[row])];
  double gap = count > 1 ? 10 : 0;  // to the second best
  double tasks = 0;
  double work = 0;
  double backlog = 0;
  std::size_t idle = 0;
  for (std::size_t server = 0; server < count; ++server) {
    const Summary& now = summaries_[lane(row, server)];
    const double left = now.work * inverse_mbit;
    const double relative = left * scales_->mean_speed * scales_->inverse_speed[server];
    tasks += static_cast<double>(now.count);
    work += left;
    backlog += relative / (1 + relative);
    idle += now.count == 0 ? 1 : 0;
    gap = server == greedy_[row] ? gap : std::min(gap, cost_[lane(row, server)] - best);
  }
  const double w = weight_[row];
  const double logit = w >= 1 ? 6 : (w <= 0 ? -6 : std::clamp(std::log(w / (1 - w)), -6.0, 6.0));
  const auto servers = static_cast<double>(count);
  const auto age = static_cast<float>(context_->steps - 1 - remaining);
  const float fleet[kFleetFeatures] = {
      static_cast<float>(w),
      static_cast<float>(logit / 4),
      static_cast<float>(std::log(dispatch.mbit * inverse_mbit) / 2),
      compressed(dispatch.queue) / 2,
      compressed(tasks / servers),
      compressed(work / servers),
      compressed(4 * gap),
      static_cast<float>(scales_->load),
      static_cast<float>(std::log(servers) / 3),
      static_cast<float>(static_cast<double>(idle) / servers),
      context_->horizon_given ? 1.0f : 0.0f,
      context_->horizon_given ? std::exp(-static_cast<float>(remaining) / 15) : 0.0f,
      context_->horizon_given ? std::exp(-static_cast<float>(remaining) / 60) : 0.0f,
      static_cast<float>(backlog / servers),
      std::exp(-age / 50),
      age / (age + 100),
  };
  for (std::size_t f = 0; f < kFleetFeatures; ++f) {
    std::fill_n(&features_[(kServerFeatures + f) * stride_ + lane(row, 0)], count, fleet[f]);
  }
}

void View::finish(std::size_t rows) {
  if (detail_ != Detail::kAll) {
    return;
  }
  const std::size_t lanes = rows * context_->servers();
  for (const std::size_t f : kCompressed) {
    compress(&features_[f * stride_], lanes);
  }
}

}  // namespace skerry::rl::gmorl
