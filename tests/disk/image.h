// image.h: files that were written by the real code and closed by a kill, of which one bit is flipped at
// a time; and what the real recovery then makes of them.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace skerry::disk {

enum class Verdict : std::uint8_t {
  kHarmless,  // everything acknowledged is there, unchanged, and stays
  kDetected,  // what is gone is told, exactly
  kRefused,   // it does not open, says why, and nothing was changed
  kWrong,     // silently shorter, or different
};

struct Outcome {
  Verdict verdict = Verdict::kWrong;
  std::string why;
};

// "wal", "manifest", "current", "witness", "table", "journal", "state"; other files are of no kind.
struct Place {
  std::string kind;
  std::string file;
  std::uint64_t bytes = 0;
};

class Image {
 public:
  virtual ~Image() = default;
  virtual std::vector<Place> places() const = 0;
  // Opens a copy in which this bit of the file is another one.
  virtual Outcome outcome(const std::string& file, std::uint64_t bit) = 0;
};

// Varied by the seed. In temporary directories, in memory where there is such a place.
std::unique_ptr<Image> store_image(std::uint64_t seed);
std::unique_ptr<Image> journal_image(std::uint64_t seed);
std::unique_ptr<Image> state_image(std::uint64_t seed);

std::string with_bit_flipped(std::string bytes, std::uint64_t bit);

}  // namespace skerry::disk
