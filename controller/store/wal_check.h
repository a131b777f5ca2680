// wal_check.h: tells what a write-ahead log holds and whether anything is missing from it, before
// RocksDB is allowed to touch it.
//
// Each commit was synced before the next was written, so after a crash at most the newest record
// can be incomplete. Hence, with the positions in the stamps:
//   positions follow each other from the tables to the end     -> complete
//   unreadable bytes, and no later position stands behind them -> torn end: whether what was lost
//                                                                 was acknowledged, the witness
//                                                                 says
//   a later position stands behind unreadable or absent bytes  -> damaged: acknowledged work is
//   gone
//   unreadable bytes before commits of the same file, none of  -> damaged: RocksDB would not read
//   which is missing                                              on, or take it for the log's end
// What the tables already hold does not matter any more, damaged or not.
//
// RocksDB's own recovery cannot tell these apart: it drops everything behind the first bad record
// (or refuses a mere torn end), takes a log cut between two records for complete, and skips the
// rest of a block behind a zeroed header.
//
// Pure. Feed the files in the order of their numbers, then ask.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/store/stamp.h"

namespace skerry::store {

// Where the good part of the log ends, if anything behind it is unreadable or unconnected.
struct LogCut {
  std::string file;
  std::uint64_t offset = 0;      // keep this many bytes of `file`, and no later file
  std::uint64_t lost_bytes = 0;  // what is behind the cut, over all files
};

struct WalFinding {
  std::optional<Stamp> last;  // newest commit that connects; nullopt: none, nor in the tables
  std::optional<LogCut> cut;
  std::optional<std::string> damage;  // a sentence, if acknowledged work is certainly missing
};

class WalCheck {
 public:
  // tables: the stamp in the tables, nullopt if they are empty. store_id: who must have written the
  // log; empty if nothing tells, then the first record does.
  WalCheck(std::optional<Stamp> tables, std::string store_id);

  void read(std::string_view file, std::string_view bytes);
  WalFinding finding() const;

 private:
  void on_beginning(std::string_view bytes, std::uint64_t begin);
  void on_record(std::string_view bytes, std::uint64_t begin);
  bool belongs(const Stamp& stamp);
  void cut_at(std::uint64_t offset);
  void damaged(std::string sentence, std::uint64_t offset);

  Position next_;  // the position that must follow
  std::optional<Stamp> last_;
  std::string store_id_;
  std::string file_;
  std::uint64_t file_bytes_ = 0;
  std::optional<std::uint64_t> unreadable_from_;  // in this file
  std::optional<LogCut> cut_;
  std::optional<std::string> damage_;
};

}  // namespace skerry::store
