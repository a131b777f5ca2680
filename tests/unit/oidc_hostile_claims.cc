// What is done to the shape of a token, to its claims, its times and its JSON. All of it is well signed where it can be: only
// the check in question stands between it and being accepted.

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "tests/unit/oidc_hostile_tokens.h"
#include "tests/unit/oidc_keys.h"

namespace skerry::oidc {

namespace json = boost::json;

namespace {

const TestIssuer& issuer() { return TestIssuer::get(); }

// The good payload without a member, or with another value for it as JSON text.
std::string with(std::string_view name, std::string_view value) {
  json::object payload = issuer().payload();
  payload.erase(name);
  std::string text = json::serialize(payload);
  text.pop_back();
  return value.empty() ? text + "}" : fmt::format(R"({},"{}":{}}})", text, name, value);
}

HostileToken claim(std::string_view name, std::string_view value, std::string why) {
  return {value.empty() ? fmt::format("without {}", name)
                        : fmt::format("{}: {}", name, value.substr(0, 60)),
          issuer().token_of(with(name, value)), std::move(why)};
}

HostileToken document(std::string name, std::string_view text, std::string why) {
  return {std::move(name), issuer().token_of(text), std::move(why)};
}

// Signed over the text of header and payload as it is.
std::string sign_text(const std::string& text) {
  return text + "." + to_base64url(issuer().ed25519.sign(text));
}

// Changes the bits that the last character has beyond the last byte.
std::string other_last_bits(std::string text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  text.back() = kAlphabet[kAlphabet.find(text.back()) ^ 1];
  return text;
}

}  // namespace

std::vector<HostileToken> hostile_shapes() {
  const std::string good = issuer().token();
  const std::size_t first = good.find('.');
  const std::size_t second = good.rfind('.');
  const std::string header = good.substr(0, first);
  const std::string payload = good.substr(first + 1, second - first - 1);
  const std::string signature = good.substr(second + 1);
  const std::string both = good.substr(0, second);
  // A payload of 3n + 1 bytes ends in a character with bits left over.
  std::string odd = with("groups", R"(["a"])");
  while (odd.size() % 3 != 1) {
    odd.insert(odd.size() - 1, " ");
  }
  const std::string three = "has not three parts";
  const std::string base64 = "not canonical base64url";
  return {
      {"nothing", "", three},
      {"one part", header, three},
      {"two parts", both, three},
      {"two parts and a dot", both + ".", "signature has not the length"},
      {"four parts", good + ".x", three},
      {"a dot at the end", good + ".", three},
      {"a dot before", "." + good, three},
      {"five parts, as if encrypted", header + "...." + signature, three},
      {"dots alone", "..", "header is not valid JSON"},
      {"dots without end", std::string(10'000, '.'), three},
      {"no header", "." + payload + "." + signature, "header is not valid JSON"},
      {"no payload", sign_text(header + "."), "payload is not valid JSON"},
      {"padding behind the header", sign_text(header + "=." + payload), base64},
      {"padding behind the payload", sign_text(both + "="), base64},
      {"padding behind the signature", good + "==", "signature has not the length"},
      {"a space before", " " + good, base64},
      {"a space behind", good + " ", "signature has not the length"},
      {"a line break behind", good + "\n", "signature has not the length"},
      {"a NUL behind", good + '\0', "signature has not the length"},
      {"a line break in the payload",
       sign_text(header + "." + payload.substr(0, 8) + "\n" + payload.substr(8)), base64},
      {"a NUL in the payload",
       sign_text(header + "." + payload.substr(0, 8) + '\0' + payload.substr(8)), base64},
      {"base64 instead of base64url", sign_text(header + "." + payload + "+/"), base64},
      {"a letter beyond ASCII", sign_text(header + "." + payload + "é"), base64},
      {"other last bits of the payload",
       sign_text(header + "." + other_last_bits(to_base64url(odd))), base64},
      {"other last bits of the signature", both + "." + other_last_bits(signature), base64},
      {"the scheme of the header of HTTP", "Bearer " + good, base64},
      {"in quotes", "\"" + good + "\"", base64},
      {"percent-encoded dots", header + "%2E" + payload + "%2E" + signature, three},
      {"the JSON form of JWS",
       fmt::format(R"({{"payload":"{}","protected":"{}","signature":"{}"}})", payload, header,
                   signature),
       three},
      {"giant, and well signed", issuer().token({{"padding", std::string(kMostTokenBytes, 'x')}}),
       "more than 16384 bytes"},
      {"ten megabytes", std::string(10'000'000, 'A'), "more than 16384 bytes"},
      {"a header of 15 KiB",
       to_base64url(std::string(11'000, ' ')) + "." + payload + "." + signature, "more than 2048"},
      {"twice", good + good, three},
      {"the payload of another",
       header + "." + to_base64url(with("sub", R"("admin")")) + "." + signature,
       "signature is wrong"}};
}

std::vector<HostileToken> hostile_claims() {
  const std::string issuers = "of another issuer";
  const std::string subjects = "'sub' is not 1 to 255";
  const std::string audience = "for another audience";
  const std::string audiences = "'aud' is neither";
  std::string many = R"(["skerry")";
  for (int i = 0; i < 40; ++i) {
    many += R"(,"other")";
  }
  return {claim("iss", "", issuers),
          claim("iss", "null", issuers),
          claim("iss", R"("")", issuers),
          claim("iss", R"("https://evil.example/realm")", issuers),
          claim("iss", R"("https://idp.example/realm/")", issuers),
          claim("iss", R"("https://idp.example/realm/../evil")", issuers),
          claim("iss", R"("https://idp.example/Realm")", issuers),
          claim("iss", R"("http://idp.example/realm")", issuers),
          claim("iss", R"("https://idp.example:443/realm")", issuers),
          claim("iss", R"(" https://idp.example/realm")", issuers),
          claim("iss", R"("https://idp.еxample/realm")", issuers),
          claim("iss", R"("https://idp.example\u2044realm")", issuers),
          claim("iss", R"(["https://idp.example/realm"])", issuers),
          claim("iss", R"("https://idp.example/realm\u0000.evil.example")", "text with a NUL"),
          claim("sub", "", subjects),
          claim("sub", "null", subjects),
          claim("sub", R"("")", subjects),
          claim("sub", "4711", subjects),
          claim("sub", R"(["4711"])", subjects),
          claim("sub", R"("аdmin")", subjects),
          claim("sub", R"("a\nb")", subjects),
          claim("sub", R"("a\u007f")", subjects),
          claim("sub", R"("a\u0000b")", "text with a NUL"),
          claim("sub", fmt::format(R"("{}")", std::string(256, 's')), subjects),
          claim("aud", "", "has no 'aud'"),
          claim("aud", "null", audiences),
          claim("aud", R"("")", audience),
          claim("aud", R"("other")", audience),
          claim("aud", R"("Skerry")", audience),
          claim("aud", R"("skerry ")", audience),
          claim("aud", R"("skerry2")", audience),
          claim("aud", R"("skerry,skerry-cli")", audience),
          claim("aud", R"("sk\u0435rry")", audience),
          claim("aud", R"("*")", audience),
          claim("aud", R"("skerry\u0000")", "text with a NUL"),
          claim("aud", "[]", audience),
          claim("aud", R"(["other","another"])", audience),
          claim("aud", R"(["skerry",1])", audiences),
          claim("aud", R"([["skerry"]])", audiences),
          claim("aud", R"({"skerry":true})", audiences),
          claim("aud", "true", audiences),
          claim("aud", many + "]", audiences)};
}

std::vector<HostileToken> hostile_times() {
  std::vector<HostileToken> all;
  for (const char* name : {"exp", "nbf", "iat"}) {
    all.push_back(claim(name, "", fmt::format("has no '{}'", name)));
    for (const char* value :
         {"null", "true", R"("1800000300")", R"("")", "[1800000300]", R"({"s":1800000300})", "-1",
          "-0.5", "1e12", "1e308", "253402300800", "9223372036854775807", "9223372036854775808",
          "18446744073709551616", "1e400"}) {
      all.push_back(claim(name, value, fmt::format("'{}' is not a number of seconds", name)));
    }
    for (const char* value : {"NaN", "Infinity", "-Infinity", "0x6B49D200", "+1800000300",
                              "01800000300", "1800000300.", ".5"}) {
      all.push_back(claim(name, value, "payload is not valid JSON"));
    }
  }
  const std::int64_t now = TestIssuer::kNowS;
  const auto at = [](std::int64_t second) { return std::to_string(second); };
  all.push_back(claim("exp", at(now - 60), "has expired"));
  all.push_back(claim("exp", at(now - 61) + ".999999", "has expired"));
  all.push_back(claim("exp", "0", "has expired"));
  all.push_back(claim("exp", "1", "has expired"));
  all.push_back(claim("exp", at(now - 10), "expires before it begins"));
  all.push_back(claim("exp", at(now + 24 * 3600), "valid for longer than"));
  all.push_back(claim("exp", at(now + 1000LL * 24 * 3600), "valid for longer than"));
  all.push_back(claim("exp", "253402300799", "valid for longer than"));
  all.push_back(claim("nbf", at(now + 61), "not valid yet"));
  all.push_back(claim("nbf", at(now + 60) + ".000001", "not valid yet"));
  all.push_back(claim("nbf", "253402300799", "not valid yet"));
  all.push_back(claim("iat", at(now + 61), "not valid yet"));
  all.push_back(claim("iat", "0", "valid for longer than"));
  return all;
}

std::vector<HostileToken> hostile_documents() {
  const std::string good = json::serialize(issuer().payload());
  const std::string open = good.substr(0, good.size() - 1);
  const std::string twice = "payload has a member twice";
  const std::string deep = "payload is nested deeper";
  const std::string invalid = "payload is not valid JSON";
  std::string many = open + R"(,"a":[0)";
  for (int i = 0; i < 4000; ++i) {
    many += ",0";
  }
  return {
      document("two expiries", open + R"(,"exp":1800000500})", twice),
      document("two expiries, the first past", R"({"exp":1,)" + good.substr(1), twice),
      document("two expiries, one escaped", open + R"(,"\u0065xp":1800000500})", twice),
      document("two audiences", open + R"(,"aud":"other"})", twice),
      document("two subjects", open + R"(,"sub":"admin"})", twice),
      document("a member twice, deep inside", open + R"(,"a":[{"b":{"c":1,"d":2,"c":3}}]})", twice),
      document("a list", "[" + good + "]", "payload is not a JSON object"),
      document("a text", R"("admin")", "payload is not a JSON object"),
      document("a number", "1800000000", "payload is not a JSON object"),
      document("null", "null", "payload is not a JSON object"),
      document("blank", " ", invalid),
      document("another token", issuer().token(), invalid),
      document("another token as a text", fmt::format(R"("{}")", issuer().token()),
               "payload is not a JSON object"),
      document("nested deeply", open + R"(,"a":)" + std::string(8, '[') + std::string(8, ']') + "}",
               deep),
      document("nested very deeply",
               open + R"(,"a":)" + std::string(5000, '[') + std::string(5000, ']') + "}", deep),
      document("nested without end", std::string(12'000, '['), deep),
      document(
          "objects nested without end",
          [] {
            std::string text;
            for (int i = 0; i < 2400; ++i) {
              text += R"({"a":)";
            }
            return text;
          }(),
          deep),
      document("many values", many + "]}", "payload has too many values"),
      document("something behind it", good + "{}", invalid),
      document("a NUL behind it", good + '\0', invalid),
      document("cut off", open, invalid),
      document("a comma too many", open + ",}", invalid),
      document("comments", open + "/* */}", invalid),
      document("other quotes", R"({'iss':'https://idp.example/realm'})", invalid),
      document("a byte order mark", "\xef\xbb\xbf" + good, invalid),
      document("UTF-16", std::string("{\0\"\0", 4), invalid),
      document("invalid UTF-8", open + ",\"a\":\"\xff\"}", invalid),
      document("overlong UTF-8", open + ",\"a\":\"\xc0\xaf\"}", invalid),
      document("half a surrogate pair", open + R"(,"a":"\ud800"})", invalid),
      document("a line break in a text", open + ",\"a\":\"\n\"}", invalid),
      document("a NUL in an unknown member", open + R"(,"a":"\u0000"})",
               "payload has a text with a NUL"),
      document("a NUL in a name", open + R"(,"exp\u0000":1})", "payload has a text with a NUL")};
}

}  // namespace skerry::oidc
