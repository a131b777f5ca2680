// audit_chain.h: whether an exported audit trail is as the controller wrote it (docs/rest-api.md tells
// the form).
//
// Every line names the hash of the one before it, and the last line says how many there were. So an
// edit, a deletion, a reordering or a cut is found from the file alone, unless all later lines were made
// anew; against that its last hash is held against the controller's (cmd_audit.cc).
//
// Pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry::cli {

struct AuditSummary {
  std::uint64_t first = 0;  // number of the first line; 0 = there is none
  std::uint64_t last = 0;
  std::uint64_t count = 0;
  std::string hash;      // of the last line, in hex
  std::string previous;  // what the first line says of the one before it
};

class AuditChain {
 public:
  // One line of the file, without its end. kCorrupt says which and why; after that, take no more.
  Status add(std::string_view line);
  // kCorrupt if the end is missing.
  Result<AuditSummary> finish() const;

 private:
  Status add_entry(std::string_view text, std::string_view hash);

  AuditSummary so_far_;
  std::uint64_t read_ = 0;  // lines of the file
  bool ended_ = false;
};

}  // namespace skerry::cli
