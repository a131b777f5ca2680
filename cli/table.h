// table.h: aligned tables and "label: value" sheets for people.
//
// Widths count characters, not bytes. The last column is never padded, so that lines carry no
// trailing spaces. Colours are put around a cell after it was measured, and only when the caller
// asks for them. Pure: returns the text.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skerry::cli {

enum class Tone : std::uint8_t { kPlain, kGood, kBusy, kBad, kDim };

struct Cell {
  std::string text;
  Tone tone = Tone::kPlain;

  Cell() = default;
  Cell(std::string words) : text(std::move(words)) {}
  Cell(const char* words) : text(words) {}
  Cell(std::string words, Tone how) : text(std::move(words)), tone(how) {}
};

enum class Align : std::uint8_t { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
  bool wide = false;  // shown with -o wide only
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<Cell> row);  // one cell per column, those of wide columns included; an empty
                                    // cell shows as "-"
  bool empty() const { return rows_.empty(); }
  std::string render(bool wide, bool colour) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// Lines of "Label:  value" with the values under each other, and headed blocks.
class Sheet {
 public:
  void line(std::string label, Cell value);         // left out if the value is empty
  void block(std::string title, std::string text);  // the title, then the text's lines indented
  std::string render(bool colour) const;

 private:
  struct Entry {
    std::string label;
    Cell value;
    bool block = false;
  };
  std::vector<Entry> entries_;
};

std::string coloured(const Cell& cell, bool colour);
// Characters of a UTF-8 text.
std::size_t display_width(std::string_view text);

}  // namespace skerry::cli
