#include "scheduler/order.h"

#include <algorithm>

namespace skerry::scheduler {

void Order::grow(std::uint32_t slots) {
  if (slots <= leaves_) {
    return;
  }
  const std::uint32_t leaves = std::bit_ceil(slots);
  std::vector<Ranked> tree(2 * static_cast<std::size_t>(leaves), kUnranked);
  std::copy(tree_.begin() + leaves_, tree_.end(), tree.begin() + leaves);
  for (std::uint32_t place = leaves - 1; place > 0; --place) {
    tree[place] = std::min(tree[2 * place], tree[2 * place + 1]);
  }
  leaves_ = leaves;
  tree_ = std::move(tree);
}

void Order::set(std::uint32_t slot, Ranked entry) {
  std::uint32_t place = leaves_ + slot;
  tree_[place] = entry;
  while (place > 1) {
    const Ranked better = std::min(tree_[place], tree_[place ^ 1]);
    place /= 2;
    if (tree_[place] == better) {
      return;
    }
    tree_[place] = better;
  }
}

void OrderWalk::start() {
  bests_.clear();
  parts_.clear();
}

void OrderWalk::push(Ranked best, const Order* order, std::uint32_t place) {
  if (best != kUnranked) {
    bests_.push_back(best);
    parts_.push_back({order, place});
  }
}

void OrderWalk::add(const Order& order) { push(order.best(), &order, 1); }

Ranked OrderWalk::next() {
  if (bests_.empty()) {
    return kUnranked;
  }
  const auto top = static_cast<std::size_t>(std::ranges::min_element(bests_) - bests_.begin());
  const Ranked best = bests_[top];
  const Part part = parts_[top];
  bests_[top] = bests_.back();
  bests_.pop_back();
  parts_[top] = parts_.back();
  parts_.pop_back();
  const std::vector<Ranked>& tree = part.order->tree_;
  // Down to the leaf that won; what lost against it on the way is what may come next.
  for (std::uint32_t place = part.place; place < part.order->leaves_;) {
    place *= 2;
    if (tree[place] != best) {
      ++place;
    }
    push(tree[place ^ 1], part.order, place ^ 1);
  }
  return best;
}

}  // namespace skerry::scheduler
