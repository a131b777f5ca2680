// journal_disk.h: the log journal's seam to the disk: one file that grows at its end, and is replaced
// as a whole now and then.
//
// Implemented by journal_file.h and by fakes in tests and simulations. Nothing here calls back: a sync
// is answered later by a call to LogJournal::synced.

#pragma once

#include <cstdint>
#include <string_view>

namespace skerry::agent {

enum class DiskAnswer : std::uint8_t {
  kDone,
  kFull,    // no space left: nothing of it is in the file
  kFailed,  // nothing can be said of the file any more
};

class JournalDisk {
 public:
  virtual ~JournalDisk() = default;

  // At the end of the file. It survives the process, but not the machine, until it is synced.
  virtual DiskAnswer append(std::string_view bytes) = 0;
  // Begins to make durable what was appended by now.
  virtual void sync() = 0;
  // The file holds these bytes and no others, durably; if there is no space, what it held before.
  virtual DiskAnswer replace(std::string_view bytes) = 0;
};

}  // namespace skerry::agent
