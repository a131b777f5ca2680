// The agent's journal, of accepted attempts and spooled results, and its state: identity, incarnation,
// newest epoch.
#include <fmt/core.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <map>
#include <utility>

#include "agent/journal_file.h"
#include "agent/log_journal.h"
#include "agent/state_dir.h"
#include "common/check.h"
#include "common/random.h"
#include "tests/disk/image.h"
#include "tests/unit/store_world.h"

namespace skerry::disk {
namespace {

using namespace agent;
using store::testing::read_file;
using store::testing::TempDirectory;
using store::testing::write_file;

constexpr Instant kNow{};

// What a journal holds, each attempt and result as its record, in order.
struct Held {
  std::vector<std::string> accepted;
  std::vector<std::string> spooled;

  bool operator==(const Held&) const = default;
};

Held held_by(const Journal& journal) {
  Held held;
  for (const AcceptedAttempt& attempt : journal.accepted()) {
    held.accepted.push_back(
        encode_record(AcceptRecord{.assign = attempt.assign, .received = attempt.received}) +
        attempt.manifest->json);
  }
  for (auto spooled = journal.next_spooled(0); spooled;
       spooled = journal.next_spooled(spooled->position)) {
    held.spooled.push_back(encode_record(SpoolRecord{.result = *spooled->result}));
  }
  return held;
}

bool begins_with(const std::vector<std::string>& all, const std::vector<std::string>& beginning) {
  return beginning.size() <= all.size() &&
         std::equal(beginning.begin(), beginning.end(), all.begin());
}

ManifestPtr manifest(std::uint64_t revision) {
  Manifests manifests;
  return manifests
      .resolve("m", revision,
               fmt::format(
                   R"({{"apiVersion": "skerry/v1", "kind": "Model", "metadata": {{"name": "m"}},
         "spec": {{"engine": "noop", "inputs": [{{"name": "x", "kind": "tensor", "dtype": "f32", "shape": [-1]}}],
                  "outputs": [{{"name": "x", "kind": "tensor"}}],
                  "variants": [{{"name": "only", "accuracy": 1.0, "reference_ms": {}}}]}}}})",
                   revision))
      .value();
}

AttemptRef ref(std::uint64_t n) { return {.job = {n}, .number = 1, .uid = {.high = 7, .low = n}}; }

Payload some_payload(Random& random) {
  if (random.chance(0.2)) {
    return Payload::stored(fmt::format("sha256:{:064x}", random.next_u64()), 300'000);
  }
  std::string bytes(random.chance(0.05) ? random.below(40'000) : random.below(300), '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(random.below(256));
  }
  return Payload::inlined(std::move(bytes));
}

AcceptedAttempt some_attempt(Random& random, std::uint64_t n) {
  AcceptedAttempt attempt{.assign = {.attempt = ref(n), .model = "m", .variant = "only"},
                          .manifest = manifest(1 + random.below(3)),
                          .received = kNow + milliseconds(static_cast<std::int64_t>(n))};
  attempt.assign.manifest_revision = attempt.manifest->revision;
  attempt.assign.input = some_payload(random);
  attempt.assign.epoch = Epoch{random.below(9)};
  attempt.assign.interactive = random.chance(0.5);
  return attempt;
}

Ended some_result(Random& random, const AttemptRef& attempt) {
  Ended result{.attempt = attempt};
  result.outcome = random.chance(0.8) ? agent::Outcome::kSucceeded : agent::Outcome::kModelFailed;
  result.error = result.outcome == agent::Outcome::kSucceeded ? "" : "it said no";
  result.output = some_payload(random);
  result.usage.energy_j = random.uniform();
  result.usage.energy_source = "modelled";
  return result;
}

class JournalImage final : public Image {
 public:
  explicit JournalImage(std::uint64_t seed) : random_(seed) {
    JournalFile file(directory_.path(""), io_.get_executor(), [](bool) {});
    check(file.read().has_value(), "an empty directory is read");
    LogJournal journal({.least_rewrite_bytes = 4096 + random_.below(200'000)}, file);
    std::uint64_t next = 1;
    for (std::uint64_t step = 10 + random_.below(150); step > 0; --step) {
      change(journal, next);
      journal.settle(kNow);
      note(journal);
    }
    check(!journal.failed() && !journal.full(), "the disk of this test is well");
    file.close();
    whole_ = read_file(path());
    check(!states_.empty() && states_.rbegin()->first == whole_.size(),
          "the last state is the file's");
  }

  std::vector<Place> places() const override {
    return {{.kind = "journal", .file = "journal", .bytes = whole_.size()}};
  }

  // As the daemon starts (agent/daemon.cc).
  Outcome outcome(const std::string& /*file*/, std::uint64_t bit) override {
    const std::string flipped = with_bit_flipped(whole_, bit);
    write_file(path(), flipped);
    std::filesystem::remove(path() + ".damaged");
    JournalFile file(directory_.path(""), io_.get_executor(), [](bool) {});
    const std::string content = file.read().value();
    LogJournal journal({}, file);
    const std::uint64_t dropped = journal.restore(content).dropped_bytes;
    const std::uint64_t kept = content.size() - dropped;
    if (dropped == 0) {
      return {held_by(journal) == states_.rbegin()->second ? Verdict::kHarmless : Verdict::kWrong,
              "nothing was dropped"};
    }
    if (!file.keep_damaged(content.substr(kept)) ||
        read_file(path() + ".damaged") != flipped.substr(kept)) {
      return {Verdict::kWrong, "what was dropped is not kept"};
    }
    if (kept > bit / 8) {
      return {Verdict::kWrong, fmt::format("byte {} counts, though {} was flipped", kept, bit / 8)};
    }
    if (Outcome before = is_state_before(held_by(journal), kept, bit / 8);
        before.verdict == Verdict::kWrong) {
      return before;
    }
    return goes_on(journal, file);
  }

 private:
  std::string path() const { return directory_.path("journal"); }

  void change(LogJournal& journal, std::uint64_t& next) {
    const auto accepted = journal.accepted_refs();
    const auto spooled = journal.spooled_refs();
    const std::uint64_t dice = random_.below(100);
    if (dice < 45 || (accepted.empty() && spooled.empty())) {
      journal.accept(some_attempt(random_, next++));
    } else if (dice < 75 && !accepted.empty()) {
      journal.finish(some_result(random_, accepted[random_.below(accepted.size())]));
    } else {
      const auto& among = spooled.empty() ? accepted : spooled;
      journal.forget(among[random_.below(among.size())].uid);
    }
  }

  // One change, one record at the end of the file; or the file was replaced by all that is held.
  void note(const LogJournal& journal) {
    const std::uint64_t bytes = std::filesystem::file_size(path());
    if (states_.empty() || bytes < states_.rbegin()->first) {
      states_.clear();
    }
    states_[bytes] = held_by(journal);
  }

  // Up to where it counts, the file says what was so at that time.
  Outcome is_state_before(const Held& found, std::uint64_t kept, std::uint64_t flipped) const {
    const auto after = states_.upper_bound(flipped);
    if (after != states_.begin()) {
      const auto& [bytes, state] = *std::prev(after);
      return {kept >= bytes && found == state ? Verdict::kDetected : Verdict::kWrong,
              fmt::format("{} bytes count of {} that were well", kept, bytes)};
    }
    const Held& first = states_.begin()->second;  // within what was written at once
    const bool beginning = begins_with(first.spooled, found.spooled) &&
                           begins_with(first.accepted, found.accepted) &&
                           (found.accepted.empty() || found.spooled == first.spooled);
    return {beginning ? Verdict::kDetected : Verdict::kWrong, "of what was written at once"};
  }

  // What is kept, and what is accepted next, is there after the next start.
  Outcome goes_on(LogJournal& journal, JournalFile& file) {
    journal.accept(some_attempt(random_, 1'000'000));
    journal.settle(kNow);
    file.close();
    JournalFile again(directory_.path(""), io_.get_executor(), [](bool) {});
    LogJournal restarted({}, again);
    const bool whole = restarted.restore(again.read().value()).dropped_bytes == 0;
    again.close();
    return {whole && held_by(restarted) == held_by(journal) ? Verdict::kDetected : Verdict::kWrong,
            "it goes on"};
  }

  Random random_;
  TempDirectory directory_;
  boost::asio::io_context io_;
  std::string whole_;
  std::map<std::uint64_t, Held>
      states_;  // by the size of the file, since it was written as a whole
};

class StateImage final : public Image {
 public:
  explicit StateImage(std::uint64_t seed) {
    Random random(seed);
    for (std::uint64_t start = 1 + random.below(30); start > 0; --start) {
      auto state = StateDir::open(directory_.path("state")).value();
      check(state.save_epoch(Epoch{newest_epoch_ += random.below(4)}).has_value(), "it is saved");
      identity_ = state.identity();
      incarnation_ = state.incarnation();
    }
    whole_ = read_file(path());
  }

  std::vector<Place> places() const override {
    return {{.kind = "state", .file = "state", .bytes = whole_.size()}};
  }

  Outcome outcome(const std::string& /*file*/, std::uint64_t bit) override {
    const std::string flipped = with_bit_flipped(whole_, bit);
    write_file(path(), flipped);
    const auto state = StateDir::open(directory_.path("state"));
    if (!state) {
      const bool clear = state.error().code == ErrorCode::kCorrupt && read_file(path()) == flipped;
      return {clear ? Verdict::kRefused : Verdict::kWrong, state.error().message};
    }
    const bool right = state->identity() == identity_ && state->incarnation() == incarnation_ + 1 &&
                       state->newest_epoch().value == newest_epoch_;
    return {right ? Verdict::kHarmless : Verdict::kWrong,
            fmt::format("incarnation {}, epoch {}, identity {}", state->incarnation(),
                        state->newest_epoch().value, state->identity())};
  }

 private:
  std::string path() const { return directory_.path("state/state"); }

  TempDirectory directory_;
  std::string whole_;
  std::string identity_;
  std::uint64_t incarnation_ = 0;
  std::uint64_t newest_epoch_ = 0;
};

}  // namespace

std::unique_ptr<Image> journal_image(std::uint64_t seed) {
  return std::make_unique<JournalImage>(seed);
}

std::unique_ptr<Image> state_image(std::uint64_t seed) {
  return std::make_unique<StateImage>(seed);
}

}  // namespace skerry::disk
