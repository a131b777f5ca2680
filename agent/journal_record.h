// journal_record.h: the records of the agent's journal as bytes.
//
//   file    magic, record...
//   record  length (u32), CRC-32C of the body (u32), body
//   body    kind (u8), then as encode_...() writes it; numbers little-endian (common/bytes.h)
//
// A manifest stands once in a file, before the attempts that name it.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "agent/journal.h"

namespace skerry::agent {

constexpr std::string_view kJournalMagic = "skerry agent journal 1\n";

struct ManifestRecord {
  std::string model;
  std::uint64_t revision = 0;
  std::string json;
};
struct AcceptRecord {
  Assign assign;  // its manifest by model and revision
  Instant received{};
};
struct FinishRecord {
  Ended result;
};
struct SpoolRecord {  // in a file that was replaced: without the attempt that it was
  Ended result;
};
struct ForgetRecord {
  AttemptUid uid;
};
using JournalRecord =
    std::variant<ManifestRecord, AcceptRecord, FinishRecord, SpoolRecord, ForgetRecord>;

// With its length and checksum.
std::string encode_record(const JournalRecord& record);

struct ReadRecord {
  JournalRecord record;
  std::size_t bytes = 0;  // that it took
};
// The record that these bytes begin with; nullopt if they begin with none that is whole and as it was
// written.
std::optional<ReadRecord> decode_record(std::string_view bytes);

}  // namespace skerry::agent
