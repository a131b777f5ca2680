// url_fuzz.cc: URLs that others wrote, as the guards of outbound requests read them, beside libcurl's own parser: a host
// that the two see differently is how such guards are passed.

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>

#include "controller/outbound/policy.h"
#include "tests/fuzz/harness.h"

namespace skerry::fuzz {

namespace {

constexpr std::size_t kFixedBytes = 16 * 1024;

constexpr auto kPieces = std::to_array<std::string_view>(
    {"http://",   "https://", "idp.example", "keys.example", "2130706433", "127.0.0.1",
     "10.1.2.3",  "8.8.8.8",  "0x7f",        "0177",         "[::1]",      "[::ffff:127.0.0.1]",
     "[2600::1]", "@",        ":",           ":443",         ":80",        "/",
     "?",         "#",        "\\",          "%2e",          "%00",        "xn--",
     ".",         "..",       "*",           "\t",           "\n",         "\xe3\x80\x82",
     "%25lo"});

// Empty if it has none.
std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
    return "";
  }
  std::string copy(text);
  curl_free(text);
  return copy;
}

bool same_host(std::string_view curls, const outbound::Target& ours) {
  if (ours.address && !ours.address->is_v4()) {
    return outbound::IpAddress::parse(curls.substr(1, curls.size() - 2)) == ours.address;
  }
  return std::ranges::equal(curls, ours.host, {}, [](unsigned char c) { return std::tolower(c); });
}

void compare_with_libcurl(const std::string& text, const outbound::Target& target) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
  check(curl_url_set(url.get(), CURLUPART_URL, text.c_str(),
                     CURLU_PATH_AS_IS | CURLU_DISALLOW_USER) == CURLUE_OK,
        "libcurl reads what we read");
  check(same_host(part_of(url.get(), CURLUPART_HOST), target), "libcurl sees the same host");
  check(part_of(url.get(), CURLUPART_PORT) == std::to_string(target.port),
        "libcurl sees the same port");
  check(part_of(url.get(), CURLUPART_SCHEME) == target.scheme, "libcurl sees the same scheme");
  const std::string query = part_of(url.get(), CURLUPART_QUERY);
  const std::string_view path = std::string_view(target.path).substr(0, target.path.find('?'));
  check(part_of(url.get(), CURLUPART_PATH) == path, "libcurl sees the same path");
  check(query.empty() || target.path.ends_with("?" + query), "libcurl sees the same query");
}

}  // namespace

void run(std::string_view input) {
  const outbound::Policy policy{
      .hosts = {"idp.example", "*.keys.example", "8.8.8.8", "127.0.0.1", "2600::1"},
      .schemes = {"http", "https"},
      .ports = {80, 443}};
  const MemoryBound bound(input.size(), kFixedBytes);
  const auto target = outbound::parse_url(input);
  const auto allowed = outbound::check_url(input, policy);
  if (!target) {
    check(!allowed, "what cannot be read is not allowed");
    return;
  }
  const auto again = outbound::parse_url(target->url());
  check(again && again->url() == target->url() && again->host == target->host,
        "what is fetched reads back the same");
  compare_with_libcurl(std::string(input), *target);
  compare_with_libcurl(target->url(), *target);
  if (allowed) {
    const std::string& host = allowed->host;
    check(host == "idp.example" || host.ends_with(".keys.example") || host == "8.8.8.8" ||
              host == "2600::1",
          "no other host is allowed, and 127.0.0.1 is not, though it is named");
  }
}

std::optional<std::string> mutate(std::string_view input, Random& random) {
  if (random.chance(0.3)) {
    return std::nullopt;
  }
  std::string changed(input);
  const std::string_view piece = kPieces[random.below(kPieces.size())];
  const auto at = static_cast<std::size_t>(random.below(changed.size() + 1));
  const std::size_t dropped = random.chance(0.5) ? 0 : static_cast<std::size_t>(random.below(8));
  return changed.replace(at, dropped, piece);
}

}  // namespace skerry::fuzz
