// The check of exported audit trails: whatever is edited, removed, added, moved or cut is found.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "cli/audit_chain.h"
#include "common/digest.h"
#include "common/random.h"

namespace skerry::cli {
namespace {

using Lines = std::vector<std::string>;

std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '"' ? std::string("\\\"") : std::string(1, c);
  }
  return out;
}

Lines trail(std::size_t count, std::uint64_t first = 1) {
  Lines lines;
  std::string hash = to_hex(std::string(32, '\0'));
  for (std::uint64_t seq = first; seq < first + count; ++seq) {
    const std::string line = fmt::format(
        R"({{"seq":{},"at":"2026-11-28T00:00:00Z","by":"token:{}","action":"job.submit","outcome":"done","prev":"{}"}})",
        seq, seq % 7, hash);
    hash = to_hex(sha256(line));
    lines.push_back(fmt::format(R"({{"line":"{}","hash":"{}"}})", quoted(line), hash));
  }
  lines.push_back(fmt::format(R"({{"count":{},"last":{},"hash":"{}","seals":"intact"}})", count,
                              first + count - 1, hash));
  return lines;
}

Result<AuditSummary> check(const Lines& lines) {
  AuditChain chain;
  for (const std::string& line : lines) {
    if (Status added = chain.add(line); !added) {
      return fail(std::move(added).error());
    }
  }
  return chain.finish();
}

TEST(AuditChain, AWholeTrailIsIntactWhereverItBegins) {
  const auto summary = check(trail(20, 100));
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->first, 100u);
  EXPECT_EQ(summary->last, 119u);
  EXPECT_EQ(summary->count, 20u);
  EXPECT_TRUE(check(trail(0)));
}

TEST(AuditChain, AThousandEditsDeletionsInsertionsMovesAndCutsAreAllFound) {
  const Lines whole = trail(50);
  Random random(20261128);
  std::size_t tried = 0;
  for (int round = 0; tried < 1000; ++round) {
    Lines bent = whole;
    const std::size_t at = random.below(bent.size());
    switch (round % 6) {
      case 0: {  // one character
        std::string& line = bent[at];
        char& c = line[random.below(line.size())];
        c = static_cast<char>(random.below(96) + 32);
        break;
      }
      case 1:
        bent.erase(bent.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 2:
        bent.insert(bent.begin() + static_cast<std::ptrdiff_t>(at),
                    bent[random.below(bent.size())]);
        break;
      case 3:
        std::swap(bent[at], bent[random.below(bent.size())]);
        break;
      case 4:
        bent.resize(at);
        break;
      default: {  // an edit with the hash beside it made anew
        const std::string line =
            fmt::format(R"({{"seq":{},"by":"me","prev":"{}"}})", at + 1, to_hex(sha256("x")));
        bent[at] =
            fmt::format(R"({{"line":"{}","hash":"{}"}})", quoted(line), to_hex(sha256(line)));
      }
    }
    if (bent == whole) {
      continue;
    }
    ++tried;
    EXPECT_FALSE(check(bent)) << round << " at " << at;
  }
}

TEST(AuditChain, TheControllersOwnDoubtIsTold) {
  const auto told = check({R"({"count":0,"last":4,"hash":"","seals":"broken","broken":5})"});
  ASSERT_FALSE(told);
  EXPECT_THAT(told.error().message, testing::HasSubstr("entry 5"));
}

}  // namespace
}  // namespace skerry::cli
