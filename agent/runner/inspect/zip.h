// zip.h: the directory of an archive, read strictly: only the form in which PyTorch writes a model.
//
//   local header, data, data descriptor; the next entry's; ...; central directory; its two ends
//
// The entries fill the archive from its first byte to the directory, in the directory's order, without
// gaps and without overlaps; every local header says what the directory says; names are unique, lie in
// one folder and lead nowhere else. What other writers may do (comments, data before the archive,
// encryption, disks, attributes that make a link) is refused. So there is one reading of an archive that
// passes, whoever reads it.
//
// Pure functions on bytes that the caller keeps. Facts about the format: APPNOTE.TXT 6.3.10 of PKWARE.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runner/inspect/policy.h"
#include "common/error.h"

namespace skerry::inspect {

struct ZipEntry {
  std::string_view name;         // without the folder that all have in common: "code/__torch__.py"
  std::string_view data;         // as it lies in the archive
  std::uint64_t size_bytes = 0;  // once inflated
  std::uint32_t crc = 0;         // as the directory says; not checked here
  bool deflated = false;
};

// In the order of the archive, from which names and data are. kTooLarge: more entries than allowed;
// kCorrupt: not that form; the sentence says where it departs.
Result<std::vector<ZipEntry>> read_directory(std::string_view archive, const Limits& limits);

// The content of a deflated entry: exactly size_bytes, out of all of its data. kTooLarge if its ratio is
// above the limit, kCorrupt.
Result<std::string> inflate(const ZipEntry& entry, const Limits& limits);

// An entry's name without quotes and controls, and not too long, for a message.
std::string printable(std::string_view name);

}  // namespace skerry::inspect
