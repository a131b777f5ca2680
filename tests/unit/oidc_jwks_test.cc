// Sets of keys as issuers publish them: what is taken, what is left out and why, what is refused as a whole.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "controller/oidc/jwks.h"
#include "tests/unit/oidc_keys.h"

namespace skerry::oidc {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const TestIssuer& issuer() { return TestIssuer::get(); }

template <typename Value>
json::object with(json::object key, std::string_view name, const Value& value) {
  key[name] = value;
  return key;
}

json::object without(json::object key, std::string_view name) {
  key.erase(name);
  return key;
}

// The note about a set's one key; empty if it is taken.
std::string note_of(const json::object& key) {
  const auto set = parse_key_set(key_set_text({key}));
  EXPECT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->keys.size() + set->notes.size(), 1u);
  return set->notes.empty() ? "" : set->notes.front();
}

TEST(KeySet, HasTheKeysOfEachKindByTheirIds) {
  const auto set = parse_key_set(
      key_set_text({issuer().rsa.jwk("a"), issuer().p256.jwk("b"), issuer().ed25519.jwk("c")}));
  ASSERT_TRUE(set);
  EXPECT_THAT(set->notes, IsEmpty());
  ASSERT_THAT(set->keys, SizeIs(3));
  EXPECT_EQ(set->find("a")->algorithm(), Algorithm::kRs256);
  EXPECT_EQ(set->find("b")->algorithm(), Algorithm::kEs256);
  EXPECT_EQ(set->find("c")->algorithm(), Algorithm::kEdDsa);
  EXPECT_EQ(set->find("a")->signature_bytes(), 256u);
  EXPECT_EQ(set->find("d"), nullptr);
  EXPECT_EQ(set->find("A"), nullptr);
  EXPECT_EQ(set->find(""), nullptr);
}

TEST(KeySet, TakesKeysThatSayNothingOfTheirUse) {
  const json::object plain = issuer().p256.jwk("k");
  EXPECT_EQ(note_of(without(plain, "use")), "");
  EXPECT_EQ(note_of(without(plain, "alg")), "");
  EXPECT_EQ(note_of(with(plain, "key_ops", json::array{"sign", "verify"})), "");
  EXPECT_EQ(note_of(with(plain, "x5c", json::array{"MIIB"})), "");
  EXPECT_EQ(note_of(with(plain, "issuer", "https://other.example")), "")
      << "unknown members are ignored (RFC 7517, 4)";
}

TEST(KeySet, LeavesOutKeysForSomethingElse) {
  const json::object p256 = issuer().p256.jwk("k");
  const json::object rsa = issuer().rsa.jwk("k");
  EXPECT_THAT(note_of(with(p256, "use", "enc")),
              HasSubstr("key 1 ('k') is left out: 'use' is not sig"));
  EXPECT_THAT(note_of(with(p256, "use", 1)), HasSubstr("'use' is not sig"));
  EXPECT_THAT(note_of(with(p256, "key_ops", json::array{"encrypt"})),
              HasSubstr("'key_ops' has no verify"));
  EXPECT_THAT(note_of(with(p256, "key_ops", json::array{})), HasSubstr("'key_ops' has no verify"));
  EXPECT_THAT(note_of(with(p256, "key_ops", "verify")), HasSubstr("'key_ops' has no verify"));
  for (const char* algorithm : {"RS512", "PS256", "RSA-OAEP", "HS256", "none", "ES256", ""}) {
    EXPECT_THAT(note_of(with(rsa, "alg", algorithm)), HasSubstr("'alg' is not RS256")) << algorithm;
  }
  EXPECT_THAT(note_of(with(p256, "alg", "ES384")), HasSubstr("'alg' is not ES256"));
  EXPECT_THAT(note_of(with(issuer().ed25519.jwk("k"), "alg", "Ed448")),
              HasSubstr("'alg' is not EdDSA"));
  EXPECT_THAT(note_of({{"kty", "oct"}, {"kid", "k"}, {"alg", "HS256"}, {"k", "c2VjcmV0"}}),
              HasSubstr("'k' is a secret"));
  EXPECT_THAT(note_of(with(p256, "d", "c2VjcmV0")), HasSubstr("'d' is a secret"));
}

TEST(KeySet, LeavesOutKeysThatNoTokenCanName) {
  const json::object key = issuer().p256.jwk("k");
  EXPECT_THAT(note_of(without(key, "kid")), HasSubstr("key 1 is left out: 'kid' is not a text"));
  EXPECT_THAT(note_of(with(key, "kid", "")), HasSubstr("'kid' is not a text"));
  EXPECT_THAT(note_of(with(key, "kid", 7)), HasSubstr("'kid' is not a text"));
  EXPECT_THAT(note_of(with(key, "kid", std::string(257, 'k'))), HasSubstr("'kid' is not a text"));
  EXPECT_EQ(note_of(with(key, "kid", std::string(256, 'k'))), "");
}

TEST(KeySet, LeavesOutWeakRsaKeys) {
  EXPECT_THAT(note_of(SigningKey::rsa(1024).jwk("k")),
              HasSubstr("an RSA key of 1024 bits; 2048 to 8192 are taken"));
  EXPECT_THAT(note_of(SigningKey::rsa(2047).jwk("k")), HasSubstr("an RSA key of 2047 bits"));
  EXPECT_THAT(note_of(SigningKey::rsa(2048, 3).jwk("k")),
              HasSubstr("exponent that is even or less than 65537"));
  const json::object good = issuer().rsa.jwk("k");
  const auto n = [&](std::string bytes) { return note_of(with(good, "n", to_base64url(bytes))); };
  const auto e = [&](std::string bytes) { return note_of(with(good, "e", to_base64url(bytes))); };
  EXPECT_THAT(n(std::string(1025, '\xff')), HasSubstr("of 8200 bits"));
  EXPECT_THAT(n(std::string(3000, '\xff')), HasSubstr("of more than 8192 bits"));
  EXPECT_THAT(n(std::string(255, '\xff') + '\xfe'), HasSubstr("whose numbers are not those of one"))
      << "even";
  EXPECT_THAT(n(std::string(256, '\xff')), HasSubstr("whose numbers are not those of one"))
      << "divisible by 3";
  EXPECT_THAT(n(std::string(256, '\0')), HasSubstr("of 0 bits"));
  EXPECT_THAT(e(""), HasSubstr("'e' is missing"));
  EXPECT_THAT(e("\x01"), HasSubstr("exponent"));
  EXPECT_THAT(e(std::string("\x01\x00\x00", 3)), HasSubstr("exponent"));
  EXPECT_THAT(e(std::string(5, '\x01')), HasSubstr("exponent of more than 4 bytes"));
}

TEST(KeySet, LeavesOutPointsThatAreNotOnTheirCurve) {
  const json::object p256 = issuer().p256.jwk("k");
  const auto x = [&](std::string bytes) { return note_of(with(p256, "x", to_base64url(bytes))); };
  EXPECT_THAT(x(std::string(32, '\x07')), HasSubstr("a point that is not on P-256"));
  EXPECT_THAT(x(std::string(32, '\xff')), HasSubstr("a point that is not on P-256"));
  EXPECT_THAT(x(std::string(31, '\x07')), HasSubstr("32 bytes each"));
  EXPECT_THAT(x(std::string(33, '\0')), HasSubstr("32 bytes each"));
  EXPECT_THAT(note_of(with(with(p256, "x", to_base64url(std::string(32, '\0'))), "y",
                           to_base64url(std::string(32, '\0')))),
              HasSubstr("a point that is not on P-256"));
  for (const char* curve : {"P-384", "P-521", "secp256k1", "p-256", ""}) {
    EXPECT_THAT(note_of(with(p256, "crv", curve)), HasSubstr("none of RSA, EC on P-256")) << curve;
  }
}

TEST(KeySet, LeavesOutKeysOfEd25519ForWhichAnybodyCanSign) {
  const json::object ed25519 = issuer().ed25519.jwk("k");
  const auto point = [&](std::string bytes) {
    return note_of(with(ed25519, "x", to_base64url(bytes)));
  };
  const std::string zeros(31, '\0');
  const std::string p = '\xed' + std::string(30, '\xff') + '\x7f';
  for (const std::string& low :
       {'\x01' + zeros, zeros + '\0', zeros + '\x80', '\x01' + std::string(30, '\0') + '\x80',
        '\xec' + std::string(30, '\xff') + '\x7f', '\xec' + std::string(31, '\xff'), p,
        '\xee' + p.substr(1)}) {
    EXPECT_THAT(point(low), HasSubstr("of small order"));
  }
  EXPECT_THAT(point(std::string(31, 'x')), HasSubstr("32 bytes"));
  EXPECT_THAT(point(std::string(33, 'x')), HasSubstr("32 bytes"));
  EXPECT_THAT(note_of(with(ed25519, "crv", "X25519")), HasSubstr("OKP on Ed25519"));
  EXPECT_THAT(note_of(with(ed25519, "kty", "EC")), HasSubstr("OKP on Ed25519"));
}

TEST(KeySet, LeavesOutWhatIsMissingOrNotBase64Url) {
  const json::object p256 = issuer().p256.jwk("k");
  EXPECT_THAT(note_of(without(p256, "y")), HasSubstr("'y' is missing"));
  EXPECT_THAT(note_of(with(p256, "y", 5)), HasSubstr("'y' is not a text"));
  EXPECT_THAT(note_of(with(p256, "y", std::string(p256.at("y").get_string()) + "=")),
              HasSubstr("'y' is missing or not base64url"));
  EXPECT_THAT(note_of(without(p256, "kty")), HasSubstr("none of RSA"));
  EXPECT_THAT(note_of(with(p256, "kty", 1)), HasSubstr("'kty' is not a text"));
  const auto set = parse_key_set(R"({"keys":[1,"x",null,[]]})");
  ASSERT_TRUE(set);
  EXPECT_THAT(set->notes, SizeIs(4));
}

TEST(KeySet, OfTwoKeysWithOneIdTakesTheFirst) {
  const auto set = parse_key_set(
      key_set_text({issuer().p256.jwk("k"), issuer().ed25519.jwk("k"), issuer().rsa.jwk("other")}));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->find("k")->algorithm(), Algorithm::kEs256);
  EXPECT_THAT(set->notes,
              ElementsAre(HasSubstr("key 2 ('k') is left out: an earlier key has its id")));
}

TEST(KeySet, AKeyThatIsLeftOutTakesNobodysId) {
  const auto set = parse_key_set(
      key_set_text({with(issuer().p256.jwk("k"), "use", "enc"), issuer().ed25519.jwk("k")}));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->find("k")->algorithm(), Algorithm::kEdDsa);
}

TEST(KeySet, NotesShowForeignIdsInPrintAndShort) {
  EXPECT_THAT(note_of({{"kid", "a\nb" + std::string(100, 'x')}}),
              HasSubstr("('a?b" + std::string(37, 'x') + "')"));
}

TEST(KeySet, MayHaveNoKeyAtAll) {
  const auto set = parse_key_set(R"({"keys":[]})");
  ASSERT_TRUE(set);
  EXPECT_THAT(set->keys, IsEmpty());
}

TEST(KeySet, IsRefusedWhereItIsNoSet) {
  std::string many = R"({"keys":[{})";
  for (int i = 0; i < 100; ++i) {
    many += ",{}";
  }
  const std::vector<std::pair<std::string, const char*>> rows = {
      {"", "the set of keys is not valid JSON"},
      {"<html>", "is not valid JSON"},
      {"[]", "is not a JSON object"},
      {"{}", "has no list 'keys'"},
      {R"({"keys":{}})", "has no list 'keys'"},
      {R"({"keys":[],"keys":[]})", "has a member twice"},
      {R"({"keys":[{"kid":"a","kid":"b"}]})", "has a member twice"},
      {many + "]}", "at most 100"},
      {R"({"keys":[)" + std::string(100, '[') + std::string(100, ']') + "]}",
       "nested deeper than 8"},
      {std::string(kMostSetBytes + 1, ' '), "at most 262144 are taken"},
      {R"({"keys":[)" + std::string(20'000, '0') + "]}", "is not valid JSON"},
  };
  for (const auto& [text, why] : rows) {
    const auto set = parse_key_set(text);
    ASSERT_FALSE(set) << text.substr(0, 60);
    EXPECT_THAT(set.error().message, HasSubstr(why));
  }
}

}  // namespace
}  // namespace skerry::oidc
