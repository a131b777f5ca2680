// Keys between two fetches: how long they count, how often they are fetched, and what the log says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "controller/oidc/key_keeper.h"
#include "tests/unit/oidc_key_sources.h"

namespace skerry::oidc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr KeyTimes kTimes = {.refresh = minutes(10), .retry = seconds(30), .stale = hours(1)};
constexpr Instant kStart = TestIssuer::kNow;

KeySet keys_with(std::string_view id) { return key_set({TestIssuer::get().ed25519.jwk(id)}); }
std::unexpected<Error> away() { return fail(ErrorCode::kUnavailable, "the issuer is away"); }

TEST(KeyCache, WantsItsFirstKeysAtOnce) {
  const KeyCache cache(kTimes);
  EXPECT_LT(cache.due(), kStart);
  EXPECT_EQ(cache.keys(kStart), nullptr);
  EXPECT_EQ(cache.problem(), "not fetched yet");
}

TEST(KeyCache, FetchesAgainAfterTheRefresh) {
  KeyCache cache(kTimes);
  cache.fetched(keys_with("a"), kStart);
  EXPECT_EQ(cache.due(), kStart + minutes(10));
  EXPECT_NE(cache.keys(kStart)->find("a"), nullptr);
  cache.fetched(keys_with("b"), kStart + minutes(10));
  EXPECT_EQ(cache.keys(kStart + minutes(10))->find("a"), nullptr)
      << "what an issuer takes back is taken back";
  EXPECT_NE(cache.keys(kStart + minutes(10))->find("b"), nullptr);
}

TEST(KeyCache, AnUnknownKeyBringsOneFetchForEachRetryHoweverOftenItComes) {
  KeyCache cache(kTimes);
  cache.fetched(keys_with("a"), kStart);
  for (int i = 0; i < 1000; ++i) {
    cache.want();
  }
  EXPECT_EQ(cache.due(), kStart + seconds(30));
  cache.fetched(keys_with("a"), kStart + seconds(30));
  EXPECT_EQ(cache.due(), kStart + seconds(30) + minutes(10));
  cache.want();
  EXPECT_EQ(cache.due(), kStart + seconds(60));
}

TEST(KeyCache, KeysGoOnWhileTheIssuerIsAwayButNotForEver) {
  KeyCache cache(kTimes);
  cache.fetched(keys_with("a"), kStart);
  cache.fetched(away(), kStart + minutes(10));
  EXPECT_EQ(cache.problem(), "the issuer is away");
  EXPECT_EQ(cache.due(), kStart + minutes(10) + seconds(30));
  EXPECT_NE(cache.keys(kStart + hours(1) - microseconds(1)), nullptr);
  EXPECT_EQ(cache.keys(kStart + hours(1)), nullptr);
  cache.fetched(keys_with("a"), kStart + hours(2));
  EXPECT_EQ(cache.problem(), "");
  EXPECT_NE(cache.keys(kStart + hours(2)), nullptr);
}

TEST(KeyCache, ASetWithoutKeysReplacesTheKeys) {
  KeyCache cache(kTimes);
  cache.fetched(keys_with("a"), kStart);
  cache.fetched(KeySet{}, kStart + minutes(10));
  EXPECT_TRUE(cache.keys(kStart + minutes(10))->keys.empty());
}

// The keeper waits by the clock of the machine for what is due by the test's: not long.
constexpr KeyTimes kSoon = {.refresh = minutes(10), .retry = milliseconds(1), .stale = hours(1)};

class KeyKeeperTest : public ::testing::Test {
 protected:
  // Lets time pass until so many fetches have begun.
  void await_fetch(unsigned count) {
    await([&] {
      clock_.move(milliseconds(1));
      return script_.fetches() >= count;
    });
  }

  KeyScript script_;
  HandClock clock_;
  std::ostringstream told_;
  std::shared_ptr<Log> log_ =
      make_log({.part = "test"}, std::make_shared<spdlog::sinks::ostream_sink_mt>(told_), false);
};

TEST_F(KeyKeeperTest, FetchesInTheBackgroundAndLetsNobodyWait) {
  KeyKeeper keeper("corp", script_.source(), kSoon, clock_, *log_);
  script_.await_fetches(1);
  EXPECT_EQ(keeper.keys(), nullptr) << "the fetch is under way";
  EXPECT_EQ(keeper.state().problem, "not fetched yet");
  script_.answer(keys_with("a"));
  await([&] { return keeper.keys() != nullptr; });
  EXPECT_NE(keeper.keys()->find("a"), nullptr);
  EXPECT_EQ(keeper.state().problem, "");
  clock_.move(seconds(7));
  EXPECT_EQ(keeper.state().age, seconds(7));
}

TEST_F(KeyKeeperTest, AnUnknownKeyIsFetchedOnceThatIsAllowed) {
  KeyKeeper keeper("corp", script_.source(), kSoon, clock_, *log_);
  script_.answer(keys_with("a"));
  await([&] { return keeper.keys() != nullptr; });
  keeper.want();
  EXPECT_EQ(script_.fetches(), 1u) << "too soon";
  clock_.move(milliseconds(1));
  script_.await_fetches(2);
  script_.answer(keys_with("b"));
  await([&] { return keeper.keys()->find("b") != nullptr; });
}

TEST_F(KeyKeeperTest, KeysOfAnIssuerThatIsAwayGoOn) {
  KeyKeeper keeper("corp", script_.source(), kSoon, clock_, *log_);
  script_.answer(keys_with("a"));
  await([&] { return keeper.keys() != nullptr; });
  clock_.move(minutes(10));
  keeper.want();  // wakes it
  script_.answer(away());
  await([&] { return !keeper.state().problem.empty(); });
  EXPECT_NE(keeper.keys(), nullptr);
  clock_.move(hours(1));
  EXPECT_EQ(keeper.keys(), nullptr);
  script_.answer(keys_with("a"));
  await([&] { return keeper.keys() != nullptr; });
}

TEST_F(KeyKeeperTest, AStopEndsAFetchThatIsUnderWay) {
  KeyKeeper keeper("corp", script_.source(), kSoon, clock_, *log_);
  script_.await_fetches(1);
}  // the destructor returns, though no answer ever comes

TEST_F(KeyKeeperTest, TheLogHasOneLineForEachChange) {
  {
    KeyKeeper keeper("corp", script_.source(), kSoon, clock_, *log_);
    for (unsigned i = 0; i < 3; ++i) {
      await_fetch(i + 1);
      script_.answer(away());
    }
    KeySet odd = keys_with("a");
    odd.notes = {"key 2 is left out: it is weak"};
    await_fetch(4);
    script_.answer(odd);
    await([&] { return keeper.keys() != nullptr; });
  }
  const std::string told = told_.str();
  EXPECT_EQ(std::ranges::count(told, '\n'), 2) << told;
  EXPECT_THAT(
      told,
      HasSubstr("issuer corp gives no keys, known ones go on for a while: the issuer is away"));
  EXPECT_THAT(told, HasSubstr("issuer corp has 1 keys; key 2 is left out: it is weak"));
}

}  // namespace
}  // namespace skerry::oidc
