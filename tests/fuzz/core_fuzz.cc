// core_fuzz.cc: sequences of operations on the core, with its invariants after each, its restart at any
// of them, and its end.

#include <algorithm>

#include "tests/fuzz/core_world.h"
#include "tests/fuzz/harness.h"

namespace skerry::fuzz {

namespace {

constexpr std::size_t kMostOperations = 150;

Operation operation_at(std::string_view input, std::size_t index) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint8_t>(input[index * kOperationBytes + i]);
  };
  return {.kind = byte(0), .a = byte(1), .b = byte(2), .c = byte(3), .wait = byte(4)};
}

}  // namespace

void run(std::string_view input) {
  CoreWorld world;
  const std::size_t count = std::min(input.size() / kOperationBytes, kMostOperations);
  for (std::size_t i = 0; i < count; ++i) {
    world.step(operation_at(input, i));
  }
  world.finish();
}

// Operations are put in, taken out, repeated and moved as a whole.
std::optional<std::string> mutate(std::string_view input, Random& random) {
  const std::size_t count = input.size() / kOperationBytes;
  std::string changed(input.substr(0, count * kOperationBytes));
  const auto any = [&] {
    std::string bytes;
    for (std::size_t i = 0; i < kOperationBytes; ++i) {
      bytes += static_cast<char>(random.below(256));
    }
    return bytes;
  };
  const std::size_t at = kOperationBytes * random.below(count + 1);
  const std::size_t length = kOperationBytes * (1 + random.below(4));
  switch (count == 0 ? 0 : random.below(6)) {
    case 0:
      return changed.insert(at, any());
    case 1:
      return changed.erase(std::min(at, changed.size() - kOperationBytes), length);
    case 2:
      return changed.insert(at, changed.substr(kOperationBytes * random.below(count), length));
    case 3:
      return changed.append(any() + any() + any());
    case 4: {
      const std::size_t byte = random.below(changed.size());
      changed[byte] = static_cast<char>(random.below(256));
      return changed;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace skerry::fuzz
