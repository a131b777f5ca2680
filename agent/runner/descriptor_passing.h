// descriptor_passing.h: hands an open file to the process at the other end of a socket: SCM_RIGHTS of
// unix(7), with bytes of the stream that it belongs to.
//
// Used by the agent (or a test) to give a runner its model's file, so that a runner needs no way to open
// one. Both functions are single system calls; the caller handles EINTR by what they return.

#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "common/error.h"

namespace skerry::runner {

// Owns a descriptor, or none (-1).
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Opens a file to be passed: for reading, and never through a symbolic link. kNotFound, kIo.
Result<Descriptor> open_for_passing(const std::string& path);

// Sends one byte and the descriptor with it; the caller keeps its own. kIo: the other end is gone, or the
// socket is full, which one that was just made is not.
Status send_with_descriptor(int socket, char byte, int fd);

// As recv(2); a descriptor that comes with the bytes replaces the one in `received`.
ssize_t receive_with_descriptor(int socket, std::span<char> into, Descriptor& received);

}  // namespace skerry::runner
