#include "rl/gmorl/servers.h"

#include <algorithm>

#include "scheduler/sharing.h"

namespace skerry::rl::gmorl {

namespace {

// 1 / tasks, which is multiplied with faster than divided by; [0] is of no use.
constexpr auto kInverse = [] {
  std::array<double, 64> inverse{};
  for (std::size_t tasks = 1; tasks < inverse.size(); ++tasks) {
    inverse[tasks] = 1 / static_cast<double>(tasks);
  }
  return inverse;
}();

}  // namespace

Servers::Servers(const Context& context, std::size_t rows)
    : context_(&context),
      rows_(rows),
      servers_(context.servers()),
      count_(rows * servers_),
      virtual_mbit_(rows * servers_),
      mark_(rows * servers_ * capacity_) {}

void Servers::grow() {
  std::vector<double> wider(mark_.size() * 2);
  for (std::size_t i = 0; i < count_.size(); ++i) {
    std::copy_n(mark_.begin() + static_cast<std::ptrdiff_t>(i * capacity_), count_[i],
                wider.begin() + static_cast<std::ptrdiff_t>(i * capacity_ * 2));
  }
  mark_ = std::move(wider);
  capacity_ *= 2;
}

void Servers::join(std::size_t row, std::size_t server, double mbit) {
  const std::size_t i = at(row, server);
  if (count_[i] == capacity_) {
    grow();
  }
  double* marks = &mark_[i * capacity_];
  if (count_[i] == 0) {
    virtual_mbit_[i] = 0;
  }
  const double mark = virtual_mbit_[i] + mbit;
  std::uint32_t place = count_[i]++;
  for (; place > 0 && marks[place - 1] < mark; --place) {
    marks[place] = marks[place - 1];
  }
  marks[place] = mark;
}

void Servers::advance(std::size_t row, double seconds) {
  const auto share = [](double budget, std::uint32_t tasks) {
    return tasks < kInverse.size() ? budget * kInverse[tasks] : budget / tasks;
  };
  for (std::size_t server = 0; server < servers_; ++server) {
    const std::size_t i = at(row, server);
    const double* marks = &mark_[i * capacity_];
    double budget = seconds * context_->speed[server];  // work that the server can do
    while (count_[i] > 0) {
      const double needed = (marks[count_[i] - 1] - virtual_mbit_[i]) * count_[i];
      if (needed > budget) {
        virtual_mbit_[i] += share(budget, count_[i]);
        break;
      }
      budget -= needed;
      virtual_mbit_[i] = marks[--count_[i]];
    }
  }
}

void Servers::copy(std::size_t to, const Servers& from, std::size_t from_row) {
  while (capacity_ < from.capacity_) {
    grow();
  }
  for (std::size_t server = 0; server < servers_; ++server) {
    const std::size_t i = at(to, server);
    const std::size_t j = from.at(from_row, server);
    count_[i] = from.count_[j];
    virtual_mbit_[i] = from.virtual_mbit_[j];
    std::copy_n(&from.mark_[j * from.capacity_], from.count_[j], &mark_[i * capacity_]);
  }
}

void Servers::clear(std::size_t row) {
  std::fill_n(count_.begin() + static_cast<std::ptrdiff_t>(at(row, 0)), servers_, 0u);
}

double Servers::work(std::size_t row, std::size_t server) const {
  const std::size_t i = at(row, server);
  const double* marks = &mark_[i * capacity_];
  double sum = 0;
  for (std::uint32_t task = 0; task < count_[i]; ++task) {
    sum += marks[task];
  }
  return sum - count_[i] * virtual_mbit_[i];
}

double Servers::overlap(std::size_t row, std::size_t server, double mbit) const {
  const std::size_t i = at(row, server);
  // Marks instead of work left: one subtraction for all.
  const double v = virtual_mbit_[i];
  return scheduler::shared_overlap({&mark_[i * capacity_], count_[i]}, v + mbit) - count_[i] * v;
}

void Servers::overlaps(std::size_t row, double mbit, double* overlaps) const {
  for (std::size_t server = 0; server < servers_; ++server) {
    overlaps[server] = overlap(row, server, mbit);
  }
}

Servers::Summary Servers::summary(std::size_t row, std::size_t server,
                                  const std::array<double, kSizes>& mbit) const {
  const std::size_t i = at(row, server);
  const double* marks = &mark_[i * capacity_];
  const double v = virtual_mbit_[i];
  Summary summary{.count = count_[i]};
  for (std::uint32_t task = 0; task < count_[i]; ++task) {
    const double x = marks[task] - v;
    summary.work += x;
    for (std::size_t size = 0; size < kSizes; ++size) {
      summary.overlap[size] += std::min(x, mbit[size]);
    }
  }
  return summary;
}

void Servers::left(std::size_t row, std::size_t server, std::vector<double>& left) const {
  const std::size_t i = at(row, server);
  left.assign(&mark_[i * capacity_], &mark_[i * capacity_] + count_[i]);
  for (double& x : left) {
    x -= virtual_mbit_[i];
  }
}

double Servers::marginal_s(std::size_t row, std::size_t server, double mbit) const {
  return scheduler::marginal_delay_s(mbit, overlap(row, server, mbit), context_->speed[server]);
}

}  // namespace skerry::rl::gmorl
