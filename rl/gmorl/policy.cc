#include "rl/gmorl/policy.h"

namespace skerry::rl::gmorl {

void DispatchPolicy::choose(const View& view, std::size_t rows, std::span<std::size_t> servers) {
  const std::size_t count = view.servers();
  prices_.resize(rows * count);
  price(view, rows, prices_);
  for (std::size_t row = 0; row < rows; ++row) {
    servers[row] = cheapest(std::span(prices_).subspan(row * count, count));
  }
}

// The view knows already.
void GreedyPolicy::choose(const View& view, std::size_t rows, std::span<std::size_t> servers) {
  for (std::size_t row = 0; row < rows; ++row) {
    servers[row] = view.greedy(row);
  }
}

void GreedyPolicy::price(const View& view, std::size_t rows, std::span<double> prices) {
  for (std::size_t lane = 0; lane < rows * servers_; ++lane) {
    prices[lane] = view.cost(lane);
  }
}

void PricedPolicy::price(const View& view, std::size_t rows, std::span<double> prices) {
  // Only as many lanes as are in use; the view may have room for more.
  const std::size_t stride = view.stride();
  outputs_.resize(2 * stride);
  network_->forward(view.features(), outputs_, stride, Mlp::padded(rows * servers_));
  for (std::size_t row = 0; row < rows; ++row) {
    const auto w = static_cast<float>(view.weight(row));
    for (std::size_t server = 0; server < servers_; ++server) {
      const std::size_t lane = row * servers_ + server;
      const float priced = w * outputs_[lane] + (1 - w) * outputs_[stride + lane];
      prices[lane] = view.allowed(row, server)
                         ? view.cost(lane) + static_cast<double>(view.price_scale(lane) * priced)
                         : std::numeric_limits<double>::infinity();
    }
  }
}

}  // namespace skerry::rl::gmorl
