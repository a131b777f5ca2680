#include "controller/outbound/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace skerry::outbound {

namespace {

constexpr std::size_t kMostHostBytes = 253;
constexpr std::size_t kMostLabelBytes = 63;
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string lower(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lowered;
}

bool only(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

std::unexpected<Error> refused(std::string_view rule, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the URL is refused by the rule '{}': {}", rule, why));
}

// Everything that parsers treat differently, wherever it stands.
Status check_characters(std::string_view url) {
  constexpr std::string_view kDisputed = "\\\"<>^`{|}";
  if (url.empty() || url.size() > kMostUrlBytes) {
    return refused("length", fmt::format("1 to {} bytes are allowed", kMostUrlBytes));
  }
  for (const char c : url) {
    if (c <= ' ' || c > '~' || kDisputed.find(c) != std::string_view::npos) {
      return refused(
          "characters",
          "spaces, control characters, backslashes, quotes, braces and everything beyond ASCII "
          "are not allowed; percent-encode them in the path");
    }
  }
  if (url.find('#') != std::string_view::npos) {
    return refused("fragment", "leave out # and what follows it");
  }
  return {};
}

bool is_label(std::string_view label) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !label.empty() && label.size() <= kMostLabelBytes && std::ranges::all_of(label, allowed) &&
         label.front() != '-' && label.back() != '-';
}

// A host whose last label is a number is an address to some parser (WHATWG URL, "ends in a number").
bool ends_in_number(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return only(last, kDigits) || (last.starts_with("0x") && only(last.substr(2), kHexDigits));
}

Status read_host(std::string_view text, Target& target) {
  if (text.starts_with('[')) {
    const std::string_view inside = text.substr(1, text.size() - 2);
    target.address = IpAddress::parse(inside);
    if (!target.address || target.address->is_v4()) {
      return refused(
          "host", "between [ and ] stands an IPv6 address without a zone, such as [2001:db8::1]");
    }
    target.host = target.address->text();
    return {};
  }
  target.host = lower(text);
  if (!is_host_name(target.host)) {
    return refused(
        "host",
        "a host is a name of letters, digits, hyphens and dots between them, or an address");
  }
  if (ends_in_number(target.host)) {
    target.address = IpAddress::parse(target.host);
    if (!target.address) {
      return refused("host", "an IPv4 address is four decimal numbers without leading zeros");
    }
  }
  return {};
}

Status read_port(std::string_view digits, Target& target) {
  const char* const end = digits.data() + digits.size();
  const auto [rest, wrong] = std::from_chars(digits.data(), end, target.port);
  if (digits.empty() || digits.front() == '0' || wrong != std::errc() || rest != end) {
    return refused("port", "a port is a number from 1 to 65535");
  }
  return {};
}

Status read_authority(std::string_view authority, Target& target) {
  if (authority.find('@') != std::string_view::npos) {
    return refused("credentials", "no user or password may stand in it");
  }
  std::size_t host_end = authority.find(':');
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos ||
        (bracket + 1 < authority.size() && authority[bracket + 1] != ':')) {
      return refused("host", "an IPv6 address stands between [ and ]");
    }
    host_end = bracket + 1;
  }
  host_end = std::min(host_end, authority.size());
  if (Status host = read_host(authority.substr(0, host_end), target); !host) {
    return host;
  }
  return host_end < authority.size() ? read_port(authority.substr(host_end + 1), target) : Status{};
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kMostHostBytes) {
    return false;
  }
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t dot = std::min(name.find('.', at), name.size());
    if (!is_label(name.substr(at, dot - at))) {
      return false;
    }
    at = dot + 1;
  }
  return true;
}

std::string Target::origin() const {
  const bool bracketed = address && !address->is_v4();
  return bracketed ? fmt::format("{}://[{}]:{}", scheme, host, port)
                   : fmt::format("{}://{}:{}", scheme, host, port);
}

Result<Target> parse_url(std::string_view url) {
  if (Status characters = check_characters(url); !characters) {
    return fail(std::move(characters).error());
  }
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) {
    return refused("form", "it must be scheme://host/path");
  }
  Target target{
      .scheme = lower(url.substr(0, colon)), .host = {}, .address = {}, .port = 443, .path = "/"};
  if (target.scheme != "https" && target.scheme != "http") {
    return fail(ErrorCode::kPermissionDenied,
                "the URL is refused by the rule 'schemes': only https and http are fetched");
  }
  if (target.scheme == "http") {
    target.port = 80;
  }
  const std::string_view rest = url.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  if (Status authority = read_authority(rest.substr(0, end), target); !authority) {
    return fail(std::move(authority).error());
  }
  if (end < rest.size()) {
    target.path = (rest[end] == '?' ? "/" : "") + std::string(rest.substr(end));
  }
  return target;
}

}  // namespace skerry::outbound
