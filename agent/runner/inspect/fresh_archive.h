// fresh_archive.h: an archive written anew out of entries that were inspected, for libtorch to read in
// place of the file.
//
// What libtorch's reader of zip files makes of the headers of strangers is no longer of interest: every
// header it sees is ours, in the plainest form (stored entries, no gaps, no optional fields but those that
// sizes beyond 32 bits need). Only headers are made; contents are read where they lie, so an archive of
// gigabytes costs some kilobytes.
//
//   FreshArchive archive;
//   archive.add("data.pkl", bytes, crc);      // bytes outlive the archive
//   archive.add_once("data/0", bytes, crc);   // may go once it was read as a whole
//   archive.finish();
//   archive.read(position, buffer, count);
//
// One thread.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace skerry::inspect {

class FreshArchive {
 public:
  // Called with each content that was added once, when it has been read in one piece: it may go.
  using Read = std::function<void(std::string_view content)>;
  void when_read(Read done) { done_ = std::move(done); }

  void add(std::string_view name, std::string_view content, std::uint32_t crc);
  void add_once(std::string_view name, std::string_view content, std::uint32_t crc);
  void finish();  // once, after the last entry

  std::uint64_t size_bytes() const { return size_bytes_; }
  // Copies `count` bytes from `position` on. kInvalidArgument: beyond the end, or of what has gone.
  Status read(std::uint64_t position, char* into, std::size_t count);

 private:
  struct Segment {
    std::uint64_t begin = 0;
    std::string_view bytes;
    bool once = false;
    bool gone = false;
  };

  void append(std::string_view bytes, bool once);
  void entry(std::string_view name, std::string_view content, std::uint32_t crc, bool once);

  Read done_;
  std::deque<std::string> headers_;  // what we wrote; never moves
  std::string directory_;
  std::uint64_t entries_ = 0;
  std::vector<Segment> segments_;  // by begin, without gaps
  std::uint64_t size_bytes_ = 0;
};

}  // namespace skerry::inspect
