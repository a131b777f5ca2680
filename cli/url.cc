#include "cli/url.h"

#include <fmt/format.h>

#include <charconv>

namespace skerry::cli {

namespace {

bool is_port(std::string_view text) {
  int port = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
  return wrong == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

}  // namespace

std::string Url::text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}{}", tls ? "https" : "http", is_v6 ? "[" : "", host,
                     is_v6 ? "]" : "", port, path);
}

Result<Url> parse_url(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no server address: {}", text, why));
  };
  std::string_view rest = text;
  Url url;
  if (const std::size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
    url.tls = rest.substr(0, scheme) == "https";
    if (!url.tls && rest.substr(0, scheme) != "http") {
      return refuse("it begins with https:// or http://");
    }
    rest.remove_prefix(scheme + 3);
  }
  url.port = url.tls ? "443" : "80";
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.path = rest.substr(slash);
  while (url.path.ends_with('/')) {
    url.path.pop_back();
  }
  std::string_view authority = rest.substr(0, slash);
  const std::size_t bracket =
      authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  url.host = bracket == std::string_view::npos ? authority.substr(0, colon)
                                               : authority.substr(1, bracket - 1);
  if (colon != std::string_view::npos) {
    url.port = authority.substr(colon + 1);
  }
  if (url.host.empty() || text.find_first_of(" ?#@") != std::string_view::npos) {
    return refuse("write it like http://127.0.0.1:8080");
  }
  if (!is_port(url.port)) {
    return refuse(fmt::format("'{}' is no port", url.port));
  }
  return url;
}

std::string url_escape(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:,";
  std::string escaped;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      escaped.push_back(c);
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string query(const std::vector<std::pair<std::string_view, std::string>>& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) {
    if (!value.empty()) {
      text += fmt::format("{}{}={}", text.empty() ? "?" : "&", name, url_escape(value));
    }
  }
  return text;
}

}  // namespace skerry::cli
