// chart.h: a line chart as SVG, without a script: several series of points with optional bands, on
// linear or logarithmic axes, or over categories.

#pragma once

#include <string>
#include <vector>

namespace skerry::rl {

struct ChartPoint {
  double x = 0;
  double y = 0;
  double band = 0;  // y +- band
};

struct Series {
  std::string name;
  std::vector<ChartPoint> points;
  bool strong = false;  // drawn wider and on top
};

struct Chart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Series> series;
  std::vector<std::string> categories;  // if given, x counts them from 0
  bool log_x = false;                   // x > 0
  bool zero_line = false;
};

// Width and height in pixels are fixed; points that are not finite are left out.
std::string to_svg(const Chart& chart);

}  // namespace skerry::rl
