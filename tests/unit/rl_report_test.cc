// Statistics, fronts and reports against hand-computed cases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/random.h"
#include "rl/report/chart.h"
#include "rl/report/html.h"
#include "rl/report/pareto.h"
#include "rl/report/result.h"
#include "rl/report/statistics.h"

namespace skerry::rl {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Statistics, TheMeanOfFourHasStudentsInterval) {
  const std::vector<double> values = {1, 2, 3, 4};
  const Estimate mean = mean_of(values);
  EXPECT_DOUBLE_EQ(mean.value, 2.5);
  // Deviation sqrt(5/3), error sqrt(5/12), t of 3 degrees of freedom 3.182446.
  EXPECT_NEAR(mean.ci95, 3.182446 * std::sqrt(5.0 / 12), 1e-5);
  EXPECT_NEAR(t_quantile(1), 12.7062, 1e-4);
  EXPECT_NEAR(t_quantile(1'000'000), 1.95997, 1e-4);
}

TEST(Statistics, OneValueHasNoInterval) {
  EXPECT_TRUE(std::isinf(mean_of(std::vector<double>{7}).ci95));
}

TEST(Statistics, AConstantRatioHasAnIntervalOfNothing) {
  const std::vector<double> theirs = {10, 20, 40};
  const std::vector<double> ours = {9, 18, 36};
  const Estimate change = paired_change(ours, theirs);
  EXPECT_NEAR(change.value, -10, 1e-12);
  EXPECT_NEAR(change.ci95, 0, 1e-9);
}

TEST(Statistics, APairedChangeIsThatOfTheMeansAndFarSharperThanTheMeansAreKnown) {
  const std::vector<double> theirs = {100, 200, 300, 400};
  const std::vector<double> ours = {91, 179, 271, 359};
  const Estimate change = paired_change(ours, theirs);
  EXPECT_NEAR(change.value, 100 * (225.0 / 250 - 1), 1e-12);
  // Residuals in % of 250: 1, -1, 1, -1 over 2.5; deviation sqrt(4/3)/2.5, four of them.
  EXPECT_NEAR(change.ci95, 3.182446 * std::sqrt(4.0 / 3) / 2.5 / 2, 1e-5);
}

TEST(Statistics, TheIntervalHoldsTheTruthNineteenTimesOfTwenty) {
  Random random(7);
  int held = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<double> ours, theirs;
    for (int k = 0; k < 30; ++k) {
      const double common = random.exponential(1) + 0.5;
      theirs.push_back(common);
      ours.push_back(0.9 * common + random.normal(0, 0.05));
    }
    const Estimate change = paired_change(ours, theirs);
    held += std::abs(change.value + 10) <= change.ci95 ? 1 : 0;
  }
  EXPECT_NEAR(held / 2000.0, 0.95, 0.02);
}

TEST(Statistics, QuantilesInterpolate) {
  std::vector<double> values = {4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 4);
  EXPECT_DOUBLE_EQ(quantile(values, 0.5), 2.5);
}

TEST(Pareto, TheHypervolumeIsTheAreaOfTheStairs) {
  const std::vector<Point> points = {{1, 3}, {2, 1}};
  // Up to (4, 4): 3 x 1 + 2 x 2.
  EXPECT_DOUBLE_EQ(hypervolume(points, {4, 4}), 7);
  EXPECT_DOUBLE_EQ(hypervolume(std::vector<Point>{}, {4, 4}), 0);
}

TEST(Pareto, DominatedEqualAndFarPointsAddNothing) {
  const std::vector<Point> points = {{1, 3}, {2, 1}, {2, 3}, {1, 3}, {5, 0.5}, {0.5, 9}};
  EXPECT_DOUBLE_EQ(hypervolume(points, {4, 4}), 7);
  EXPECT_EQ(front_of(points).size(), 4u);
}

TEST(Pareto, SharesOfPointsThatNothingDominates) {
  EXPECT_DOUBLE_EQ(non_dominated_share(std::vector<Point>{{1, 3}, {2, 1}, {2, 3}, {3, 3}}), 0.5);
  EXPECT_DOUBLE_EQ(non_dominated_share(std::vector<Point>{{1, 1}, {1, 1}}), 1);
}

TEST(Pareto, MoreWeightMustNotMakeItWorse) {
  EXPECT_DOUBLE_EQ(worst_rise(std::vector<Point>{{10, 1}, {9, 2}, {9, 2}, {4, 3}}), 0);
  EXPECT_NEAR(worst_rise(std::vector<Point>{{10, 1}, {8, 2}, {10, 2}}), 0.25, 1e-12);
}

SuiteResult demo_result() {
  SuiteResult result{.suite = "demo", .commit = "abc"};
  result.add("greedy", "T100 0.01", {-1.5, 0.25});
  result.add("learned", "T100 0.01", {std::numeric_limits<double>::infinity(), 0});
  result.checks.push_back({.name = "small", .asked = 1, .aim = 0, .measured = 0.5});
  result.checks.push_back({.name = "fast", .asked = 3, .aim = 9, .measured = 2, .at_most = false});
  return result;
}

TEST(Report, JsonHoldsPoliciesWithIntervalsAndChecks) {
  const boost::json::object json = to_json(demo_result());
  const auto& greedy = json.at("policies").at("greedy").as_object();
  EXPECT_EQ(greedy.at("T100 0.01").as_double(), -1.5);
  EXPECT_EQ(greedy.at("ci95").at("T100 0.01").as_double(), 0.25);
  EXPECT_TRUE(json.at("policies").at("learned").at("T100 0.01").is_null());  // JSON has no infinity
  EXPECT_TRUE(json.at("checks").at(0).at("ok").as_bool());
  EXPECT_FALSE(json.at("checks").at(1).at("ok").as_bool());
}

TEST(Report, TextHasARowForEachPolicyAndCheck) {
  const SuiteResult result = demo_result();
  EXPECT_THAT(metrics_text(result, "T100"), HasSubstr("greedy   -1.50 +-0.25"));
  EXPECT_THAT(checks_text(result), HasSubstr("1 of 2 met"));
  EXPECT_THAT(checks_text(result), HasSubstr("MISSED"));
}

TEST(Report, PagesAndChartsEscapeTheirTexts) {
  HtmlPage page("a < b");
  page.table({{"<policy>", "x"}, {"greedy", "1"}});
  EXPECT_THAT(page.text(), HasSubstr("a &lt; b"));
  EXPECT_THAT(page.text(), HasSubstr("<th>&lt;policy&gt;</th>"));
}

TEST(Report, AChartLeavesOutWhatIsNotFinite) {
  Chart chart{
      .title = "A & B",
      .series = {{.name = "one", .points = {{1, 2, 0.5}, {2, std::nan(""), 0}, {3, 4, 0.5}}}}};
  const std::string svg = to_svg(chart);
  EXPECT_THAT(svg, HasSubstr("A &amp; B"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  chart.log_x = true;
  chart.series[0].points.push_back({0, 1, 0});
  EXPECT_THAT(to_svg(chart), Not(HasSubstr("inf")));
  EXPECT_THAT(to_svg({.title = "empty"}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace skerry::rl
