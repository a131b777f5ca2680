#include "controller/api/http_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <charconv>

#include "common/check.h"

namespace skerry::api {

namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes the part before the separator off the text's front.
std::string_view take_until(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return part;
}

// True for ";q=0", ";q=0.000".
bool refused(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = trim(take_until(parameters, ';'));
    if (parameter.starts_with("q=") || parameter.starts_with("Q=")) {
      return parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
    }
  }
  return false;
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->value());
}

const std::string& Request::param(std::string_view name) const {
  const auto found = std::ranges::find(
      params, name, [](const auto& entry) { return std::string_view(entry.first); });
  check(found != params.end(), "a handler asks for parameters of its route's pattern only");
  return found->second;
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  const auto found = query.find(name);
  return found == query.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded.push_back(' ');
    } else if (text[i] != '%') {
      decoded.push_back(text[i]);
    } else {
      unsigned byte = 0;
      const char* digits = text.data() + i + 1;
      if (i + 2 >= text.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("the URL has a bad escape: '{}'", text.substr(i, 3)));
      }
      decoded.push_back(static_cast<char>(byte));
      i += 2;
    }
  }
  return decoded;
}

Status parse_target(std::string_view target, Request& request) {
  if (!target.starts_with('/')) {
    return fail(ErrorCode::kInvalidArgument,
                "the request's target must be a path that starts with '/'");
  }
  request.path = take_until(target, '?');
  for (std::size_t parameters = 0; !target.empty(); ++parameters) {
    if (parameters == kMostQueryParameters) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the URL has more than {} parameters", kMostQueryParameters));
    }
    std::string_view value = take_until(target, '&');
    const auto name = percent_decode(take_until(value, '='), true);
    auto decoded = percent_decode(value, true);
    if (!name || !decoded) {
      return fail(!name ? name.error() : decoded.error());
    }
    request.query[*name] = std::move(*decoded);
  }
  return {};
}

std::string_view reason_phrase(int status) {
  return boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
}

std::string media_type_of(std::string_view content_type) {
  std::string type(trim(take_until(content_type, ';')));
  std::ranges::transform(type, type.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

bool accepts(std::string_view accept, std::string_view media_type) {
  if (accept.empty()) {
    return true;
  }
  const std::string_view group = media_type.substr(0, media_type.find('/') + 1);  // "application/"
  while (!accept.empty()) {
    std::string_view parameters = take_until(accept, ',');
    const std::string range = media_type_of(take_until(parameters, ';'));
    const bool matches =
        range == media_type || range == "*/*" ||
        (range.ends_with("/*") && std::string_view(range).substr(0, range.size() - 1) == group);
    if (matches && !refused(parameters)) {
      return true;
    }
  }
  return false;
}

}  // namespace skerry::api
