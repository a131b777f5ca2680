// url.h: where the controller is, taken apart, and text made fit for a request's target.
//
// Pure; call from anywhere.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.h"

namespace skerry::cli {

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path;  // in front of every target; without the last slash

  std::string text() const;

  bool operator==(const Url&) const = default;
};

// "https://skerry.example", "http://[::1]:8080/skerry"; without a scheme http, without a port its usual
// one. kInvalidArgument.
Result<Url> parse_url(std::string_view text);

// Percent-encodes a path segment or a query value.
std::string url_escape(std::string_view text);

// "?a=1&b=2", values escaped and empty ones left out; empty if nothing remains.
std::string query(const std::vector<std::pair<std::string_view, std::string>>& parameters);

}  // namespace skerry::cli
