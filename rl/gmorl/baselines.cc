#include "rl/gmorl/baselines.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/check.h"

namespace skerry::rl::gmorl {

namespace {

// A price per lane by a function of view, row and server.
template <typename Price>
class Formula final : public DispatchPolicy {
 public:
  Formula(std::size_t servers, Price price) : servers_(servers), price_(std::move(price)) {}
  Detail detail() const override { return Detail::kSummaries; }
  void price(const View& view, std::size_t rows, std::span<double> prices) override {
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t server = 0; server < servers_; ++server) {
        prices[row * servers_ + server] = price_(view, row, server);
      }
    }
  }

 private:
  std::size_t servers_;
  Price price_;
};

template <typename Price>
std::unique_ptr<DispatchPolicy> formula(std::size_t servers, Price price) {
  return std::make_unique<Formula<Price>>(servers, std::move(price));
}

double uniform(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

// The server that a throw of the row's dice picks.
std::size_t thrown(const View& view, std::size_t row) { return view.chance(row) % view.servers(); }

double chosen(bool yes) { return yes ? 0 : 1; }

struct Named {
  std::string_view name;
  double (*price)(const View& view, std::size_t row, std::size_t server);
};

constexpr std::array<Named, 9> kNamed = {{
    {"random", [](const View& view, std::size_t row,
                  std::size_t server) { return chosen(server == thrown(view, row)); }},
    {"random-split",
     [](const View& view, std::size_t row, std::size_t server) {
       constexpr double kCloud = 0.3;
       const std::uint64_t bits = view.chance(row);
       const std::size_t edges = view.servers() - 1;
       const std::size_t pick =
           edges == 0 || uniform(bits) < kCloud ? 0 : 1 + (bits & 0x7ff) % edges;
       return chosen(server == pick);
     }},
    {"cloud", [](const View&, std::size_t, std::size_t server) { return chosen(server == 0); }},
    {"round-robin",
     [](const View& view, std::size_t row, std::size_t server) {
       return chosen(server == view.number(row) % view.servers());
     }},
    {"jsq",
     [](const View& view, std::size_t row, std::size_t server) {
       return static_cast<double>(view.summary(view.lane(row, server)).count);
     }},
    {"jsq2",
     [](const View& view, std::size_t row, std::size_t server) {
       const std::size_t count = view.servers();
       const std::size_t first = thrown(view, row);
       const std::size_t second =
           (first + 1 + (view.chance(row) >> 32) % std::max<std::size_t>(count - 1, 1)) % count;
       const auto tasks = static_cast<double>(view.summary(view.lane(row, server)).count);
       return server == first || server == second ? tasks : 1e9;
     }},
    {"sed",
     [](const View& view, std::size_t row, std::size_t server) {
       return (view.mbit(row) + view.summary(view.lane(row, server)).overlap[3]) /
              view.speed(server);
     }},
    {"least-work",
     [](const View& view, std::size_t row, std::size_t server) {
       return (view.mbit(row) + view.summary(view.lane(row, server)).work) / view.speed(server);
     }},
    {"greedy", [](const View& view, std::size_t row,
                  std::size_t server) { return view.cost(view.lane(row, server)); }},
}};

std::array<double, kLinearTerms> terms(const View& view, std::size_t row, std::size_t server) {
  const std::size_t lane = view.lane(row, server);
  const Summary& now = view.summary(lane);
  const Scales& scales = view.scales();
  const double unit = 1 / scales.mean_mbit;
  return {1,
          view.delay(lane),
          static_cast<double>(now.count),
          now.work * unit,
          now.overlap[0] * unit,
          now.overlap[1] * unit,
          now.overlap[2] * unit,
          view.speed(server) / scales.mean_speed,
          scales.joules_per_mbit[server] / scales.mean_joules_per_mbit};
}

}  // namespace

std::unique_ptr<DispatchPolicy> make_baseline(std::string_view name, std::size_t servers) {
  const auto found = std::ranges::find(kNamed, name, &Named::name);
  return found == kNamed.end() ? nullptr : formula(servers, found->price);
}

std::span<const std::string_view> baseline_names() {
  static constexpr auto kNames = [] {
    std::array<std::string_view, kNamed.size()> names;
    for (std::size_t i = 0; i < names.size(); ++i) {
      names[i] = kNamed[i].name;
    }
    return names;
  }();
  return kNames;
}

std::unique_ptr<DispatchPolicy> make_externality(std::size_t servers, double c) {
  return formula(servers, [c](const View& view, std::size_t row, std::size_t server) {
    const std::size_t lane = view.lane(row, server);
    const auto tasks = static_cast<double>(view.summary(lane).count + 1);
    return view.cost(lane) + view.weight(row) * c * tasks * view.mbit(row) / view.speed(server) /
                                 view.scales().delay_s;
  });
}

std::unique_ptr<DispatchPolicy> make_linear(std::size_t servers, std::vector<double> weights) {
  check(weights.size() == kLinearTerms, "a weight for each of the linear policy's terms");
  return formula(servers, [weights = std::move(weights)](const View& view, std::size_t row,
                                                         std::size_t server) {
    const std::size_t lane = view.lane(row, server);
    const auto values = terms(view, row, server);
    double sum = 0;
    for (std::size_t i = 0; i < kLinearTerms; ++i) {
      sum += weights[i] * values[i];
    }
    return view.cost(lane) + static_cast<double>(view.price_scale(lane)) * sum;
  });
}

namespace {

class Iterated final : public DispatchPolicy {
 public:
  explicit Iterated(std::vector<double> loads) : loads_(std::move(loads)) {}
  Detail detail() const override { return Detail::kCosts; }

  void price(const View& view, std::size_t rows, std::span<double> prices) override {
    const double mean = view.scales().mean_mbit;
    for (std::size_t row = 0; row < rows; ++row) {
      const double mbit = view.mbit(row);
      for (std::size_t server = 0; server < loads_.size(); ++server) {
        const double rest = 1 - loads_[server];
        const double gain = loads_[server] / rest;
        view.left(row, server, left_);
        double more = mbit / 2;  // of shared work than the overlap, and half of what it costs alone
        for (const double x : left_) {
          const double u = std::min(x, mbit);
          more += u - mean / rest * (1 - std::exp(-rest * u / mean));
        }
        const std::size_t lane = view.lane(row, server);
        prices[lane] = view.cost(lane) + view.weight(row) * 2 * gain * more / view.speed(server) /
                                             view.scales().delay_s;
      }
    }
  }

 private:
  std::vector<double> loads_;  // by server
  std::vector<double> left_;
};

class StaticSplit final : public DispatchPolicy {
 public:
  explicit StaticSplit(const std::vector<double>& shares) {
    double sum = 0;
    for (const double share : shares) {
      upto_.push_back(sum += share);
    }
  }
  Detail detail() const override { return Detail::kCosts; }
  void price(const View& view, std::size_t rows, std::span<double> prices) override {
    for (std::size_t row = 0; row < rows; ++row) {
      const double at = uniform(view.chance(row)) * upto_.back();
      const auto pick =
          static_cast<std::size_t>(std::ranges::upper_bound(upto_, at) - upto_.begin());
      for (std::size_t server = 0; server < upto_.size(); ++server) {
        prices[row * upto_.size() + server] = chosen(server == std::min(pick, upto_.size() - 1));
      }
    }
  }

 private:
  std::vector<double> upto_;
};

// Keeps the inverse of the design matrix by rank-one updates (Sherman and Morrison).
class LinUcb final : public DispatchPolicy {
 public:
  LinUcb(std::size_t servers, double alpha)
      : servers_(servers), alpha_(alpha), inverse_(kFeatures * kFeatures, 0), b_(kFeatures, 0) {
    for (std::size_t i = 0; i < kFeatures; ++i) {
      inverse_[i * kFeatures + i] = 1;
    }
  }

  Detail detail() const override { return Detail::kAll; }
  void price(const View& view, std::size_t rows, std::span<double> prices) override {
    for (std::size_t row = 0; row < rows; ++row) {
      std::size_t best = 0;
      for (std::size_t server = 0; server < servers_; ++server) {
        const std::size_t lane = view.lane(row, server);
        gather(view, lane);
        multiply();
        double mean = 0;
        double variance = 0;
        for (std::size_t i = 0; i < kFeatures; ++i) {
          mean += product_[i] * b_[i];
          variance += product_[i] * x_[i];
        }
        prices[lane] = mean - alpha_ * std::sqrt(std::max(variance, 0.0));
        best = prices[lane] < prices[view.lane(row, best)] ? server : best;
      }
      learn(view, view.lane(row, best));
    }
  }

 private:
  void gather(const View& view, std::size_t lane) {
    for (std::size_t i = 0; i < kFeatures; ++i) {
      x_[i] = static_cast<double>(view.features()[i * view.stride() + lane]);
    }
  }
  void multiply() {
    for (std::size_t i = 0; i < kFeatures; ++i) {
      product_[i] = 0;
      for (std::size_t j = 0; j < kFeatures; ++j) {
        product_[i] += inverse_[i * kFeatures + j] * x_[j];
      }
    }
  }
  void learn(const View& view, std::size_t lane) {
    gather(view, lane);
    multiply();
    double scale = 1;
    for (std::size_t i = 0; i < kFeatures; ++i) {
      scale += product_[i] * x_[i];
      b_[i] += view.cost(lane) * x_[i];
    }
    for (std::size_t i = 0; i < kFeatures; ++i) {
      for (std::size_t j = 0; j < kFeatures; ++j) {
        inverse_[i * kFeatures + j] -= product_[i] * product_[j] / scale;
      }
    }
  }

  std::size_t servers_;
  double alpha_;
  std::vector<double> inverse_, b_;
  std::array<double, kFeatures> x_{}, product_{};
};

}  // namespace

std::unique_ptr<DispatchPolicy> make_iterated(const Context& context, double w, double load) {
  check(load >= 0 && load < 1, "an effective load is from 0 to below 1");
  Context offered = context;
  offered.load = load;
  std::vector<double> loads =
      load > 0 ? best_split(offered, w) : std::vector<double>(context.servers(), 0);
  for (std::size_t server = 0; server < loads.size(); ++server) {
    loads[server] =
        std::min(loads[server] * load * context.total_speed() / context.speed[server], 0.98);
  }
  return std::make_unique<Iterated>(std::move(loads));
}

std::unique_ptr<DispatchPolicy> make_linucb(std::size_t servers, double alpha) {
  return std::make_unique<LinUcb>(servers, alpha);
}

// Server i with a share p of the work has the load r = p R / s_i (R: work a second), and on average
// r / (1 - r) tasks, which by Little's law is its delay per second. The marginal cost of its share,
//   w / D0 x (R / s) / (1 - r)^2 + (1 - w) / E0 x R e,
// is the same on all servers that are used; that level is found by bisection. Loads stay below 1 by
// a hair, so that a fleet that is offered more than it can do still has an answer.
std::vector<double> best_split(const Context& context, double w) {
  const Scales scales(context);
  constexpr double kFullest = 0.995;
  const double offered = std::min(context.load, kFullest) * context.total_speed();
  const auto work_at = [&](double level, std::size_t server) {
    const double energy = (1 - w) / scales.energy_j * scales.joules_per_mbit[server];
    const double delay = w / scales.delay_s / context.speed[server];
    if (level <= energy + delay) {
      return 0.0;
    }
    return context.speed[server] * std::min(kFullest, 1 - std::sqrt(delay / (level - energy)));
  };
  double low = 0;
  double high = 1e9;
  for (int i = 0; i < 200; ++i) {
    const double level = (low + high) / 2;
    double sum = 0;
    for (std::size_t server = 0; server < context.servers(); ++server) {
      sum += work_at(level, server);
    }
    (sum < offered ? low : high) = level;
  }
  std::vector<double> shares;
  double sum = 0;
  for (std::size_t server = 0; server < context.servers(); ++server) {
    shares.push_back(work_at(high, server));
    sum += shares.back();
  }
  for (double& share : shares) {
    share /= sum;
  }
  return shares;
}

std::unique_ptr<DispatchPolicy> make_static_split(const Context& context, double w) {
  return std::make_unique<StaticSplit>(best_split(context, w));
}

}  // namespace skerry::rl::gmorl
