// journal_fuzz.cc: the agent's journal and spool, read back from whatever a file holds.

#include <utility>

#include "agent/journal_record.h"
#include "agent/log_journal.h"
#include "common/bytes.h"
#include "common/crc32c.h"
#include "tests/fuzz/harness.h"

namespace skerry::fuzz {

namespace {

using namespace agent;

constexpr std::size_t kFixedBytes = 256 * 1024;
constexpr std::size_t kHeaderBytes = 8;

class Disk final : public JournalDisk {
 public:
  DiskAnswer append(std::string_view bytes) override {
    file += bytes;
    return DiskAnswer::kDone;
  }
  void sync() override {}
  DiskAnswer replace(std::string_view bytes) override {
    file = bytes;
    return DiskAnswer::kDone;
  }

  std::string file;
};

void check_records(std::string_view content) {
  while (auto read = decode_record(content)) {
    check(encode_record(read->record) == content.substr(0, read->bytes) ||
              std::holds_alternative<AcceptRecord>(read->record) ||
              std::holds_alternative<FinishRecord>(read->record) ||
              std::holds_alternative<SpoolRecord>(read->record),
          "a record has one encoded form, but for its flags");
    const auto again = decode_record(encode_record(read->record));
    check(again && encode_record(again->record) == encode_record(read->record),
          "a record that is written reads back the same");
    content.remove_prefix(read->bytes);
  }
}

}  // namespace

void run(std::string_view input) {
  const MemoryBound bound(input.size(), kFixedBytes);
  check_records(input.starts_with(kJournalMagic) ? input.substr(kJournalMagic.size()) : input);
  Disk disk;
  LogJournal journal({}, disk);
  const auto restored = journal.restore(input);
  check(restored.accepted == journal.accepted_refs().size() &&
            restored.spooled == journal.spooled_count() && restored.dropped_bytes <= input.size(),
        "what was restored is told");
  const bool held = restored.accepted + restored.spooled > 0;
  check(!held || input.starts_with(kJournalMagic), "only a journal holds anything");
  // The next change writes all of it anew; the next start finds the same.
  const AttemptRef fresh{.job = {1}, .number = 1, .uid = {~0ull, ~0ull - 1}};
  if (journal.holds(fresh.uid)) {
    return;
  }
  journal.accept({.assign = {.attempt = fresh, .model = "m"},
                  .manifest = std::make_shared<const KnownManifest>(),
                  .received = {}});
  journal.forget(fresh.uid);
  journal.settle(Instant{});
  LogJournal next({}, disk);
  const auto second = next.restore(disk.file);
  check(second.dropped_bytes == 0, "a journal reads all that it wrote");
  check(next.accepted_refs() == journal.accepted_refs() &&
            next.spooled_refs() == journal.spooled_refs(),
        "a journal that is written reads back the same");
}

namespace {

constexpr std::string_view kManifest =
    R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":"m"},"spec":{"engine":"noop",)"
    R"("variants":[{"name":"v"}]}})";

Ended any_result(const AttemptRef& attempt, Random& random) {
  return {
      .attempt = attempt,
      .outcome = static_cast<Outcome>(random.below(8)),
      .error = random.chance(0.5) ? "why" : "",
      .output = random.chance(0.5) ? Payload::inlined("output") : Payload::stored("sha256:00", 9),
      .usage = {.service = milliseconds(3), .energy_j = 0.5, .energy_source = "rapl"}};
}

JournalRecord any_record(Random& random) {
  const AttemptRef attempt{
      .job = {1 + random.below(4)}, .number = 1, .uid = {.high = 1, .low = random.below(4)}};
  switch (random.below(5)) {
    case 0:
      return ManifestRecord{
          .model = "m", .revision = random.below(3), .json = std::string(kManifest)};
    case 1:
      return AcceptRecord{.assign = {.attempt = attempt,
                                     .model = "m",
                                     .variant = "v",
                                     .manifest_revision = random.below(3),
                                     .input = Payload::inlined("input"),
                                     .sequence = "s",
                                     .interactive = random.chance(0.5)},
                          .received = instant_from_us(1)};
    case 2:
      return FinishRecord{any_result(attempt, random)};
    case 3:
      return SpoolRecord{any_result(attempt, random)};
    default:
      return ForgetRecord{attempt.uid};
  }
}

// Changes the body of one record and gives it the checksum that it then needs.
std::string with_changed_record(std::string_view input, Random& random) {
  std::string_view rest = input.substr(std::min(kJournalMagic.size(), input.size()));
  std::size_t skipped = random.below(6);
  auto read = decode_record(rest);
  for (; read && skipped > 0; --skipped) {
    if (!decode_record(rest.substr(read->bytes))) {
      break;
    }
    rest.remove_prefix(read->bytes);
    read = decode_record(rest);
  }
  if (!read) {
    return std::string(input);
  }
  const std::string body = mutate_bytes(rest.substr(kHeaderBytes, read->bytes - kHeaderBytes), 16);
  ByteWriter out;
  out.raw(input.substr(0, input.size() - rest.size()));
  out.number(static_cast<std::uint32_t>(body.size()));
  out.number(crc32c(body));
  out.raw(body);
  out.raw(rest.substr(read->bytes));
  return out.take();
}

}  // namespace

std::optional<std::string> mutate(std::string_view input, Random& random) {
  if (!input.starts_with(kJournalMagic)) {
    return std::string(kJournalMagic) + encode_record(any_record(random));
  }
  if (random.chance(0.4)) {
    return std::string(input) + encode_record(any_record(random));
  }
  return random.chance(0.6) ? std::optional(with_changed_record(input, random)) : std::nullopt;
}

}  // namespace skerry::fuzz
