// Memory: a great deal of it, by every way that there is; and the ways for a process to end, or not to.

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sandbox/attempts.h"

namespace skerry::hostile {

namespace {

constexpr std::size_t kStep = 16u << 20;

// Takes and touches memory until it is refused or there are `most_mib`.
std::string take_memory(std::string_view how, int most_mib, const std::function<void*()>& more) {
  int taken_mib = 0;
  while (taken_mib < most_mib) {
    void* const memory = more();
    if (memory == nullptr) {
      return denied(fmt::format("take more than {} MiB by {}", taken_mib, how));
    }
    std::memset(memory, 1, kStep);
    taken_mib += static_cast<int>(kStep >> 20);
  }
  return succeeded(fmt::format("took {} MiB by {}", taken_mib, how));
}

void* map(int flags, int fd, off_t at) {
  void* const memory = mmap(nullptr, kStep, PROT_READ | PROT_WRITE, flags, fd, at);
  return memory == MAP_FAILED ? nullptr : memory;
}

int most_in(const Arguments& arguments) { return std::stoi(arguments.at(0)); }

std::string private_memory(const Arguments& arguments) {
  return take_memory("private mappings", most_in(arguments),
                     [] { return map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); });
}

std::string heap(const Arguments& arguments) {
  return take_memory("brk", most_in(arguments), [] {
    void* const memory = sbrk(static_cast<intptr_t>(kStep));
    return memory == reinterpret_cast<void*>(-1) ? nullptr : memory;
  });
}

std::string shared_mappings(const Arguments& arguments) {
  return take_memory("shared mappings", most_in(arguments),
                     [] { return map(MAP_SHARED | MAP_ANONYMOUS, -1, 0); });
}

std::string zero_device(const Arguments& arguments) {
  const int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    return denied("open /dev/zero");
  }
  return take_memory("/dev/zero", most_in(arguments), [&] { return map(MAP_SHARED, fd, 0); });
}

std::string memory_file(const Arguments& arguments) {
  const int fd = memfd_create("hostile", MFD_CLOEXEC);
  if (fd < 0) {
    return denied("make a file in memory");
  }
  off_t size = 0;
  return take_memory("a file in memory", most_in(arguments), [&]() -> void* {
    size += static_cast<off_t>(kStep);
    return ftruncate(fd, size) == 0 ? map(MAP_SHARED, fd, size - static_cast<off_t>(kStep))
                                    : nullptr;
  });
}

std::string pipes(const Arguments& arguments) {
  const std::string text(1u << 20, 'x');
  const int most_mib = most_in(arguments);
  for (int taken_mib = 0; taken_mib < most_mib; ++taken_mib) {
    int ends[2];
    if (pipe(ends) != 0) {
      return denied(fmt::format("fill more than {} pipes", taken_mib));
    }
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    [[maybe_unused]] const ssize_t put = write(ends[1], text.data(), text.size());
  }
  return succeeded(fmt::format("filled {} pipes", most_mib));
}

// Pages that are only read share one page of zeros, but each 2 MiB of them needs a page of the kernel's own.
std::string page_tables(const Arguments& arguments) {
  constexpr std::size_t kReach = std::size_t{1} << 31;
  const int most_mib = most_in(arguments);
  int taken_mib = 0;
  while (taken_mib < most_mib) {
    void* const memory =
        mmap(nullptr, kReach, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      return denied(fmt::format("take more than {} MiB of page tables", taken_mib));
    }
    madvise(memory, kReach, MADV_NOHUGEPAGE);
    for (std::size_t at = 0; at < kReach; at += 2u << 20) {
      [[maybe_unused]] volatile const char byte = static_cast<const char*>(memory)[at];
    }
    taken_mib += static_cast<int>((kReach / (2u << 20)) * 4096 >> 20);
  }
  return succeeded(fmt::format("took {} MiB of page tables", taken_mib));
}

// One TiB at once, as a model would ask for it.
std::string tebibyte(const Arguments&) {
  void* const memory = mmap(nullptr, std::size_t{1} << 40, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? denied("take 1 TiB") : succeeded("took 1 TiB");
}

std::string lock_memory(const Arguments&) {
  void* const memory =
      mmap(nullptr, kStep, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(mlock(memory, kStep), "lock memory");
}

// Deep enough for any stack; the sum keeps the compiler from making a loop of it.
int overflow_stack(int depth) {
  volatile char page[4096];
  page[0] = static_cast<char>(depth);
  return depth == 1 << 30 ? 0 : overflow_stack(depth + 1) + page[0];
}

}  // namespace

void add_memory_attempts(Attempts& attempts) {
  attempts["memory-private"] = private_memory;
  attempts["memory-heap"] = heap;
  attempts["memory-shared"] = shared_mappings;
  attempts["memory-zero-device"] = zero_device;
  attempts["memory-file"] = memory_file;
  attempts["memory-pipes"] = pipes;
  attempts["memory-page-tables"] = page_tables;
  attempts["tebibyte"] = tebibyte;
  attempts["lock-memory"] = lock_memory;
}

void add_endings(Attempts& attempts) {
  attempts["segfault"] = [](const Arguments&) -> std::string {
    *static_cast<volatile int*>(nullptr) = 1;  // NOLINT: what it is for
    return succeeded("wrote to nowhere");
  };
  attempts["abort"] = [](const Arguments&) -> std::string { std::abort(); };
  attempts["exit"] = [](const Arguments& arguments) -> std::string {
    _exit(std::stoi(arguments.at(0)));
  };
  attempts["illegal-instruction"] = [](const Arguments&) -> std::string { __builtin_trap(); };
  attempts["stack-overflow"] = [](const Arguments&) -> std::string {
    return succeeded(fmt::format("came back from {}", overflow_stack(0)));
  };
  attempts["loop"] = [](const Arguments&) -> std::string {
    for (volatile std::uint64_t turn = 0;; turn = turn + 1) {
    }
  };
  attempts["sleep"] = [](const Arguments&) -> std::string {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    for (;;) {
      ::sleep(1000);
    }
  };
}

}  // namespace skerry::hostile
