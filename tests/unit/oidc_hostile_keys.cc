// What is done to the algorithm, to signatures, to the key's id and to the header.

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "common/check.h"
#include "controller/oidc/base64url.h"
#include "tests/unit/oidc_hostile_tokens.h"
#include "tests/unit/oidc_keys.h"

namespace skerry::oidc {

namespace json = boost::json;

namespace {

const TestIssuer& issuer() { return TestIssuer::get(); }

std::string payload_text() { return json::serialize(issuer().payload()); }

std::string header_text(std::string_view algorithm, std::string_view id) {
  return json::serialize(TestIssuer::header(algorithm, id));
}

// Header and payload encoded, with the dot between them.
std::string signed_text(std::string_view header) {
  return to_base64url(header) + "." + to_base64url(payload_text());
}

std::string with_signature(std::string_view text, std::string_view signature) {
  return fmt::format("{}.{}", text, to_base64url(signature));
}

// Signed with what everybody knows as the secret.
std::string by_hmac(std::string_view algorithm, std::string_view id, std::string_view secret,
                    const EVP_MD* digest) {
  const std::string text = signed_text(header_text(algorithm, id));
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  check(
      HMAC(digest, secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size) != nullptr,
      "a test makes an HMAC");
  return with_signature(text, {reinterpret_cast<char*>(mac), size});
}

// A header as it is, well signed by the key of Ed25519.
HostileToken header(std::string name, std::string_view text, std::string why) {
  return {std::move(name), issuer().token_with_header(text), std::move(why)};
}

std::string number(const char* hex) {
  BIGNUM* value = nullptr;
  check(BN_hex2bn(&value, hex) > 0, "a number is written in hex");
  std::string bytes(32, '\0');
  BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()), 32);
  BN_free(value);
  return bytes;
}

// a + b, least significant byte first.
std::string add_little_endian(std::string a, std::string_view b) {
  int carry = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const int sum = static_cast<unsigned char>(a[i]) + static_cast<unsigned char>(b[i]) + carry;
    a[i] = static_cast<char>(sum & 0xff);
    carry = sum >> 8;
  }
  return a;
}

std::vector<HostileToken> hostile_es256() {
  const std::string n =
      number("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");  // SEC 2, 2.4.2
  const std::string zero(32, '\0');
  const std::string one = zero.substr(1) + '\x01';
  const std::string text = signed_text(header_text("ES256", "p256-1"));
  const std::string good = issuer().p256.sign(text);
  const std::string r = good.substr(0, 32);
  const std::string s = good.substr(32);
  const std::string asn1 = issuer().p256.sign_rsa(text, EVP_sha256(), false);
  const std::string wrong = "signature is wrong";
  const std::string length = "signature has not the length";
  return {{"ES256: ASN.1 instead of two numbers", with_signature(text, asn1), length},
          {"ES256: r and s are zero", with_signature(text, zero + zero), wrong},
          {"ES256: r is zero", with_signature(text, zero + s), wrong},
          {"ES256: s is zero", with_signature(text, r + zero), wrong},
          {"ES256: r is the order", with_signature(text, n + s), wrong},
          {"ES256: s is the order", with_signature(text, r + n), wrong},
          {"ES256: r and s are one", with_signature(text, one + one), wrong},
          {"ES256: all bits set", with_signature(text, std::string(64, '\xff')), wrong},
          {"ES256: r and s change places", with_signature(text, s + r), wrong},
          {"ES256: a byte short", with_signature(text, good.substr(0, 63)), length},
          {"ES256: a byte long", with_signature(text, good + '\0'), length},
          {"ES256: r alone", with_signature(text, r), length},
          {"ES256: numbers of 33 bytes", with_signature(text, '\0' + r + '\0' + s), length}};
}

std::vector<HostileToken> hostile_ed25519() {
  // The order of the base point (RFC 8032, 5.1), least significant byte first.
  std::string order = number("1000000000000000000000000000000014DEF9DEA2F79CD65812631A5CF5D3ED");
  std::ranges::reverse(order);
  const std::string text = signed_text(header_text("EdDSA", "ed25519-1"));
  const std::string good = issuer().ed25519.sign(text);
  const std::string identity = '\x01' + std::string(31, '\0');
  const std::string wrong = "signature is wrong";
  const std::string length = "signature has not the length";
  return {
      {"EdDSA: zeros", with_signature(text, std::string(64, '\0')), wrong},
      {"EdDSA: s and the order",
       with_signature(text, good.substr(0, 32) + add_little_endian(good.substr(32), order)), wrong},
      {"EdDSA: the neutral point and zero", with_signature(text, identity + std::string(32, '\0')),
       wrong},
      {"EdDSA: a byte short", with_signature(text, good.substr(0, 63)), length},
      {"EdDSA: a byte long", with_signature(text, good + 'x'), length},
      {"EdDSA: of the payload alone",
       with_signature(text, issuer().ed25519.sign(to_base64url(payload_text()))), wrong},
      {"EdDSA: of what is encoded", with_signature(text, issuer().ed25519.sign(payload_text())),
       wrong},
      {"EdDSA: of another token", with_signature(text, issuer().ed25519.sign("x.y")), wrong}};
}

std::vector<HostileToken> hostile_rs256() {
  const SigningKey& key = issuer().rsa;
  const std::string text = signed_text(header_text("RS256", "rsa-1"));
  // The DigestInfo of SHA-256 (RFC 8017, 9.2) before a digest that is right.
  const std::string info(
      "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19);
  const std::string without_null(
      "\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20", 17);
  std::string digest(32, '\0');
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
             EVP_sha256(), nullptr);
  const auto block = [&](const std::string& end, std::size_t padding, const std::string& garbage) {
    std::string bytes =
        std::string("\0\x01", 2) + std::string(padding, '\xff') + '\0' + end + garbage;
    bytes.resize(256, '\0');
    return with_signature(text, key.sign_block(bytes));
  };
  const std::string wrong = "signature is wrong";
  const std::string length = "signature has not the length";
  return {{"RS256: zeros", with_signature(text, std::string(256, '\0')), wrong},
          {"RS256: one", with_signature(text, std::string(255, '\0') + '\x01'), wrong},
          {"RS256: all bits set", with_signature(text, std::string(256, '\xff')), wrong},
          {"RS256: a byte short", with_signature(text, key.sign(text).substr(0, 255)), length},
          {"RS256: a zero before it", with_signature(text, '\0' + key.sign(text)), length},
          {"RS256: little padding, garbage behind", block(info + digest, 8, std::string(100, 'x')),
           wrong},
          {"RS256: no padding", block(info + digest, 0, ""), wrong},
          {"RS256: a digest without its NULL", block(without_null + digest, 256 - 3 - 17 - 32, ""),
           wrong},
          {"RS256: a digest without its name", block(digest, 256 - 3 - 32, ""), wrong},
          {"RS256: PSS", with_signature(text, key.sign_rsa(text, EVP_sha256(), true)), wrong},
          {"RS256: SHA-512", with_signature(text, key.sign_rsa(text, EVP_sha512(), false)), wrong},
          {"RS256: SHA-1", with_signature(text, key.sign_rsa(text, EVP_sha1(), false)), wrong}};
}

void append(std::vector<HostileToken>& all, std::vector<HostileToken> more) {
  std::ranges::move(more, std::back_inserter(all));
}

}  // namespace

std::vector<HostileToken> hostile_algorithms() {
  const std::string not_it = "'alg' is not";
  const std::string unsigned_text = signed_text(R"({"alg":"none","kid":"ed25519-1"})");
  std::vector<HostileToken> all = {
      {"none, without a signature", unsigned_text + ".", not_it},
      {"none, with a good signature",
       with_signature(unsigned_text, issuer().ed25519.sign(unsigned_text)), not_it},
      {"HS256 by the RSA key's PEM", by_hmac("HS256", "rsa-1", issuer().rsa.pem(), EVP_sha256()),
       not_it},
      {"HS256 by the RSA key's DER", by_hmac("HS256", "rsa-1", issuer().rsa.der(), EVP_sha256()),
       not_it},
      {"HS256 by the RSA key's JWK",
       by_hmac("HS256", "rsa-1", json::serialize(issuer().rsa.jwk("rsa-1")), EVP_sha256()), not_it},
      {"HS256 by the P-256 key's PEM",
       by_hmac("HS256", "p256-1", issuer().p256.pem(), EVP_sha256()), not_it},
      {"HS256 by the Ed25519 key",
       by_hmac("HS256", "ed25519-1", issuer().ed25519.public_raw(), EVP_sha256()), not_it},
      {"HS256 by an empty secret", by_hmac("HS256", "rsa-1", "", EVP_sha256()), not_it},
      {"HS512 by the Ed25519 key",
       by_hmac("HS512", "ed25519-1", issuer().ed25519.public_raw(), EVP_sha512()), not_it},
      {"an HMAC that says it is EdDSA",
       by_hmac("EdDSA", "ed25519-1", issuer().ed25519.public_raw(), EVP_sha512()),
       "signature is wrong"},
      {"ES256 by the RSA key's id",
       sign_texts(header_text("ES256", "rsa-1"), payload_text(), issuer().p256), not_it},
      {"RS256 by the P-256 key's id",
       sign_texts(header_text("RS256", "p256-1"), payload_text(), issuer().rsa), not_it},
      {"an Ed25519 signature as ES256",
       sign_texts(header_text("ES256", "p256-1"), payload_text(), issuer().ed25519),
       "signature is wrong"},
      {"a P-256 signature as EdDSA",
       sign_texts(header_text("EdDSA", "ed25519-1"), payload_text(), issuer().p256),
       "signature is wrong"}};
  for (const char* algorithm : {"None", "NONE", "nOnE", "", "eddsa", "EDDSA", "EdDSA ", " EdDSA",
                                "Ed25519", "ES256K", "RS256,EdDSA", "ЕdDSA"}) {
    all.push_back(header(fmt::format("the algorithm '{}'", algorithm),
                         header_text(algorithm, "ed25519-1"), not_it));
  }
  for (const char* value : {"null", "1", "true", R"(["EdDSA"])", R"({"EdDSA":1})"}) {
    all.push_back(header(fmt::format("the algorithm {}", value),
                         fmt::format(R"({{"alg":{},"kid":"ed25519-1"}})", value),
                         *value == '[' || *value == '{' ? "nested deeper" : not_it));
  }
  all.push_back(header("no algorithm", R"({"kid":"ed25519-1"})", not_it));
  for (const char* algorithm : {"RS384", "RS512", "PS256", "PS512"}) {
    const std::string text = signed_text(header_text(algorithm, "rsa-1"));
    const bool sha512 = std::string_view(algorithm).ends_with("512");
    const std::string signature =
        issuer().rsa.sign_rsa(text, sha512 ? EVP_sha512() : EVP_sha256(), *algorithm == 'P');
    all.push_back({fmt::format("{} by an RSA key for RS256", algorithm),
                   with_signature(text, signature), not_it});
  }
  return all;
}

std::vector<HostileToken> hostile_signatures() {
  std::vector<HostileToken> all = hostile_es256();
  append(all, hostile_ed25519());
  append(all, hostile_rs256());
  for (const auto& [made, id] : {std::pair(SigningKey::rsa(), "rsa-1"),
                                 {SigningKey::p256(), "p256-1"},
                                 {SigningKey::ed25519(), "ed25519-1"}}) {
    all.push_back({fmt::format("by a stranger's key that calls itself {}", id),
                   issuer().token_by(made, id), "signature is wrong"});
  }
  const std::string text = signed_text(header_text("EdDSA", "ed25519-1"));
  all.push_back({"an empty signature", text + ".", "signature has not the length"});
  all.push_back({"a signature of many bytes", with_signature(text, std::string(4000, 'x')),
                 "signature has not the length"});
  return all;
}

std::vector<HostileToken> hostile_key_ids() {
  const std::string unknown = "no key of this id";
  std::vector<HostileToken> all;
  for (const char* id : {"../../../../../../dev/null",
                         "/etc/passwd",
                         "keys/../ed25519-1",
                         "' OR '1'='1",
                         "x'; DROP TABLE keys; --",
                         "*",
                         "%",
                         "http://evil.example/keys",
                         "ED25519-1",
                         "ed25519-1 ",
                         " ed25519-1",
                         "ed25519-1/",
                         "еd25519-1",
                         "ed25519-1\\n",
                         "__proto__",
                         "0",
                         "rsa",
                         "ed25519-1,rsa-1",
                         "${jndi:ldap://evil.example}",
                         "$(id)"}) {
    all.push_back(header(fmt::format("the key id '{}'", id), header_text("EdDSA", id), unknown));
  }
  const std::string shape = "'kid' is not a text of 1 to 256 bytes";
  all.push_back(header("no key id", R"({"alg":"EdDSA"})", shape));
  all.push_back(header("an empty key id", header_text("EdDSA", ""), shape));
  all.push_back(
      header("a key id of 257 bytes", header_text("EdDSA", std::string(257, 'k')), shape));
  all.push_back(header("a giant key id", header_text("EdDSA", std::string(8000, 'k')),
                       "header has more than 2048"));
  all.push_back(header("a number as key id", R"({"alg":"EdDSA","kid":1})", shape));
  all.push_back(header("null as key id", R"({"alg":"EdDSA","kid":null})", shape));
  all.push_back(
      header("a list of key ids", R"({"alg":"EdDSA","kid":["ed25519-1"]})", "nested deeper"));
  all.push_back(header("two key ids", R"({"alg":"EdDSA","kid":"none","kid":"ed25519-1"})",
                       "has a member twice"));
  all.push_back(header("two key ids, one escaped",
                       R"({"alg":"EdDSA","kid":"none","\u006bid":"ed25519-1"})",
                       "has a member twice"));
  all.push_back(header("a NUL in the key id", R"({"alg":"EdDSA","kid":"ed25519-1\u0000x"})",
                       "has a text with a NUL"));
  return all;
}

std::vector<HostileToken> hostile_headers() {
  const SigningKey stranger = SigningKey::p256();
  json::object brought = TestIssuer::header("ES256", "mine");
  brought["jwk"] = stranger.jwk("mine");
  std::vector<HostileToken> all = {{"a key in the header",
                                    sign_texts(json::serialize(brought), payload_text(), stranger),
                                    "nested deeper"}};
  for (const char* member : {R"("jwk":"x")", R"("jku":"https://evil.example/keys")",
                             R"("x5u":"https://evil.example/cert")", R"("x5c":"MIIB")",
                             R"("crit":"exp")", R"("b64":false)", R"("cty":"JWT")",
                             R"("zip":"DEF")", R"("enc":"A128GCM")", R"("epk":"x")"}) {
    const std::string_view rest(member + 1);
    const std::string_view name = rest.substr(0, rest.find('"'));
    all.push_back(header(fmt::format("{} in the header", name),
                         fmt::format(R"({{"alg":"EdDSA","kid":"ed25519-1",{}}})", member),
                         fmt::format("header has '{}'", name)));
  }
  for (const char* type : {"logout+jwt", "secevent+jwt", "dpop+jwt", "application/logout+jwt",
                           "JWE", "", "JWT ", "application/", "JOSE+JSON"}) {
    json::object typed = TestIssuer::header("EdDSA", "ed25519-1");
    typed["typ"] = type;
    all.push_back(
        header(fmt::format("the type '{}'", type), json::serialize(typed), "'typ' is neither"));
  }
  all.push_back(header("a number as type", R"({"alg":"EdDSA","kid":"ed25519-1","typ":1})",
                       "'typ' is neither"));
  all.push_back(header("crit as a list", R"({"alg":"EdDSA","kid":"ed25519-1","crit":["exp"]})",
                       "nested deeper"));
  all.push_back(header("two algorithms", R"({"alg":"none","alg":"EdDSA","kid":"ed25519-1"})",
                       "has a member twice"));
  all.push_back(header("two algorithms, one escaped",
                       R"({"alg":"none","\u0061lg":"EdDSA","kid":"ed25519-1"})",
                       "has a member twice"));
  all.push_back(header("an algorithm with a NUL", R"({"alg":"EdDSA\u0000","kid":"ed25519-1"})",
                       "text with a NUL"));
  all.push_back(header("a member whose name has a NUL",
                       R"({"alg":"EdDSA","kid":"ed25519-1","a\u0000":1})", "text with a NUL"));
  for (const char* text :
       {"", "{}x", "[]", "\"x\"", "null", "{", R"({"alg":"EdDSA","kid":"ed25519-1"}{})",
        R"({'alg':'EdDSA'})", R"({"alg":"EdDSA","kid":"ed25519-1",})",
        R"({"alg":"EdDSA","kid":NaN})", "\xef\xbb\xbf{}", "{\"alg\":\"EdDSA\",\"kid\":\"\xff\"}",
        R"({"alg":"EdDSA",/**/"kid":"ed25519-1"})"}) {
    all.push_back(header(fmt::format("the header {}", text), text, "JSON"));
  }
  std::string many = R"({"alg":"EdDSA","kid":"ed25519-1")";
  for (int i = 0; i < 40; ++i) {
    many += fmt::format(R"(,"a{}":1)", i);
  }
  all.push_back(header("a header of many members", many + "}", "too many values"));
  return all;
}

}  // namespace skerry::oidc
