// harness.h: what the fuzz targets have in common: their entry, and the bound on what an input costs.
//
// A target is one file that defines run(), and mutate() if bytes alone get nowhere. It shows a bug by
// ending the process: a sanitizer's finding, check(), or one of the bounds of scripts/fuzz on time and
// memory. run() starts afresh each time, so that an input alone reproduces what it did.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/check.h"
#include "common/random.h"

namespace skerry::fuzz {

// ---- what a target defines

void run(std::string_view input);
// Another input made of this one; nullopt: as libFuzzer changes bytes. Must not depend on anything else.
std::optional<std::string> mutate(std::string_view input, Random& random);

// ---- what it may use

// libFuzzer's own change of these bytes, which may grow by `room_bytes`. Within mutate() alone.
std::string mutate_bytes(std::string_view bytes, std::size_t room_bytes);

// While it lives, the process may hold no more of the heap, beyond what it held before, than
// `fixed_bytes` and `times` the input: nobody makes us hold much with little.
class MemoryBound {
 public:
  MemoryBound(std::size_t input_bytes, std::size_t fixed_bytes, std::size_t times = 10);
  ~MemoryBound();
  MemoryBound(const MemoryBound&) = delete;
  MemoryBound& operator=(const MemoryBound&) = delete;
};

// A document of numbers, "[0,0,0]", costs that many times its size at most: for each of its two bytes 16
// in a tree, whose blocks double, beside a stack that doubles.
constexpr std::size_t kJsonTimes = 36;

}  // namespace skerry::fuzz
