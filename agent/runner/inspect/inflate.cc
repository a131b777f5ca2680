#include <fmt/format.h>
#include <zlib.h>

#include <limits>

#include "agent/runner/inspect/zip.h"

namespace skerry::inspect {

// The output's size is known before, so one call does it all and cannot yield more.
Result<std::string> inflate(const ZipEntry& entry, const Limits& limits) {
  if (entry.size_bytes / limits.ratio > entry.data.size()) {
    return fail(
        ErrorCode::kTooLarge,
        fmt::format("'{}' inflates from {} to {} bytes; {} times is allowed "
                    "(models.max_ratio)",
                    printable(entry.name), entry.data.size(), entry.size_bytes, limits.ratio));
  }
  const auto damaged = [&entry] {
    return fail(ErrorCode::kCorrupt,
                fmt::format("'{}' does not inflate to the {} bytes that it should",
                            printable(entry.name), entry.size_bytes));
  };
  constexpr std::uint64_t kMost = std::numeric_limits<uInt>::max();
  if (entry.size_bytes > kMost || entry.data.size() > kMost) {
    return damaged();
  }
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {  // negative: no header around the stream
    return fail(ErrorCode::kNoCapacity, "no memory to inflate a model's code");
  }
  std::string content(entry.size_bytes, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(entry.data.data()));
  stream.avail_in = static_cast<uInt>(entry.data.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(content.size());
  const int ended = ::inflate(&stream, Z_FINISH);
  const bool whole = ended == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!whole) {
    return damaged();
  }
  return content;
}

}  // namespace skerry::inspect
