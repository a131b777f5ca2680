// payload.h: the bytes of a task's inputs or results, which everything but the model's runner treats as opaque.
//
// Small payloads (up to kInlineLimit) travel and are stored with their task; larger ones lie in the content-addressed blob
// directory and are referred to by digest. Bytes are immutable and shared, because one payload is at the same time in
// the core's memory, in a store batch and in a message to an agent; sharing saves the copies and nothing else.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace skerry {

constexpr std::size_t kInlineLimitBytes = 256 * 1024;

struct Payload {
  // Set if inline: named values as encoded by common/values.h.
  std::shared_ptr<const std::string> bytes;
  std::string blob;              // "sha256:<64 hex>" if it lies in the blob directory, else empty
  std::uint64_t size_bytes = 0;  // of the encoded values, wherever they lie

  static Payload inlined(std::string encoded) {
    const std::uint64_t size = encoded.size();
    return {.bytes = std::make_shared<const std::string>(std::move(encoded)),
            .blob = {},
            .size_bytes = size};
  }
  static Payload stored(std::string digest, std::uint64_t size_bytes) {
    return {.bytes = nullptr, .blob = std::move(digest), .size_bytes = size_bytes};
  }
  bool empty() const { return !bytes && blob.empty(); }
};

}  // namespace skerry
