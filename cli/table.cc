#include "cli/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/check.h"

namespace skerry::cli {

namespace {

constexpr std::size_t kGap = 2;

std::string_view escape_of(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kGood:
      return "\x1b[32m";
    case Tone::kBusy:
      return "\x1b[33m";
    case Tone::kBad:
      return "\x1b[31m";
    case Tone::kDim:
      return "\x1b[2m";
  }
  return "";
}

// Adds a cell padded to `width`; the last of a line is not padded on its right.
void append(std::string& line, const Cell& cell, std::size_t width, Align align, bool last,
            bool colour) {
  const std::string padding(width - std::min(width, display_width(cell.text)), ' ');
  if (align == Align::kRight) {
    line += padding;
  }
  line += coloured(cell, colour);
  if (align == Align::kLeft && !last) {
    line += padding;
  }
  if (!last) {
    line.append(kGap, ' ');
  }
}

}  // namespace

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string coloured(const Cell& cell, bool colour) {
  if (!colour || cell.tone == Tone::kPlain) {
    return cell.text;
  }
  return fmt::format("{}{}\x1b[0m", escape_of(cell.tone), cell.text);
}

void Table::add(std::vector<Cell> row) {
  check(row.size() == columns_.size(), "a table's row has one cell per column");
  for (Cell& cell : row) {
    if (cell.text.empty()) {
      cell = {"-", Tone::kDim};
    }
  }
  rows_.push_back(std::move(row));
}

std::string Table::render(bool wide, bool colour) const {
  std::vector<std::size_t> shown;
  std::vector<std::size_t> widths(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].wide && !wide) {
      continue;
    }
    shown.push_back(i);
    widths[i] = display_width(columns_[i].title);
    for (const auto& row : rows_) {
      widths[i] = std::max(widths[i], display_width(row[i].text));
    }
  }
  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    for (const std::size_t i : shown) {
      append(text, cell_of(i), widths[i], columns_[i].align, i == shown.back(), colour);
    }
    text += '\n';
  };
  add_line([&](std::size_t i) { return Cell(columns_[i].title); });
  for (const auto& row : rows_) {
    add_line([&](std::size_t i) { return row[i]; });
  }
  return text;
}

void Sheet::line(std::string label, Cell value) {
  if (!value.text.empty()) {
    entries_.push_back({.label = std::move(label), .value = std::move(value)});
  }
}

void Sheet::block(std::string title, std::string text) {
  entries_.push_back({.label = std::move(title), .value = Cell(std::move(text)), .block = true});
}

std::string Sheet::render(bool colour) const {
  std::size_t width = 0;
  for (const Entry& entry : entries_) {
    width = std::max(width, entry.block ? 0 : display_width(entry.label) + 1);
  }
  std::string text;
  for (const Entry& entry : entries_) {
    if (!entry.block) {
      append(text, Cell(entry.label + ":"), width, Align::kLeft, false, false);
      text += coloured(entry.value, colour) + '\n';
      continue;
    }
    text += entry.label + ":\n";
    std::string_view rest = entry.value.text;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      text += fmt::format("  {}\n", rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return text;
}

}  // namespace skerry::cli
