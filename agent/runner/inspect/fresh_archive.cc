#include "agent/runner/inspect/fresh_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/bytes.h"

namespace skerry::inspect {

namespace {

constexpr std::uint32_t kLocalMark = 0x04034b50;
constexpr std::uint32_t kCentralMark = 0x02014b50;
constexpr std::uint32_t kWideEndMark = 0x06064b50;
constexpr std::uint32_t kWideLocatorMark = 0x07064b50;
constexpr std::uint32_t kEndMark = 0x06054b50;
constexpr std::uint16_t kInUtf8 = 0x0800;
constexpr std::uint16_t kWideField = 0x0001;
constexpr std::uint32_t kWide32 = 0xffffffff;
constexpr std::uint16_t kWide16 = 0xffff;
constexpr std::string_view kFolder = "model/";

std::uint32_t narrow(std::uint64_t number) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(number, kWide32));
}

// From the version that it needs up to its CRC and sizes: the same in both places.
void put_header(ByteWriter& out, std::uint64_t size_bytes, std::uint32_t crc) {
  out.number(std::uint16_t{0});  // needs no more than the first version
  out.number(kInUtf8);
  out.number(std::uint16_t{0});  // stored
  out.number(std::uint32_t{0});  // never changed
  out.number(crc);
  out.number(narrow(size_bytes));
  out.number(narrow(size_bytes));
}

void put_directory_entry(ByteWriter& out, const std::string& name, std::uint64_t size_bytes,
                         std::uint64_t offset, std::uint32_t crc) {
  ByteWriter wide;
  if (size_bytes >= kWide32) {
    wide.number(size_bytes);
    wide.number(size_bytes);
  }
  if (offset >= kWide32) {
    wide.number(offset);
  }
  const std::string extra = wide.take();
  out.number(kCentralMark);
  out.number(std::uint16_t{0});  // made by nobody
  put_header(out, size_bytes, crc);
  out.number(static_cast<std::uint16_t>(name.size()));
  out.number(static_cast<std::uint16_t>(extra.empty() ? 0 : extra.size() + 4));
  out.number(std::uint16_t{0});  // comment
  out.number(std::uint16_t{0});  // disk
  out.number(std::uint16_t{0});  // internal attributes
  out.number(std::uint32_t{0});  // external attributes
  out.number(narrow(offset));
  out.raw(name);
  if (!extra.empty()) {
    out.number(kWideField);
    out.text<std::uint16_t>(extra);
  }
}

std::string ends(std::uint64_t entries, std::uint64_t directory_bytes, std::uint64_t offset) {
  constexpr std::uint64_t kWideEndRest = 44;  // of it, behind its own length
  ByteWriter out;
  out.number(kWideEndMark);
  out.number(kWideEndRest);
  out.number(std::uint32_t{0});  // versions
  out.number(std::uint64_t{0});  // disks
  out.number(entries);
  out.number(entries);
  out.number(directory_bytes);
  out.number(offset);
  out.number(kWideLocatorMark);
  out.number(std::uint32_t{0});
  out.number(offset + directory_bytes);
  out.number(std::uint32_t{1});
  out.number(kEndMark);
  out.number(std::uint32_t{0});
  const auto few = static_cast<std::uint16_t>(std::min<std::uint64_t>(entries, kWide16));
  out.number(few);
  out.number(few);
  out.number(narrow(directory_bytes));
  out.number(narrow(offset));
  out.number(std::uint16_t{0});
  return out.take();
}

}  // namespace

void FreshArchive::append(std::string_view bytes, bool once) {
  if (!bytes.empty()) {
    segments_.push_back({.begin = size_bytes_, .bytes = bytes, .once = once});
    size_bytes_ += bytes.size();
  }
}

void FreshArchive::entry(std::string_view name, std::string_view content, std::uint32_t crc,
                         bool once) {
  const std::string full = std::string(kFolder) + std::string(name);
  ByteWriter directory;
  put_directory_entry(directory, full, content.size(), size_bytes_, crc);
  directory_ += directory.take();
  ++entries_;
  ByteWriter local;
  local.number(kLocalMark);
  put_header(local, content.size(), crc);
  local.number(static_cast<std::uint16_t>(full.size()));
  local.number(std::uint16_t{0});
  local.raw(full);
  headers_.push_back(local.take());
  append(headers_.back(), false);
  append(content, once);
}

void FreshArchive::add(std::string_view name, std::string_view content, std::uint32_t crc) {
  entry(name, content, crc, false);
}

void FreshArchive::add_once(std::string_view name, std::string_view content, std::uint32_t crc) {
  entry(name, content, crc, true);
}

void FreshArchive::finish() {
  const std::uint64_t offset = size_bytes_;
  directory_ += ends(entries_, directory_.size(), offset);
  append(directory_, false);
}

Status FreshArchive::read(std::uint64_t position, char* into, std::size_t count) {
  if (position > size_bytes_ || count > size_bytes_ - position) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} bytes at {} are beyond an archive of {}", count, position, size_bytes_));
  }
  const std::uint64_t begin = position;
  auto behind = std::ranges::upper_bound(segments_, position, {}, &Segment::begin);
  for (; count > 0; ++behind) {
    Segment& from = *std::prev(behind);
    if (from.gone) {
      return fail(ErrorCode::kInvalidArgument, "a tensor is read a second time");
    }
    const std::uint64_t within = position - from.begin;
    const bool whole = position == begin && within == 0 && count >= from.bytes.size();
    const std::size_t part = std::min<std::uint64_t>(count, from.bytes.size() - within);
    std::memcpy(into, from.bytes.data() + within, part);
    into += part;
    position += part;
    count -= part;
    if (from.once && whole) {
      from.gone = true;
      if (done_) {
        done_(from.bytes);
      }
    }
  }
  return {};
}

}  // namespace skerry::inspect
