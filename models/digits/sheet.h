// sheet.h: the 5,000 handwritten digits of Debian's opencv-doc package, cut from their one sheet
// and split for good.
//
// The sheet is 1000 x 2000 pixels, white on black: 100 columns and 50 rows of 20 x 20 cells, five
// rows for each digit in turn. 100 of each digit are held out: they are never trained on, and every
// accuracy that Skerry states is theirs.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/random.h"

namespace skerry::digits {

constexpr int kSide = 20;
constexpr int kPixels = kSide * kSide;
constexpr int kClasses = 10;
constexpr int kHeldOutPerClass = 100;

constexpr const char* kSheet = "/usr/share/doc/opencv-doc/examples/data/digits.png";
constexpr std::uint64_t kSeed = 20;  // of the split, and of everything in training

struct Digit {
  std::array<std::uint8_t, kPixels> pixels{};  // row by row
  int label = 0;
};

struct Split {
  std::vector<Digit> training;  // 4,000
  std::vector<Digit> held_out;  // 1,000
};

Result<std::vector<Digit>> read_sheet(const std::string& path);  // kIo, kCorrupt
// Always the same split: which of each digit are held out is drawn from kSeed. Both parts come out
// shuffled.
Split split(const std::vector<Digit>& digits);
std::string encode_png(const Digit& digit);
Status write_file(const std::string& path, const std::string& bytes);  // kIo
// DIR/0000.png ... DIR/0999.png and DIR/labels.csv ("file,label").
Status export_held_out(const std::string& folder, const std::vector<Digit>& held_out);

}  // namespace skerry::digits
