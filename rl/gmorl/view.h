// view.h: what a policy sees of a dispatch: the exact cost of every server, and features of the
// servers and of the fleet, all free of units, so that one network serves every fleet.
//
// Scales of a context: D0, the time that a task of mean size takes alone at the mean speed, and E0,
// the energy of such a task at the mean energy per bit. An exchange rate lambda (J/s, what a second
// of delay is worth in joules) becomes the weight w = lambda D0 / (lambda D0 + E0), and a server's
// exact cost is
//   w x (upload + marginal delay) / D0 + (1 - w) x energy / E0.
//
// A lane is one server of one row. Features stand as [feature][lane].

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "rl/gmorl/servers.h"
#include "rl/gmorl/tape.h"

namespace skerry::rl::gmorl {

// Changes whenever a feature does: a network is of no use with others than it was trained on.
constexpr std::string_view kFeatureSchema = "gmorl/2";
constexpr std::size_t kServerFeatures = 12;
constexpr std::size_t kFleetFeatures = 16;
constexpr std::size_t kFeatures = kServerFeatures + kFleetFeatures;

// What a policy is told of a context, and the scales that follow.
struct Scales {
  explicit Scales(const Context& context);

  double mean_mbit, mean_speed, mean_joules_per_mbit;
  double delay_s, energy_j;  // D0, E0
  double load;
  std::vector<double> joules_per_mbit, inverse_speed;  // by server
  std::vector<float> log_speed, log_joules;            // relative to the means

  double weight(double lambda) const;  // w; lambda may be infinite
};

struct Cost {
  double delay_s = 0;
  double energy_j = 0;
};

// The exact cost of dispatching to a server.
Cost cost_of(const Servers& servers, std::size_t row, std::size_t server, const Dispatch& dispatch,
             const Scales& scales);

// What is on a server.
struct Summary {
  std::size_t count = 0;
  double work = 0;
  std::array<double, Servers::kSizes> overlap{};
};

// How much of the servers a policy looks at; each holds the ones before.
enum class Detail : std::uint8_t { kCosts, kSummaries, kAll };

class View {
 public:
  View(const Context& context, const Scales& scales) : context_(&context), scales_(&scales) {}

  // Makes room, forgets what was there.
  void start(std::size_t rows, Detail detail = Detail::kAll);
  // Looks at a row's servers; finish() once after all rows. remaining: steps left; policies are told
  // of them only if the context gives the horizon, and of those gone by always.
  void look(std::size_t row, const Servers& servers, std::size_t servers_row,
            const Dispatch& dispatch, double w, int remaining);
  void finish(std::size_t rows);

  std::size_t stride() const { return stride_; }
  std::span<const float> features() const { return features_; }
  std::size_t lane(std::size_t row, std::size_t server) const {
    return row * context_->servers() + server;
  }
  double cost(std::size_t lane) const { return cost_[lane]; }  // w delay / D0 + (1 - w) energy / E0
  double delay(std::size_t lane) const { return delay_[lane]; }    // / D0
  double energy(std::size_t lane) const { return energy_[lane]; }  // / E0
  // What is on the server; overlap[3] is with this task, the others with tasks of a quarter, one and
  // three times the mean size.
  const Summary& summary(std::size_t lane) const { return summaries_[lane]; }
  // What is left of each task on the server, as it stands now: ask before the servers change.
  void left(std::size_t row, std::size_t server, std::vector<double>& left) const {
    sources_[row].servers->left(sources_[row].row, server, left);
  }
  double speed(std::size_t server) const { return context_->speed[server]; }
  const Scales& scales() const { return *scales_; }
  double mbit(std::size_t row) const { return mbit_[row]; }
  std::uint32_t number(std::size_t row) const { return number_[row]; }
  std::uint64_t chance(std::size_t row) const { return chance_[row]; }
  std::size_t servers() const { return context_->servers(); }
  // What a network's prices are multiplied by: zero for an empty task, larger on a slower server.
  float price_scale(std::size_t lane) const { return price_scale_[lane]; }
  double weight(std::size_t row) const { return weight_[row]; }
  std::size_t greedy(std::size_t row) const { return greedy_[row]; }
  // Only servers of an exact cost up to best + 4 w x (delay of the best) may be chosen.
  bool allowed(std::size_t row, std::size_t server) const {
    return cost_[lane(row, server)] <= limit_[row];
  }

 private:
  const Context* context_;
  const Scales* scales_;
  struct Source {
    const Servers* servers = nullptr;
    std::size_t row = 0;
  };
  std::vector<Source> sources_;  // by row
  void price(std::size_t row, const Dispatch& dispatch, const double* overlap);
  void summarise(std::size_t row, std::size_t lanes, int remaining);
  void describe_servers(std::size_t row);
  void describe_fleet(std::size_t row, const Dispatch& dispatch, int remaining);

  Detail detail_ = Detail::kAll;
  std::size_t stride_ = 0;
  std::vector<float> features_, price_scale_;
  std::vector<double> cost_, delay_, energy_, weight_, limit_, mbit_;
  std::vector<Summary> summaries_;
  std::vector<double> scratch_;
  std::vector<std::uint32_t> number_;
  std::vector<std::uint64_t> chance_;
  std::vector<std::size_t> greedy_;
};

}  // namespace skerry::rl::gmorl
