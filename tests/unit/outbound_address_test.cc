// Which addresses are special, in every way of writing or carrying them.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "controller/outbound/address.h"

namespace skerry::outbound {
namespace {

using ::testing::HasSubstr;

IpAddress address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value();
}

Network network(std::string_view text) {
  const auto parsed = Network::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value();
}

TEST(OutboundAddress, IsReadInOneFormOnly) {
  for (const char* text : {"192.0.2.1", "::1", "2001:db8::1", "::ffff:192.0.2.1"}) {
    EXPECT_EQ(address(text).text(), text);
  }
  for (const std::string_view text :
       {"", "1", "127.1", "0177.0.0.1", "127.0.0.01", "0x7f.0.0.1", "2130706433", "127.0.0.1.",
        " 127.0.0.1", "127.0.0.1 ", "256.0.0.1", "[::1]", "::1%lo", "fe80::1%25eth0", "1:2:3",
        "example", "::1/128"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("127.0.0.1\0.example", 18)));
}

TEST(OutboundAddress, IsReadFromSockets) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(0x7f000001);
  EXPECT_EQ(IpAddress::from(reinterpret_cast<const sockaddr&>(v4)), address("127.0.0.1"));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr.s6_addr[15] = 1;
  EXPECT_EQ(IpAddress::from(reinterpret_cast<const sockaddr&>(v6)), address("::1"));
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  EXPECT_EQ(IpAddress::from(reinterpret_cast<const sockaddr&>(local)), std::nullopt);
}

TEST(OutboundAddress, SpecialOnesAreKnownFromTheFirstToTheLast) {
  const std::vector<std::pair<const char*, const char*>> specials = {
      {"127.0.0.1", "loopback"},
      {"127.255.255.255", "loopback"},
      {"0.0.0.0", "unspecified"},
      {"0.255.255.255", "unspecified"},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"172.16.0.0", "private"},
      {"172.31.255.255", "private"},
      {"192.168.0.0", "private"},
      {"192.168.255.255", "private"},
      {"100.64.0.0", "CGNAT"},
      {"100.127.255.255", "CGNAT"},
      {"100.100.100.200", "CGNAT"},
      {"169.254.0.0", "link-local"},
      {"169.254.169.254", "link-local"},
      {"169.254.255.255", "link-local"},
      {"168.63.129.16", "Azure"},
      {"192.0.0.192", "protocol"},
      {"192.0.2.7", "documentation"},
      {"198.51.100.7", "documentation"},
      {"203.0.113.7", "documentation"},
      {"192.88.99.1", "6to4"},
      {"198.18.0.0", "benchmarks"},
      {"198.19.255.255", "benchmarks"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.0", "reserved"},
      {"255.255.255.255", "broadcast"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::ffff:8.8.8.8", "IPv4-mapped"},
      {"::8.8.8.8", "IPv4-compatible"},
      {"64:ff9b::808:808", "NAT64"},
      {"64:ff9b:1::1", "NAT64"},
      {"100::1", "discarded"},
      {"2001::1", "Teredo"},
      {"2001:db8::1", "documentation"},
      {"3fff::1", "documentation"},
      {"2001:2::1", "protocol"},
      {"2002:808:808::1", "6to4"},
      {"fc00::", "ULA"},
      {"fd00:ec2::254", "ULA"},
      {"fdff:ffff::1", "ULA"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "site-local"},
      {"ff02::1", "multicast"},
      {"5f00::1", "not global"},
      {"4000::1", "not global"},
  };
  for (const auto& [text, what] : specials) {
    EXPECT_THAT(std::string(special_purpose(address(text))), HasSubstr(what)) << text;
    const Status refused = check_address(address(text), {});
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
    EXPECT_THAT(refused.error().message, HasSubstr("'networks'"));
  }
}

TEST(OutboundAddress, NeighboursOfSpecialOnesAreNot) {
  for (const char* text : {"1.1.1.1",         "8.8.8.8",           "9.255.255.255",
                           "11.0.0.0",        "126.255.255.255",   "128.0.0.0",
                           "172.15.255.255",  "172.32.0.0",        "192.167.255.255",
                           "192.169.0.0",     "100.63.255.255",    "100.128.0.0",
                           "169.253.255.255", "169.255.0.0",       "198.17.255.255",
                           "198.20.0.0",      "223.255.255.255",   "168.63.129.15",
                           "2600::1",         "2a00:1450:4001::1", "2001:4860:4860::8888",
                           "2003::1",         "3ffe:ffff::1"}) {
    EXPECT_EQ(special_purpose(address(text)), "") << text;
    EXPECT_TRUE(check_address(address(text), {})) << text;
  }
}

TEST(OutboundAddress, ANamedNetworkIsAllowedAndNoOther) {
  const std::vector<Network> allowed = {network("10.1.0.0/16"), network("fd00:1::/32")};
  EXPECT_TRUE(check_address(address("10.1.2.3"), allowed));
  EXPECT_TRUE(check_address(address("fd00:1::7"), allowed));
  EXPECT_FALSE(check_address(address("10.2.0.1"), allowed));
  EXPECT_FALSE(check_address(address("127.0.0.1"), allowed));
  EXPECT_FALSE(check_address(address("fd00:2::7"), allowed));
}

TEST(OutboundAddress, WhatAnAddressCarriesMustBeAllowedToo) {
  const std::vector<std::pair<const char*, const char*>> carriers = {
      {"::ffff:127.0.0.1", "::ffff:0:0/96"},
      {"::127.0.0.1", "::/96"},
      {"64:ff9b::7f00:1", "64:ff9b::/96"},
      {"2002:7f00:1::1", "2002::/16"},
      {"2001:0:102:304::80ff:fffe", "2001::/32"}};
  for (const auto& [carrier, net] : carriers) {
    EXPECT_EQ(address(carrier).carried(), address("127.0.0.1")) << carrier;
    EXPECT_FALSE(check_address(address(carrier), {})) << carrier;
    const std::vector<Network> outer = {network(net)};
    const Status refused = check_address(address(carrier), outer);
    ASSERT_FALSE(refused) << carrier;
    EXPECT_THAT(refused.error().message, HasSubstr("127.0.0.1 is loopback"));
    const std::vector<Network> inner = {network("127.0.0.0/8")};
    EXPECT_FALSE(check_address(address(carrier), inner)) << carrier;
    const std::vector<Network> both = {network(net), network("127.0.0.0/8")};
    EXPECT_TRUE(check_address(address(carrier), both)) << carrier;
  }
  const std::vector<Network> nat64 = {network("64:ff9b::/96")};
  EXPECT_TRUE(check_address(address("64:ff9b::808:808"), nat64))
      << "the public Internet through NAT64";
}

TEST(OutboundNetwork, IsWrittenWithoutBitsBehindItsPrefix) {
  EXPECT_EQ(network("10.0.0.0/8").text(), "10.0.0.0/8");
  EXPECT_EQ(network("192.0.2.1").text(), "192.0.2.1/32");
  EXPECT_EQ(network("::/0").text(), "::/0");
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "::1/64",
        "::/129", "10/8", "idp.example", "10.0.0.0/ 8", "172.16.0.0/11"}) {
    const auto refused = Network::parse(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr("such as 10.1.0.0/16"));
  }
}

TEST(OutboundNetwork, HasBothEndsAndNothingBeyondThem) {
  const Network odd = network("172.16.0.0/12");
  EXPECT_TRUE(odd.contains(address("172.16.0.0")));
  EXPECT_TRUE(odd.contains(address("172.31.255.255")));
  EXPECT_FALSE(odd.contains(address("172.32.0.0")));
  EXPECT_FALSE(odd.contains(address("::ffff:172.16.0.1"))) << "other family";
  EXPECT_TRUE(network("0.0.0.0/0").contains(address("255.255.255.255")));
  EXPECT_FALSE(network("0.0.0.0/0").contains(address("::")));
  EXPECT_TRUE(network("fe80::/10").contains(address("febf::1")));
  EXPECT_FALSE(network("fe80::/10").contains(address("fec0::1")));
}

}  // namespace
}  // namespace skerry::outbound
