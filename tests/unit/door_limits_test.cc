// Tests of who may knock, who is banned, and whose call it is.
#include <gtest/gtest.h>

#include <boost/asio/ip/address.hpp>
#include <set>

#include "common/pki/authority.h"
#include "controller/hub/door/bans.h"
#include "controller/hub/door/callers.h"
#include "controller/hub/door/knocks.h"
#include "controller/peer_address.h"

namespace skerry::door {
namespace {

constexpr Instant kStart = instant_from_us(1'767'225'600'000'000);

controller::PeerAddress peer(const std::string& text) {
  return controller::peer_of(boost::asio::ip::make_address(text));
}
controller::PeerAddress peer(int number) {
  return peer("10.0." + std::to_string(number / 256) + "." + std::to_string(number % 256));
}

TEST(Rate, AllowsABurstAndThenSoManyASecond) {
  const Rate rate{.per_s = 10, .burst = 3};
  Allowance allowance;
  EXPECT_TRUE(allowance.is_unused(rate, kStart));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(allowance.take(rate, kStart));
  }
  EXPECT_FALSE(allowance.take(rate, kStart));
  EXPECT_FALSE(allowance.take(rate, kStart + milliseconds(99)));
  EXPECT_TRUE(allowance.take(rate, kStart + milliseconds(100)));
  EXPECT_FALSE(allowance.take(rate, kStart + milliseconds(100)));
  EXPECT_FALSE(allowance.is_unused(rate, kStart + milliseconds(350)));
  EXPECT_TRUE(allowance.is_unused(rate, kStart + milliseconds(400)));
}

TEST(Rate, IsNotRefilledByAClockThatGoesBack) {
  const Rate rate{.per_s = 10, .burst = 1};
  Allowance allowance;
  EXPECT_TRUE(allowance.take(rate, kStart));
  EXPECT_FALSE(allowance.take(rate, kStart - hours(1)));
}

TEST(PeerAddress, CountsAnIpv6NetworkAndAnIpv4AddressAsOne) {
  EXPECT_EQ(peer("2001:db8:1:2:3::1"), peer("2001:db8:1:2:ffff::2"));
  EXPECT_NE(peer("2001:db8:1:2::1"), peer("2001:db8:1:3::1"));
  EXPECT_EQ(peer("192.0.2.1"), peer("::ffff:192.0.2.1"));
  EXPECT_NE(peer("192.0.2.1"), peer("192.0.2.2"));
}

TEST(Knocks, OfOneAddressAreBoundedAndThoseOfOthersGoOn) {
  Knocks knocks({.per_address = 3, .of_address = {1, 100}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(knocks.knock(peer(1), kStart), Knocks::Answer::kEnter);
  }
  EXPECT_EQ(knocks.knock(peer(1), kStart), Knocks::Answer::kAddressFull);
  EXPECT_EQ(knocks.knock(peer(2), kStart), Knocks::Answer::kEnter);
  EXPECT_EQ(knocks.ended(peer(1), Knocks::End::kProved, kStart), Knocks::End::kProved);
  EXPECT_EQ(knocks.knock(peer(1), kStart), Knocks::Answer::kEnter);
}

TEST(Knocks, ComeNoMoreOftenThanTheRateEvenIfAllProve) {
  Knocks knocks({.of_address = {.per_s = 10, .burst = 5}});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(knocks.knock(peer(1), kStart), Knocks::Answer::kEnter);
    EXPECT_EQ(knocks.ended(peer(1), Knocks::End::kProved, kStart), Knocks::End::kProved);
  }
  EXPECT_EQ(knocks.knock(peer(1), kStart), Knocks::Answer::kTooOften);
  EXPECT_EQ(knocks.knock(peer(1), kStart + milliseconds(100)), Knocks::Answer::kEnter);
}

TEST(Knocks, ThatFailTooOftenAreTimeForABan) {
  Knocks knocks({.failures = {.per_s = 1, .burst = 3}});
  const auto fail = [&](Instant at) {
    EXPECT_EQ(knocks.knock(peer(1), at), Knocks::Answer::kEnter);
    return knocks.ended(peer(1), Knocks::End::kFailed, at);
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(fail(kStart), Knocks::End::kFailed);
  }
  EXPECT_EQ(fail(kStart), Knocks::End::kFailedTooOften);
  EXPECT_EQ(fail(kStart + seconds(1)), Knocks::End::kFailed);
}

TEST(Knocks, RememberNoMoreAddressesThanTheirBound) {
  Knocks knocks({.of_address = {.per_s = 1, .burst = 5}, .addresses = 100});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(knocks.knock(peer(i), kStart), Knocks::Answer::kEnter);
  }
  EXPECT_EQ(knocks.knock(peer(100), kStart), Knocks::Answer::kFull);
  EXPECT_EQ(knocks.knock(peer(7), kStart), Knocks::Answer::kEnter);
  // Those whose handshakes have ended are forgotten once their rates have recovered.
  for (int i = 0; i < 50; ++i) {
    knocks.ended(peer(i), Knocks::End::kProved, kStart);
  }
  EXPECT_EQ(knocks.knock(peer(100), kStart), Knocks::Answer::kFull);
  const Instant later = kStart + seconds(3);
  for (int i = 100; i < 149; ++i) {  // 7 has another one under way
    EXPECT_EQ(knocks.knock(peer(i), later), Knocks::Answer::kEnter) << i;
  }
  EXPECT_EQ(knocks.knock(peer(200), later), Knocks::Answer::kFull);
  EXPECT_EQ(knocks.addresses(), 100u);
}

TEST(Bans, LastForAWhile) {
  Bans bans(10, seconds(60));
  bans.ban("edge-1", kStart);
  bans.ban(peer(1), kStart);
  EXPECT_TRUE(bans.has("edge-1", kStart + seconds(59)));
  EXPECT_TRUE(bans.has(peer(1), kStart + seconds(59)));
  EXPECT_FALSE(bans.has("edge-2", kStart));
  EXPECT_FALSE(bans.has(peer(2), kStart));
  EXPECT_FALSE(bans.has("edge-1", kStart + seconds(60)));
}

TEST(Bans, AreBoundedAndTheOldestMakesRoom) {
  Bans bans(3, seconds(60));
  for (int i = 0; i < 100; ++i) {
    bans.ban(peer(i), kStart + milliseconds(i));
    EXPECT_LE(bans.size(), 3u);
  }
  EXPECT_TRUE(bans.has(peer(99), kStart + seconds(1)));
  EXPECT_TRUE(bans.has(peer(97), kStart + seconds(1)));
  EXPECT_FALSE(bans.has(peer(96), kStart + seconds(1)));
}

TEST(Callers, AreFoundByTheirSecretUntilTheyAreGone) {
  const auto authority = pki::Authority::make("test.skerry", kStart);
  const auto key = pki::PrivateKey::generate().public_key();
  const auto caller = [&](std::uint64_t number) {
    return std::make_shared<const Caller>(
        Caller{.connection = number,
               .certificate = authority.sign_node(key, "edge-1", kStart)->front(),
               .address = "192.0.2.1:5"});
  };
  Callers callers;
  std::set<std::string> secrets;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    const std::string secret = callers.add(caller(i));
    EXPECT_EQ(secret.size(), 32u);
    EXPECT_TRUE(secrets.insert(secret).second);
    EXPECT_EQ(callers.find(secret)->connection, i);
  }
  callers.remove(*secrets.begin());
  EXPECT_EQ(callers.find(*secrets.begin()), nullptr);
  EXPECT_NE(callers.find(*secrets.rbegin()), nullptr);
  EXPECT_EQ(callers.find(""), nullptr);
  EXPECT_EQ(callers.find("fd:7"), nullptr);
}

}  // namespace
}  // namespace skerry::door
