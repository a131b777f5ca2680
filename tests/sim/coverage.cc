#include "tests/sim/coverage.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::sim {

std::string name_of(const Transition& transition) {
  return fmt::format("{}>{}", transition.from ? to_string(*transition.from) : "NEW",
                     to_string(transition.to));
}

bool Coverage::count(const Transition& transition, const FaultSet& faults) {
  const auto row = std::ranges::find(kTransitions, transition);
  if (row == kTransitions.end()) {
    return false;
  }
  auto& cells = cells_[static_cast<std::size_t>(row - kTransitions.begin())];
  for (std::size_t fault = 0; fault < kFaultKinds; ++fault) {
    cells[fault] += faults[fault] ? 1 : 0;
  }
  return true;
}

void Coverage::add(const Coverage& other) {
  for (std::size_t row = 0; row < cells_.size(); ++row) {
    for (std::size_t fault = 0; fault < kFaultKinds; ++fault) {
      cells_[row][fault] += other.cells_[row][fault];
    }
  }
}

namespace {

// An object of objects; cell(row, fault) is the value, or empty for none.
template <typename Cell>
std::string matrix_json(Cell&& cell) {
  std::string rows;
  for (std::size_t row = 0; row < kTransitions.size(); ++row) {
    std::string cells;
    for (std::size_t fault = 0; fault < kFaultKinds; ++fault) {
      if (const std::string value = cell(row, fault); !value.empty()) {
        cells += fmt::format("{}\"{}\": {}", cells.empty() ? "" : ", ", kFaults[fault].name, value);
      }
    }
    rows += fmt::format("{}\"{}\": {{{}}}", rows.empty() ? "" : ", ", name_of(kTransitions[row]),
                        cells);
  }
  return fmt::format("{{{}}}", rows);
}

}  // namespace

std::string Coverage::json() const {
  return matrix_json(
      [this](std::size_t row, std::size_t fault) { return std::to_string(cells_[row][fault]); });
}

std::string impossible_json() {
  return matrix_json([](std::size_t row, std::size_t fault) {
    const std::string_view why = impossible(kTransitions[row], kFaults[fault].fault);
    return why.empty() ? std::string() : fmt::format("\"{}\"", why);
  });
}

}  // namespace skerry::sim
