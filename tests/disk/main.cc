// skerry-disk-flips: flips bits in files of the store and of the agent (image.h), and says what became of
// it; then lets syncs of a store fail, and says when its process ended (stops.h).
//
//   skerry-disk-flips --flips 10000     so many in logs and journals, and a tenth as many in each other kind
//   skerry-disk-flips --seed 7 --kind wal --image 3 --file 000009.log --bit 1234     one of them again

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "common/random.h"
#include "common/time.h"
#include "tests/disk/image.h"
#include "tests/disk/stops.h"

namespace {

using skerry::Random;
using namespace skerry::disk;

constexpr int kImages = 40;  // of each kind of files
constexpr int kMostShown = 10;

struct Tally {
  std::uint64_t flips = 0;
  std::map<Verdict, std::uint64_t> verdicts;

  std::uint64_t of(Verdict verdict) const {
    const auto found = verdicts.find(verdict);
    return found == verdicts.end() ? 0 : found->second;
  }
};

std::unique_ptr<Image> image_of(const std::string& kind, std::uint64_t seed) {
  return kind == "journal" ? journal_image(seed)
         : kind == "state" ? state_image(seed)
                           : store_image(seed);
}

// As often near the ends of a file as anywhere: there are headers, and what was written last.
std::uint64_t some_bit(Random& random, std::uint64_t bytes) {
  const std::uint64_t near = std::min<std::uint64_t>(bytes, 64) * 8;
  switch (random.below(4)) {
    case 0:
      return random.below(near);
    case 1:
      return bytes * 8 - 1 - random.below(near);
    default:
      return random.below(bytes * 8);
  }
}

struct Stops {
  int count = 0;
  int wrong = 0;
  double longest_s = 0;
  std::uint64_t told_since = 0;

  void run(int stops) {
    for (; count < stops; ++count) {
      const int number = 1 + 3 * count;
      const Stop stop = stop_at_sync(number);
      longest_s = std::max(longest_s, stop.took_s);
      told_since += stop.told_since;
      if (!stop.wrong.empty()) {
        wrong += 1;
        fmt::print(stderr, "WRONG after sync {}: {}\n", number, stop.wrong);
      }
    }
  }
  bool well() const { return wrong == 0 && told_since == 0; }
};

struct Bench {
  std::uint64_t seed = 1;
  std::map<std::string, Tally> kinds{};

  void run(const std::string& kind, std::uint64_t flips) {
    Random random = Random(seed).fork(kind);
    for (int i = 0; i < kImages; ++i) {
      const auto image = image_of(kind, seed * 1000 + static_cast<std::uint64_t>(i));
      std::vector<Place> places = image->places();
      std::erase_if(places, [&](const Place& place) { return place.kind != kind; });
      const std::uint64_t here = flips * (static_cast<std::uint64_t>(i) + 1) / kImages -
                                 flips * static_cast<std::uint64_t>(i) / kImages;
      for (std::uint64_t n = 0; n < here && !places.empty(); ++n) {
        const Place& place = places[random.below(places.size())];
        flip(kind, i, *image, place.file, some_bit(random, place.bytes));
      }
    }
  }

  void flip(const std::string& kind, int number, Image& image, const std::string& file,
            std::uint64_t bit) {
    const Outcome outcome = image.outcome(file, bit);
    Tally& tally = kinds[kind];
    tally.flips += 1;
    if (++tally.verdicts[outcome.verdict] <= kMostShown && outcome.verdict == Verdict::kWrong) {
      fmt::print(stderr, "WRONG --seed {} --kind {} --image {} --file {} --bit {}: {}\n", seed,
                 kind, number, file, bit, outcome.why);
    }
  }

  std::uint64_t count(Verdict verdict) const {
    std::uint64_t all = 0;
    for (const auto& [kind, tally] : kinds) {
      all += tally.of(verdict);
    }
    return all;
  }
};

void print_json(const Bench& bench, const Stops& stops, double took_s) {
  std::string kinds;
  for (const auto& [kind, tally] : bench.kinds) {
    kinds += fmt::format(
        R"({}"{}": {{"flips": {}, "harmless": {}, "detected": {}, "refused": {}, "wrong": {}}})",
        kinds.empty() ? "" : ", ", kind, tally.flips, tally.of(Verdict::kHarmless),
        tally.of(Verdict::kDetected), tally.of(Verdict::kRefused), tally.of(Verdict::kWrong));
  }
  fmt::print(R"({{"seed": {}, "took_s": {:.1f}, "kinds": {{{}}}, )", bench.seed, took_s, kinds);
  fmt::print(R"("stops": {{"count": {}, "wrong": {}, "longest_s": {:.3f}, "told_since": {}}}}})"
             "\n",
             stops.count, stops.wrong, stops.longest_s, stops.told_since);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Flips bits in the files of stores and agents, and says what became of it.");
  std::uint64_t flips = 1000;
  int failed_syncs = 10;
  Stops stops;
  Bench bench;
  std::string kind, file;
  int image = 0;
  std::uint64_t bit = 0;
  app.add_option("--flips", flips, "in logs and journals; a tenth as many in each other kind");
  app.add_option("--stops", failed_syncs, "syncs that fail, each in a process of its own");
  app.add_option("--seed", bench.seed);
  CLI::Option* one = app.add_option("--kind", kind, "one flip: of this kind of file");
  app.add_option("--image", image)->needs(one);
  app.add_option("--file", file)->needs(one);
  app.add_option("--bit", bit)->needs(one);
  CLI11_PARSE(app, argc, argv);
  skerry::SystemClock clock;
  const skerry::Instant began = clock.now();
  if (*one) {
    bench.flip(kind, image, *image_of(kind, bench.seed * 1000 + static_cast<std::uint64_t>(image)),
               file, bit);
  } else {
    bench.run("wal", flips / 2);
    bench.run("journal", flips - flips / 2);
    for (const char* other : {"manifest", "current", "witness", "table", "state"}) {
      bench.run(other, flips / 10);
    }
    stops.run(failed_syncs);
  }
  print_json(bench, stops, skerry::to_seconds(clock.now() - began));
  return bench.count(Verdict::kWrong) == 0 && stops.well() ? 0 : 1;
}
