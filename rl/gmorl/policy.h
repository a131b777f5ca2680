// policy.h: a policy of the dispatch problem prices the servers of many rows at once; the cheapest
// is chosen.

#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "rl/gmorl/view.h"
#include "rl/net/choose.h"
#include "rl/net/mlp.h"

namespace skerry::rl::gmorl {

class DispatchPolicy {
 public:
  virtual ~DispatchPolicy() = default;
  // Writes a price per lane of the first `rows` rows of the view; smaller is better, infinity
  // forbids.
  virtual void price(const View& view, std::size_t rows, std::span<double> prices) = 0;
  virtual Detail detail() const = 0;  // what it needs of the view
  // Writes the cheapest server of each row; the smaller number of equal ones.
  virtual void choose(const View& view, std::size_t rows, std::span<std::size_t> servers);

 private:
  std::vector<double> prices_;
};

// The exact cost and nothing else.
class GreedyPolicy final : public DispatchPolicy {
 public:
  explicit GreedyPolicy(std::size_t servers) : servers_(servers) {}
  Detail detail() const override { return Detail::kCosts; }
  void choose(const View& view, std::size_t rows, std::span<std::size_t> servers) override;
  void price(const View& view, std::size_t rows, std::span<double> prices) override;

 private:
  std::size_t servers_;
};

// The exact cost and the network's shadow prices of a unit of service time, one for delay and one
// for energy, within the guard.
class PricedPolicy final : public DispatchPolicy {
 public:
  PricedPolicy(const Mlp& network, std::size_t servers) : network_(&network), servers_(servers) {}
  Detail detail() const override { return Detail::kAll; }
  void price(const View& view, std::size_t rows, std::span<double> prices) override;

 private:
  const Mlp* network_;
  std::size_t servers_;
  std::vector<float> outputs_;
};

}  // namespace skerry::rl::gmorl
