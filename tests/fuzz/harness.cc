#include "tests/fuzz/harness.h"

#include <sanitizer/allocator_interface.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace skerry::fuzz {

namespace {

// Of the whole process, by all its threads, while a bound lives.
std::atomic<bool> counting = false;
std::atomic<std::int64_t> held_bytes = 0;
std::atomic<std::int64_t> most_held_bytes = 0;
std::int64_t allowed_bytes = 0;

void on_malloc(const volatile void* /*block*/, std::size_t size) {
  if (counting.load(std::memory_order_relaxed)) {
    const std::int64_t now = held_bytes += static_cast<std::int64_t>(size);
    std::int64_t most = most_held_bytes;
    while (now > most && !most_held_bytes.compare_exchange_weak(most, now)) {
    }
  }
}

void on_free(const volatile void* block) {
  if (block != nullptr && counting.load(std::memory_order_relaxed)) {
    held_bytes -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(block));
  }
}

}  // namespace

MemoryBound::MemoryBound(std::size_t input_bytes, std::size_t fixed_bytes, std::size_t times) {
  static const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
  check(installed != 0, "the sanitizer lets us count allocations");
  check(!counting, "one bound at a time");
  allowed_bytes = static_cast<std::int64_t>(fixed_bytes + times * input_bytes);
  held_bytes = 0;
  most_held_bytes = 0;
  counting = true;
}

MemoryBound::~MemoryBound() {
  counting = false;
  if (most_held_bytes > allowed_bytes) {
    std::fprintf(stderr, "the input made the process hold %lld bytes; %lld are allowed\n",
                 static_cast<long long>(most_held_bytes), static_cast<long long>(allowed_bytes));
  }
  check(most_held_bytes <= allowed_bytes, "an input costs what its size allows");
}

std::string mutate_bytes(std::string_view bytes, std::size_t room_bytes) {
  std::string changed(bytes);
  changed.resize(bytes.size() + room_bytes);
  changed.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(changed.data()), bytes.size(),
                                  changed.size()));
  return changed;
}

}  // namespace skerry::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  skerry::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  skerry::Random random(seed);
  const auto changed = skerry::fuzz::mutate({reinterpret_cast<const char*>(data), size}, random);
  if (!changed || changed->empty()) {
    return LLVMFuzzerMutate(data, size, most);
  }
  const std::size_t kept = std::min(changed->size(), most);
  std::copy_n(changed->data(), kept, reinterpret_cast<char*>(data));
  return kept;
}
