#include "cli/access.h"

#include <fmt/format.h>

#include "common/endpoint.h"
#include "common/secrets/given_file.h"

namespace skerry::cli {

namespace {

bool is_loopback(const Url& url) {
  return url.host == "localhost" || is_loopback_address(url.host);
}

}  // namespace

Result<std::string> read_token(const std::string& file) {
  auto text = secrets::read_given_file(file);
  if (!text) {
    return text;
  }
  while (text->ends_with('\n') || text->ends_with('\r')) {
    text->pop_back();
  }
  constexpr std::string_view kOfTokens =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
  if (text->empty() || text->find_first_not_of(kOfTokens) != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' holds no token: one line, without spaces", file));
  }
  return text;
}

Status may_send_token(const Url& to, const Access& access, bool on_this_machine) {
  if (on_this_machine || (to.tls && access.verify)) {
    return {};
  }
  if (!to.tls) {
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format("the token is not sent to {}, where everybody on the way could read it\n"
                    "hint: use https://, or leave the token out",
                    to.text()));
  }
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("the token is not sent to {}, since nobody verifies who that is\n"
                          "hint: name the server's authority with --ca-file instead of "
                          "--insecure-skip-verify, or leave the token out",
                          to.text()));
}

Status may_follow(const Url& from, const Url& to, const Access& access) {
  if (from.tls == to.tls && from.host == to.host && from.port == to.port) {
    return {};
  }
  if (from.tls && !to.tls && !is_loopback(to)) {
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format("{} sends this call to {}, which does not speak TLS: it is not followed\n"
                    "hint: have the controller's api_url set, or its API speak TLS",
                    from.text(), to.text()));
  }
  const bool stays_here = is_loopback(from) && is_loopback(to);
  if (access.token.empty() || stays_here || (to.tls && access.pinned())) {
    return {};
  }
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("{} sends this call to {}, which may not have the token: it is given on "
                          "only over TLS, to a server of the authority that --ca-file names\n"
                          "hint: call it yourself with --server {}",
                          from.text(), to.text(), to.text()));
}

}  // namespace skerry::cli
