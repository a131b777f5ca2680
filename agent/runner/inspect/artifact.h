// artifact.h: a model's file as the runner holds it: bytes of its own, which nobody can change, and which
// are those of a digest.
//
// The file is read once, from a descriptor, into memory of this process, and hashed there; then the memory
// is made read-only. What happens to the file from then on, or happened between the agent's check and this
// one, cannot matter: either these bytes have the digest, or there is no Artifact. Inspection and libtorch
// are given this memory and nothing else (docs/decisions/model-artifacts.md says what else was weighed).
//
// Movable; the destructor gives the memory back. One thread.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::inspect {

class Artifact {
 public:
  // Reads the file from its start, wherever the descriptor stands. kCorrupt: it has another digest;
  // kTooLarge: it has more than `most_bytes`; kModelFailed: more than this process may hold;
  // kInvalidArgument: no regular file; kIo.
  static Result<Artifact> read(int fd, const std::string& digest, std::uint64_t most_bytes);

  Artifact(Artifact&& other) noexcept;
  Artifact& operator=(Artifact&&) = delete;
  ~Artifact();

  std::string_view bytes() const { return {data_, size_}; }
  // Gives back the memory of a part that will not be read any more: whole pages, which read as zeros from
  // then on.
  void release(std::string_view part) const;

 private:
  Artifact(char* data, std::size_t size) : data_(data), size_(size) {}

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace skerry::inspect
