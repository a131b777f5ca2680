#include "rl/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "rl/report/html.h"

namespace skerry::rl {

namespace {

constexpr double kWidth = 860, kHeight = 460;
constexpr double kLeft = 70, kRight = 210, kTop = 40, kBottom = 60;
constexpr int kTicks = 6;

constexpr const char* kStrong = "#c00028";
// Told apart by people who see few colours too (Okabe and Ito), then once more, dashed.
constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                 "#e69f00", "#56b4e9", "#555555", "#b8a800"};

struct Axis {
  double low = 0, high = 1;
  bool logarithmic = false;
  double place(double value) const {  // 0 to 1
    return logarithmic ? std::log(value / low) / std::log(high / low)
                       : (value - low) / (high - low);
  }
};

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) { measure(); }

  std::string draw() {
    svg_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
        "fill=\"white\"/>\n<text x=\"{}\" y=\"22\" font-size=\"15\">{}</text>\n",
        kWidth, kHeight, kWidth, kLeft, escaped(chart_.title));
    draw_axes();
    for (const bool strong : {false, true}) {
      for (std::size_t i = 0; i < chart_.series.size(); ++i) {
        if (chart_.series[i].strong == strong) {
          draw_series(i);
        }
      }
    }
    return svg_ + "</svg>\n";
  }

 private:
  void measure() {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    x_ = {kInfinity, -kInfinity, chart_.log_x};
    y_ = {kInfinity, -kInfinity, false};
    for (const Series& series : chart_.series) {
      for (const ChartPoint& point : series.points) {
        if (usable(point)) {
          x_.low = std::min(x_.low, point.x);
          x_.high = std::max(x_.high, point.x);
          y_.low = std::min(y_.low, point.y - point.band);
          y_.high = std::max(y_.high, point.y + point.band);
        }
      }
    }
    if (chart_.zero_line) {
      y_.low = std::min(y_.low, 0.0);
      y_.high = std::max(y_.high, 0.0);
    }
    widen(x_, chart_.log_x ? 0 : 0.02);
    widen(y_, 0.05);
  }
  static void widen(Axis& axis, double share) {
    if (!(axis.low <= axis.high)) {
      axis.low = axis.logarithmic ? 1 : 0;
      axis.high = axis.low + 1;
    }
    const double room = share * (axis.high - axis.low);
    axis.low -= room;
    axis.high += room;
    if (axis.low == axis.high) {
      axis.high = axis.low == 0 ? 1 : axis.low + std::abs(axis.low);
    }
  }
  bool usable(const ChartPoint& point) const {
    return std::isfinite(point.x) && std::isfinite(point.y) && std::isfinite(point.band) &&
           (!chart_.log_x || point.x > 0);
  }
  double px(double x) const { return kLeft + x_.place(x) * (kWidth - kLeft - kRight); }
  double py(double y) const { return kHeight - kBottom - y_.place(y) * (kHeight - kTop - kBottom); }

  void line(double x1, double y1, double x2, double y2, const char* colour) {
    svg_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1,
        x2, y2, colour);
  }
  void text(double x, double y, const char* anchor, const std::string& words) {
    svg_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y,
                        anchor, escaped(words));
  }

  static std::vector<double> ticks(const Axis& axis) {
    std::vector<double> at;
    const auto add = [&](double tick) {
      const double slack = 1e-9 * (axis.high - axis.low);
      if (tick >= axis.low - slack && tick <= axis.high + slack) {
        at.push_back(std::abs(tick) < slack ? 0 : tick);
      }
    };
    if (axis.logarithmic) {
      const auto first = static_cast<int>(std::floor(std::log10(axis.low)));
      const auto last = static_cast<int>(std::floor(std::log10(axis.high)));
      for (int decade = first; decade <= last; ++decade) {
        add(std::pow(10, decade));
        add(3 * std::pow(10, decade));
      }
      return at;
    }
    const double rough = (axis.high - axis.low) / kTicks;
    const double decade = std::pow(10, std::floor(std::log10(rough)));
    const double lead = rough / decade;
    const double step = decade * (lead < 1.5 ? 1 : (lead < 3.5 ? 2 : (lead < 7.5 ? 5 : 10)));
    const double first = std::ceil(axis.low / step);
    for (int i = 0; i <= 2 * kTicks; ++i) {
      add((first + i) * step);
    }
    return at;
  }

  void draw_axes() {
    for (const double tick : ticks(y_)) {
      line(kLeft, py(tick), kWidth - kRight, py(tick), tick == 0 ? "#888" : "#e4e4e4");
      text(kLeft - 8, py(tick) + 4, "end", fmt::format("{:g}", tick));
    }
    if (chart_.categories.empty()) {
      for (const double tick : ticks(x_)) {
        line(px(tick), kTop, px(tick), kHeight - kBottom, "#e4e4e4");
        text(px(tick), kHeight - kBottom + 18, "middle", fmt::format("{:g}", tick));
      }
    }
    for (std::size_t i = 0; i < chart_.categories.size(); ++i) {
      text(px(static_cast<double>(i)), kHeight - kBottom + 18, "middle", chart_.categories[i]);
    }
    line(kLeft, kTop, kLeft, kHeight - kBottom, "#333");
    line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "#333");
    text(kLeft + (kWidth - kLeft - kRight) / 2, kHeight - 16, "middle", chart_.x_label);
    svg_ += fmt::format(
        "<text transform=\"translate(18,{:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
        kTop + (kHeight - kTop - kBottom) / 2, escaped(chart_.y_label));
  }

  void draw_series(std::size_t number) {
    const Series& series = chart_.series[number];
    const char* colour = series.strong ? kStrong : kColours[number % kColours.size()];
    const bool again = number >= kColours.size() && !series.strong;
    const char* dash = again ? " stroke-dasharray=\"5 3\"" : "";
    std::string path, upper, lower, marks;
    for (const ChartPoint& point : series.points) {
      if (!usable(point)) {
        continue;
      }
      const double x = px(point.x);
      path += fmt::format("{:.1f},{:.1f} ", x, py(point.y));
      upper += fmt::format("{:.1f},{:.1f} ", x, py(point.y + point.band));
      lower.insert(0, fmt::format("{:.1f},{:.1f} ", x, py(point.y - point.band)));
      marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\"/>", x,
                           py(point.y), series.strong ? 3.5 : 2.5, colour);
    }
    svg_ += fmt::format("<polygon points=\"{}{}\" fill=\"{}\" fill-opacity=\"0.13\"/>\n", upper,
                        lower, colour);
    svg_ += fmt::format(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{}/>{}\n", path,
        colour, series.strong ? 2.6 : 1.3, dash, marks);
    const double y = kTop + 8 + 18 * static_cast<double>(number);
    svg_ += fmt::format(
        "<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{2:.1f}\" y2=\"{1:.1f}\" stroke=\"{3}\" "
        "stroke-width=\"2.5\"{4}/>\n",
        kWidth - kRight + 14, y, kWidth - kRight + 40, colour, dash);
    text(kWidth - kRight + 46, y + 4, "start", series.name);
  }

  const Chart& chart_;
  Axis x_, y_;
  std::string svg_;
};

}  // namespace

std::string to_svg(const Chart& chart) { return Drawing(chart).draw(); }

}  // namespace skerry::rl
