// The controller's store: logs, tables and what lists them.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "common/check.h"
#include "common/random.h"
#include "controller/store/rocks_store.h"
#include "tests/disk/image.h"
#include "tests/unit/store_world.h"

namespace skerry::disk {
namespace {

using namespace store;
using store::testing::Reports;

using Content = std::map<std::pair<Table, std::string>, std::string>;

constexpr Table kTables[] = {Table::kJob, Table::kTask, Table::kResult, Table::kDecision};

std::string text(Random& random, std::size_t bytes) {
  std::string text(bytes, '\0');
  const bool flat = random.chance(0.3);
  for (char& byte : text) {
    byte = static_cast<char>(flat ? 'a' : random.below(256));
  }
  return text;
}

// Some of it small, some beyond a block of the log.
std::size_t some_bytes(Random& random) {
  return random.chance(0.04) ? 30'000 + random.below(80'000) : random.below(900);
}

Batch some_batch(Random& random) {
  Batch batch;
  for (std::uint64_t n = 1 + random.below(5); n > 0; --n) {
    Write write{
        kTables[random.below(std::size(kTables))], fmt::format("key {}", random.below(60)), {}};
    if (random.chance(0.8)) {
      write.value = text(random, some_bytes(random));
    }
    batch.push_back(std::move(write));
  }
  return batch;
}

void apply(const Batch& batch, Content& content) {
  for (const Write& write : batch) {
    if (write.value) {
      content[{write.table, write.key}] = *write.value;
    } else {
      content.erase({write.table, write.key});
    }
  }
}

class StoreImage final : public Image {
 public:
  explicit StoreImage(std::uint64_t seed) : random_(seed) {
    const std::string live = directory_.path("live");
    for (std::uint64_t life = 1 + random_.below(3); life > 0; --life) {
      Reports reports;
      auto store = open_rocks_store(reports.options(live)).value();
      const bool one_by_one = random_.chance(0.5);
      for (std::uint64_t n = 5 + random_.below(40); n > 0; --n) {
        const Batch batch = some_batch(random_);
        apply(batch, content_);
        last_ = store->append(batch);
        if (one_by_one) {
          reports.wait_durable(last_);
        }
      }
      reports.wait_durable(last_);
      if (life == 1 && random_.chance(0.2)) {
        store.reset();  // closed in order, for once
      }
      testing::copy_directory(live, image());
    }
    for (const std::string& name : testing::files_ending(image(), "")) {
      files_[name] = testing::read_file(image() + "/" + name);
    }
  }

  std::vector<Place> places() const override {
    std::vector<Place> places;
    for (const auto& [name, bytes] : files_) {
      const std::string kind = name.ends_with(".log")         ? "wal"
                               : name.ends_with(".sst")       ? "table"
                               : name.starts_with("MANIFEST") ? "manifest"
                               : name == "CURRENT"            ? "current"
                               : name == "witness"            ? "witness"
                                                              : "";
      if (!kind.empty() && !bytes.empty()) {
        places.push_back({.kind = kind, .file = name, .bytes = bytes.size()});
      }
    }
    return places;
  }

  Outcome outcome(const std::string& file, std::uint64_t bit) override {
    write_victim(file, bit);
    Reports reports;
    auto opened = open_rocks_store(reports.options(victim()));
    if (!opened) {
      return refusal(opened.error(), file, bit);
    }
    Outcome outcome = compare(**opened, last_, content_);
    if (outcome.verdict != Verdict::kHarmless) {
      return outcome;
    }
    // And what is written next is there after the next start.
    const Batch batch = some_batch(random_);
    Content later = content_;
    apply(batch, later);
    reports.wait_durable((*opened)->append(batch));
    opened->reset();
    if (!reports.fatal().empty()) {
      return {Verdict::kDetected, reports.fatal()[0].message};
    }
    Reports again;
    opened = open_rocks_store(again.options(victim()));
    return opened ? compare(**opened, last_ + 1, later)
                  : Outcome{Verdict::kWrong,
                            "refused after it was accepted: " + opened.error().message};
  }

 private:
  std::string image() const { return directory_.path("image"); }
  std::string victim() const { return directory_.path("victim"); }

  void write_victim(const std::string& file, std::uint64_t bit) const {
    std::filesystem::remove_all(victim());
    std::filesystem::create_directory(victim());
    for (const auto& [name, bytes] : files_) {
      testing::write_file(victim() + "/" + name,
                          name == file ? with_bit_flipped(bytes, bit) : bytes);
    }
  }

  Outcome refusal(const Error& error, const std::string& file, std::uint64_t bit) const {
    if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kUnsupported) {
      return {Verdict::kWrong,
              fmt::format("refused as {}: {}", to_string(error.code), error.message)};
    }
    if (error.message.find(victim()) == std::string::npos) {
      return {Verdict::kWrong, "the refusal names no file: " + error.message};
    }
    for (const auto& [name, bytes] : files_) {
      const bool flipped = name == file;
      if (testing::read_file(victim() + "/" + name) !=
          (flipped ? with_bit_flipped(bytes, bit) : bytes)) {
        return {Verdict::kWrong,
                fmt::format("refused, but {} was changed: {}", name, error.message)};
      }
    }
    return {Verdict::kRefused, error.message};
  }

  static Outcome compare(const Store& store, Position last, const Content& expected) {
    Content found;
    for (int table = 1; table <= static_cast<int>(Table::kPolicy); ++table) {
      const auto entries = store.scan(static_cast<Table>(table), "", 100'000);
      if (!entries) {
        const bool told = entries.error().code == ErrorCode::kCorrupt;
        return {told ? Verdict::kDetected : Verdict::kWrong, entries.error().message};
      }
      for (const Entry& entry : *entries) {
        found[{static_cast<Table>(table), entry.key}] = entry.value;
      }
    }
    if (store.durable() != last) {
      return {Verdict::kWrong, fmt::format("opened at {} instead of {}", store.durable(), last)};
    }
    return found == expected ? Outcome{Verdict::kHarmless, ""}
                             : Outcome{Verdict::kWrong, "opened with other content"};
  }

  Random random_;
  testing::TempDirectory directory_;
  std::map<std::string, std::string> files_;
  Content content_;
  Position last_ = 0;
};

}  // namespace

std::unique_ptr<Image> store_image(std::uint64_t seed) {
  return std::make_unique<StoreImage>(seed);
}

std::string with_bit_flipped(std::string bytes, std::uint64_t bit) {
  check(bit / 8 < bytes.size(), "the bit is one of the file's");
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  return bytes;
}

}  // namespace skerry::disk
