// pareto.h: indicators of a front of two objectives, both to be made small.

#pragma once

#include <span>
#include <vector>

namespace skerry::rl {

struct Point {
  double x = 0;
  double y = 0;
};

// The points that no other dominates, from small to large x; equal points once.
std::vector<Point> front_of(std::span<const Point> points);

// The area that the points dominate up to the reference, in x times y; what lies beyond the reference
// in any objective counts nothing.
double hypervolume(std::span<const Point> points, Point reference);

// The share of the points that no other dominates; of equal ones all count. 1 if there are none.
double non_dominated_share(std::span<const Point> points);

// Points of rising weight on x: by how much x at most rises from one to the next, relative to x; 0 if
// it never does.
double worst_rise(std::span<const Point> by_weight);

}  // namespace skerry::rl
