// Tokens that are accepted, and where exactly that ends; the examples of the RFCs.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "controller/oidc/base64url.h"
#include "tests/unit/oidc_keys.h"

namespace skerry::oidc {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

const TestIssuer& issuer() { return TestIssuer::get(); }

std::string why(const Result<Claims>& claims) { return claims ? "" : claims.error().message; }

TEST(Jwt, AGoodTokenOfEachAlgorithmIsAccepted) {
  for (const auto& [key, id] : {std::pair(issuer().rsa, "rsa-1"),
                                {issuer().p256, "p256-1"},
                                {issuer().ed25519, "ed25519-1"}}) {
    const auto claims = issuer().verify(issuer().token_by(key, id));
    ASSERT_TRUE(claims) << id << ": " << why(claims);
    EXPECT_EQ(claims->issuer, "https://idp.example/realm");
    EXPECT_EQ(claims->subject, "4711");
    EXPECT_EQ(claims->expires_at, TestIssuer::kNow + seconds(600));
    EXPECT_EQ(claims->not_before, TestIssuer::kNow - seconds(10));
    EXPECT_EQ(claims->issued_at, TestIssuer::kNow - seconds(10));
    EXPECT_EQ(claims->all.at("groups"), json::value({"vision-team", "everybody"}));
  }
}

TEST(Jwt, RsaKeysOfOtherLengthsVerify) {
  for (const unsigned bits : {2056U, 3072U}) {
    const SigningKey key = SigningKey::rsa(bits);
    EXPECT_EQ(why(verify(issuer().token_by(key, "k"), key_set({key.jwk("k")}), issuer().rules,
                         TestIssuer::kNow)),
              "")
        << bits;
  }
}

TEST(Jwt, HeadersOfRealIssuersAreAccepted) {
  for (const char* header :
       {R"({"alg":"EdDSA","kid":"ed25519-1"})", R"({"alg":"EdDSA","kid":"ed25519-1","typ":"jwt"})",
        R"({"alg":"EdDSA","kid":"ed25519-1","typ":"at+jwt"})",
        R"({"alg":"EdDSA","kid":"ed25519-1","typ":"application/AT+JWT"})",
        R"( { "kid" : "ed25519-1", "x5t" : "abc", "alg" : "EdDSA" } )"}) {
    EXPECT_EQ(why(issuer().verify(issuer().token_with_header(header))), "") << header;
  }
}

TEST(Jwt, AnAudienceMayBeOneOfSeveralOnBothSides) {
  EXPECT_TRUE(issuer().verify(issuer().token({{"aud", "skerry-cli"}})));
  EXPECT_TRUE(issuer().verify(issuer().token({{"aud", json::array{"other", "skerry"}}})));
  EXPECT_TRUE(issuer().verify(issuer().token({{"aud", json::array{"skerry"}}})));
}

TEST(Jwt, TimesMayBeFractionsAndEndToTheMicrosecond) {
  const std::string token = issuer().token({{"exp", 1'800'000'600.5}, {"nbf", 1'799'999'990.25}});
  const auto claims = issuer().verify(token);
  ASSERT_TRUE(claims) << why(claims);
  EXPECT_EQ(claims->expires_at, TestIssuer::kNow + milliseconds(600'500));
  EXPECT_EQ(claims->not_before, TestIssuer::kNow - milliseconds(9'750));
  const Instant end = claims->expires_at + issuer().rules.skew;
  EXPECT_TRUE(issuer().verify(token, end - microseconds(1)));
  EXPECT_THAT(why(issuer().verify(token, end)), HasSubstr("has expired"));
}

TEST(Jwt, ClocksMayDifferByTheSkewAndNoMore) {
  const std::int64_t ahead = TestIssuer::kNowS + 60;
  EXPECT_TRUE(issuer().verify(issuer().token({{"nbf", ahead}, {"iat", ahead}})));
  EXPECT_THAT(why(issuer().verify(issuer().token({{"nbf", ahead + 1}}))),
              HasSubstr("not valid yet"));
  EXPECT_THAT(why(issuer().verify(issuer().token({{"iat", ahead + 1}}))),
              HasSubstr("not valid yet"));
  EXPECT_TRUE(issuer().verify(issuer().token({{"exp", TestIssuer::kNowS - 5}})));
  Rules exact = issuer().rules;
  exact.skew = Duration(0);
  EXPECT_THAT(why(verify(issuer().token({{"exp", TestIssuer::kNowS}}), issuer().keys, exact,
                         TestIssuer::kNow)),
              HasSubstr("has expired"));
}

TEST(Jwt, ALifeOfJustTheLongestIsAccepted) {
  const std::int64_t began = TestIssuer::kNowS - 10;
  EXPECT_TRUE(issuer().verify(issuer().token({{"iat", began}, {"exp", began + 24 * 3600}})));
  EXPECT_THAT(
      why(issuer().verify(issuer().token({{"iat", began}, {"exp", began + 24 * 3600 + 1}}))),
      HasSubstr("longer than 86400 s"));
}

TEST(Jwt, NotBeforeMayBeMissingWhereTheRulesSaySo) {
  Rules rules = issuer().rules;
  rules.not_before_required = false;
  const auto claims =
      verify(issuer().token({{"nbf", nullptr}}), issuer().keys, rules, TestIssuer::kNow);
  ASSERT_TRUE(claims) << why(claims);
  EXPECT_EQ(claims->not_before, claims->issued_at);
  EXPECT_FALSE(verify(issuer().token({{"nbf", TestIssuer::kNowS + 100}}), issuer().keys, rules,
                      TestIssuer::kNow));
  EXPECT_FALSE(verify(issuer().token({{"nbf", "soon"}}), issuer().keys, rules, TestIssuer::kNow));
}

TEST(Jwt, ATokenOfJustTheLongestSizeIsAccepted) {
  std::string longest;
  for (std::size_t bytes = 11'000; longest.size() <= kMostTokenBytes; ++bytes) {
    std::string token = issuer().token({{"padding", std::string(bytes, 'x')}});
    if (token.size() > kMostTokenBytes) {
      EXPECT_THAT(why(issuer().verify(token)), HasSubstr("more than 16384 bytes"));
      break;
    }
    longest = std::move(token);
  }
  EXPECT_GE(longest.size(), kMostTokenBytes - 1);
  EXPECT_TRUE(issuer().verify(longest));
}

// Signatures alone: the examples' payloads have no audience, and their headers no key id.
bool verifies(const Result<PublicKey>& key, std::string_view token) {
  const std::size_t dot = token.rfind('.');
  const auto signature = from_base64url(token.substr(dot + 1));
  return key && signature && key->verifies(token.substr(0, dot), *signature);
}

std::string bytes(std::string_view text) { return from_base64url(text).value(); }

TEST(Jws, TheExampleOfRfc7515AppendixA2IsByItsRsaKey) {
  const auto key =
      PublicKey::rsa(bytes("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-"
                           "4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-"
                           "SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
                           "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
                           "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"
                           "I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2eth"
                           "FkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"),
                     bytes("AQAB"));
  std::string token =
      "eyJhbGciOiJSUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ."
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
      "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAc"
      "QjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_"
      "eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEs"
      "qtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
      "IoypGlUPQGe77Rw";
  EXPECT_TRUE(verifies(key, token));
  token[30] ^= 1;
  EXPECT_FALSE(verifies(key, token));
}

TEST(Jws, TheExampleOfRfc7515AppendixA3IsByItsP256Key) {
  const auto key = PublicKey::p256(bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                                   bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"));
  std::string token =
      "eyJhbGciOiJFUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ."
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  EXPECT_TRUE(verifies(key, token));
  token[30] ^= 1;
  EXPECT_FALSE(verifies(key, token));
}

TEST(Jws, TheExampleOfRfc8037AppendixA4IsByItsEd25519Key) {
  const auto key = PublicKey::ed25519(bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
  std::string token =
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  EXPECT_TRUE(verifies(key, token));
  token[30] ^= 1;
  EXPECT_FALSE(verifies(key, token));
}

TEST(Base64Url, HasOneTextForTheSameBytes) {
  for (const std::string_view text : {"", "Zg", "Zm8", "Zm9v", "-_-_", "AA"}) {
    const auto decoded = from_base64url(text);
    ASSERT_TRUE(decoded) << text;
    EXPECT_EQ(to_base64url(*decoded), text);
  }
  for (const std::string_view text :
       {"Z", "Zh", "Zm9", "Zg==", "Zg=", "+/+/", "Zm 8", "Zm8\n", "Zm9vZ", "=", "Zm8.", "Zmé"}) {
    EXPECT_FALSE(from_base64url(text)) << text;
  }
}

}  // namespace
}  // namespace skerry::oidc
