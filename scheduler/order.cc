#include "scheduler/order.h"

#include <algorithm>

namespace skerry::scheduler {

namespace {

constexpr std::size_t kMostLevels = 32;  // of a tree whose places are numbered by 32 bits

}  // namespace

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

void OrderWalk::start() { size_ = 0; }

void OrderWalk::make_room(std::size_t parts) {
  if (bests_.size() < size_ + parts) {
    bests_.resize(2 * (size_ + parts));
    parts_.resize(bests_.size());
  }
}

void OrderWalk::push(Ranked best, Part part) {
  bests_[size_] = best;
  parts_[size_] = part;
  size_ += best != kUnranked ? 1 : 0;
}

void OrderWalk::add(const Order& order) {
  make_room(1);
  push(order.best(), {&order, 1});
}

Ranked OrderWalk::next() {
  if (size_ == 0) {
    return kUnranked;
  }
  const auto first = bests_.begin();
  const auto top = std::min_element(first, first + static_cast<std::ptrdiff_t>(size_)) - first;
  const Ranked best = bests_[static_cast<std::size_t>(top)];
  const Part part = parts_[static_cast<std::size_t>(top)];
  --size_;
  bests_[static_cast<std::size_t>(top)] = bests_[size_];
  parts_[static_cast<std::size_t>(top)] = parts_[size_];

  make_room(kMostLevels);
  const Order& order = *part.order;
  // Down to the leaf that won; what lost against it on the way is what may come next.
  for (std::uint32_t place = part.place; place < order.leaves_;) {
    place *= 2;
    place += order.tree_[place] == best ? 0 : 1;
    push(order.tree_[place ^ 1], {&order, place ^ 1});
  }
  return best;
}

}  // namespace skerry::scheduler
