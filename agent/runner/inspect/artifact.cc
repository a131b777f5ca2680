#include "agent/runner/inspect/artifact.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/digest.h"

namespace skerry::inspect {

namespace {

// Small enough to be hashed while it is still in the processor's cache.
constexpr std::size_t kPieceBytes = 512 * 1024;

std::unexpected<Error> io_error(const char* what) {
  return fail(ErrorCode::kIo,
              fmt::format("cannot {} the model's file: {}", what, std::strerror(errno)));
}

// Fills `into` from the file's byte `offset` on; fewer bytes only at its end.
Result<std::size_t> read_piece(int fd, char* into, std::size_t count, std::size_t offset) {
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = pread(fd, into + done, count - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno != EINTR) {
      return io_error("read");
    }
    if (got == 0) {
      break;
    }
    done += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  return done;
}

}  // namespace

Result<Artifact> Artifact::read(int fd, const std::string& digest, std::uint64_t most_bytes) {
  struct stat file{};
  if (fstat(fd, &file) != 0) {
    return io_error("look at");
  }
  if (!S_ISREG(file.st_mode)) {
    return fail(ErrorCode::kInvalidArgument,
                "what is given as the model's file is no regular file");
  }
  const auto size = static_cast<std::uint64_t>(file.st_size);
  if (size > most_bytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("the model's file has {} bytes; {} are allowed (models.max_artifact)",
                            size, most_bytes));
  }
  // At least one byte, since nothing can be mapped for none.
  void* memory = mmap(nullptr, std::max<std::size_t>(size, 1), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return fail(ErrorCode::kModelFailed,
                fmt::format("the {} bytes of the model's file do not fit into the memory that a "
                            "runner may take (runner.memory_limit)",
                            size));
  }
  Artifact artifact(static_cast<char*>(memory), size);
  Sha256 hash;
  for (std::size_t at = 0; at < size; at += kPieceBytes) {
    const std::size_t wanted = std::min<std::size_t>(kPieceBytes, size - at);
    const auto got = read_piece(fd, artifact.data_ + at, wanted, at);
    if (!got) {
      return fail(got.error());
    }
    hash.update({artifact.data_ + at, *got});
    if (*got < wanted) {
      break;  // it was cut short meanwhile: it has another digest
    }
  }
  if (const std::string found = hash.finish(); found != digest) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("the model's file is not what it should be: it has {}, not {}", found, digest));
  }
  if (mprotect(memory, std::max<std::size_t>(size, 1), PROT_READ) != 0) {
    return io_error("protect the memory of");
  }
  return artifact;
}

Artifact::Artifact(Artifact&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Artifact::~Artifact() {
  if (data_ != nullptr) {
    munmap(data_, std::max<std::size_t>(size_, 1));
  }
}

void Artifact::release(std::string_view part) const {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto begin = static_cast<std::size_t>(part.data() - data_);
  const std::size_t first = (begin + page - 1) / page * page;
  const std::size_t last = (begin + part.size()) / page * page;
  if (first < last) {
    madvise(data_ + first, last - first, MADV_DONTNEED);
  }
}

}  // namespace skerry::inspect
