// wal_fuzz.cc: the check of the store's write-ahead log, over logs that were damaged.
//
// Bytes of a log that never was tell crashes alone. So an input may instead be a recipe: how many
// commits of what sizes, then what happened to the file. Then it is known what the check must say:
// never less than what stands before the damage, never what was not written, and silence only if
// nothing is missing but commits at the end.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/bytes.h"
#include "common/crc32c.h"
#include "controller/store/stamp.h"
#include "controller/store/wal_check.h"
#include "tests/fuzz/harness.h"

namespace skerry::fuzz {

namespace {

using store::Position;
using store::WalCheck;
using store::WalFinding;

constexpr std::size_t kBlockBytes = 32768;
constexpr std::size_t kHeaderBytes = 7;
constexpr std::size_t kFixedBytes = 256 * 1024;
constexpr std::size_t kMostCommits = 16;
constexpr char kRecipe = 'R';

// A log as RocksDB writes it, beside wal_fragments.h, which reads it.
class LogWriter {
 public:
  void add(std::string_view record) {
    bool begins = true;
    do {
      std::size_t left = kBlockBytes - bytes_.size() % kBlockBytes;
      if (left < kHeaderBytes) {
        bytes_.append(left, '\0');
        left = kBlockBytes;
      }
      const std::size_t length = std::min(left - kHeaderBytes, record.size());
      const bool ends = length == record.size();
      fragment(begins ? (ends ? 1 : 2) : (ends ? 4 : 3), record.substr(0, length));
      record.remove_prefix(length);
      begins = false;
      if (ends) {
        return;
      }
    } while (true);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void fragment(std::uint8_t type, std::string_view part) {
    std::string summed(1, static_cast<char>(type));
    summed += part;
    const std::uint32_t sum = crc32c(summed);
    ByteWriter out;
    out.number(((sum >> 15) | (sum << 17)) + 0xa282ead8U);
    out.number(static_cast<std::uint16_t>(part.size()));
    out.raw(summed);
    bytes_ += out.take();
  }

  std::string bytes_;
};

// A commit's WriteBatch: the stamp, then a value.
std::string commit(Position first, Position last, std::size_t value_bytes) {
  ByteWriter out;
  out.number(std::uint64_t{first});
  out.number(std::uint32_t{2});
  out.raw("\1\6");
  out.raw(store::kStampKey);
  out.raw(std::string(1, static_cast<char>(store::kStampBytes)));
  out.raw(store::encode(
      {.store_id = std::string(store::kStoreIdBytes, 'i'), .first = first, .last = last}));
  out.raw(std::string(value_bytes, static_cast<char>('a' + first % 26)));
  return out.take();
}

struct Written {
  std::string bytes;
  std::vector<std::size_t> ends;  // of each commit in `bytes`
  std::vector<Position> lasts;
};

Written write_log(ByteReader& recipe) {
  constexpr std::size_t kSizes[] = {0, 10, 300, kBlockBytes - 100, 5 * kBlockBytes / 2};
  LogWriter log;
  Written written;
  const std::size_t commits = recipe.number<std::uint8_t>() % (kMostCommits + 1);
  Position next = 1;
  for (std::size_t i = 0; i < commits; ++i) {
    const auto how = recipe.number<std::uint8_t>();
    const Position last = next + how / 64;
    log.add(commit(next, last, kSizes[how % std::size(kSizes)] + how / 8));
    written.ends.push_back(log.bytes().size());
    written.lasts.push_back(last);
    next = last + 1;
  }
  written.bytes = log.bytes();
  return written;
}

enum class Damage : std::uint8_t { kFlip, kCutEnd, kZero, kOverwrite, kRemove, kRepeat };

// One thing that happens to the file; from where on it is not what it was.
std::size_t damage(std::string& file, ByteReader& recipe) {
  const auto kind = static_cast<Damage>(recipe.number<std::uint8_t>() % 6);
  const std::size_t at = recipe.number<std::uint32_t>() % (file.size() + 1);
  const std::size_t length =
      std::min<std::size_t>(recipe.number<std::uint16_t>(), file.size() - at);
  switch (kind) {
    case Damage::kFlip:
      if (at < file.size()) {
        file[at] = static_cast<char>(file[at] ^ (1 << length % 8));
      }
      return at;
    case Damage::kCutEnd:
      file.resize(at);
      return at;
    case Damage::kZero:
      std::memset(file.data() + at, 0, length);
      return at;
    case Damage::kOverwrite: {
      const std::string_view bytes = recipe.raw(std::min(recipe.remaining(), length));
      // Changed, lest the corpus's whole logs are copied in: a forged commit is as good as a written one.
      std::ranges::transform(bytes, file.begin() + static_cast<std::ptrdiff_t>(at),
                             [](char c) { return static_cast<char>(c ^ 0x5a); });
      return at;
    }
    case Damage::kRemove:
      file.erase(at, length);
      return at;
    case Damage::kRepeat:
      file.insert(at, file.substr(at, length));
      return at + length;
  }
  return at;
}

WalFinding read(std::string_view file, std::string_view store_id) {
  WalCheck check(std::nullopt, std::string(store_id));
  check.read("000001.log", file);
  return check.finding();
}

// Where the file is not what it was; its size if nowhere that counts: what pads a block is not read.
std::size_t first_change(const std::string& file, const std::string& written) {
  for (std::size_t at = 0; at < file.size(); ++at) {
    const bool pads = kBlockBytes - at % kBlockBytes < kHeaderBytes && written[at] == '\0';
    if (file[at] != written[at] && !pads) {
      return at;
    }
  }
  return file.size();
}

// The newest commit that ends by then.
Position last_by(const Written& written, std::size_t offset) {
  Position last = 0;
  for (std::size_t i = 0; i < written.ends.size() && written.ends[i] <= offset; ++i) {
    last = written.lasts[i];
  }
  return last;
}

void check_recipe(std::string_view input) {
  ByteReader recipe(input);
  const Written written = write_log(recipe);
  std::string file = written.bytes;
  std::size_t sound = file.size();  // so much is as it was written
  while (recipe.ok() && !recipe.at_end() && !file.empty()) {
    sound = std::min(sound, damage(file, recipe));
  }
  const WalFinding found = read(file, std::string(store::kStoreIdBytes, 'i'));
  const Position last = found.last ? found.last->last : 0;
  const Position all = written.lasts.empty() ? 0 : written.lasts.back();
  check(last >= last_by(written, sound), "what stands before the damage is found");
  check(last <= all, "nothing is found that was not written");
  check(!found.cut || found.cut->offset <= file.size(), "a cut lies within the file");
  if (file.size() == written.bytes.size()) {  // nothing has moved, or all is garbage from there on
    const std::size_t change = first_change(file, written.bytes);
    check(found.damage || last <= last_by(written, change),
          "nothing behind damage is taken without a word");
    check(change < file.size() || (last == all && !found.cut && !found.damage),
          "a sound log is complete");
  }
}

}  // namespace

void run(std::string_view input) {
  if (input.starts_with(kRecipe)) {
    check_recipe(input.substr(1));
    return;
  }
  const MemoryBound bound(input.size(), kFixedBytes);
  const WalFinding found = read(input, "");
  check(!found.cut || found.cut->offset + found.cut->lost_bytes == input.size(),
        "a cut says how much is behind it");
}

// Now and then a whole log, to go on from.
std::optional<std::string> mutate(std::string_view input, Random& random) {
  if (input.empty() || random.chance(0.02)) {
    std::string recipe(1, kRecipe);
    for (std::uint64_t i = 2 + random.below(24); i > 0; --i) {
      recipe += static_cast<char>(random.below(256));
    }
    if (random.chance(0.7)) {
      return recipe;
    }
    ByteReader in(std::string_view(recipe).substr(1));
    const Written written = write_log(in);
    return written.bytes.size() < kBlockBytes ? written.bytes : recipe;
  }
  return std::nullopt;
}

}  // namespace skerry::fuzz
