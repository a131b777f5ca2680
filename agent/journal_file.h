// journal_file.h: the journal's file on a real disk.
//
// Appends and replacements happen on the strand: an append is a copy into the page cache, and a
// replacement is rare. A sync runs on a thread of its own, since it may take as long as a disk likes,
// and its answer is posted to the strand. What a crash or damage left behind the last good record is
// kept beside the file as journal.damaged before it is written over.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "agent/journal_disk.h"
#include "common/error.h"

namespace skerry::agent {

class JournalFile final : public JournalDisk {
 public:
  using Synced = std::function<void(bool well)>;

  // The file need not exist. `synced` is called on the strand.
  JournalFile(std::string directory, boost::asio::any_io_executor strand, Synced synced);
  ~JournalFile() override;
  JournalFile(const JournalFile&) = delete;
  JournalFile& operator=(const JournalFile&) = delete;

  Result<std::string> read();  // once, before anything else; empty if there is none
  Status keep_damaged(std::string_view bytes) const;

  DiskAnswer append(std::string_view bytes) override;
  void sync() override;
  DiskAnswer replace(std::string_view bytes) override;
  void close();  // waits for a sync under way

 private:
  const std::string directory_;
  boost::asio::any_io_executor strand_;
  Synced synced_;
  boost::asio::thread_pool syncer_{1};
  int fd_ = -1;
};

}  // namespace skerry::agent
