#include "rl/report/pareto.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace skerry::rl {

namespace {

bool dominates(const Point& a, const Point& b) {
  return a.x <= b.x && a.y <= b.y && (a.x < b.x || a.y < b.y);
}

}  // namespace

std::vector<Point> front_of(std::span<const Point> points) {
  std::vector<Point> sorted(points.begin(), points.end());
  std::ranges::sort(sorted, {}, [](const Point& p) { return std::pair(p.x, p.y); });
  std::vector<Point> front;
  double least = std::numeric_limits<double>::infinity();
  for (const Point& point : sorted) {
    if (point.y < least) {
      least = point.y;
      front.push_back(point);
    }
  }
  return front;
}

double hypervolume(std::span<const Point> points, Point reference) {
  double area = 0;
  double above = reference.y;
  for (const Point& point : front_of(points)) {
    if (point.x < reference.x && point.y < above) {
      area += (reference.x - point.x) * (above - point.y);
      above = point.y;
    }
  }
  return area;
}

double non_dominated_share(std::span<const Point> points) {
  std::size_t kept = 0;
  for (const Point& point : points) {
    kept +=
        std::ranges::none_of(points, [&](const Point& other) { return dominates(other, point); })
            ? 1
            : 0;
  }
  return points.empty() ? 1 : static_cast<double>(kept) / static_cast<double>(points.size());
}

double worst_rise(std::span<const Point> by_weight) {
  double worst = 0;
  for (std::size_t i = 1; i < by_weight.size(); ++i) {
    worst = std::max(worst, by_weight[i].x / by_weight[i - 1].x - 1);
  }
  return worst;
}

}  // namespace skerry::rl
