// blob_source.h: the model cache's seam to the controller's blobs: streams of bytes from an offset,
// and uploads.
//
// Implemented over gRPC by bulk.h and by fakes. Callbacks of one transfer come one after the other,
// on any thread.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/error.h"

namespace skerry::agent {

class BlobSource {
 public:
  virtual ~BlobSource() = default;

  struct Chunk {
    std::string data;
    std::uint64_t total_bytes = 0;  // of the whole blob; set in the first chunk
  };
  // Called with a chunk; the next one comes after `next(true)`, and next(false) ends the transfer
  // with kCancelled.
  using Next = std::function<void(bool go_on)>;
  using OnChunk = std::function<void(Chunk chunk, Next next)>;
  using OnEnd = std::function<void(Status status)>;

  virtual void fetch(const std::string& digest, std::uint64_t offset, OnChunk on_chunk,
                     OnEnd on_end) = 0;
  virtual void upload(const std::string& digest, std::shared_ptr<const std::string> bytes,
                      OnEnd on_end) = 0;
};

}  // namespace skerry::agent
