// access.h: what skerryctl trusts, whom it shows its token, and where it lets itself be sent.
//
// A bearer token is as good as its owner, so it leaves this machine only over TLS and only for a server
// whose certificate was verified. It follows a 307 to another origin only where that cannot give it away:
// the API of a site sends callers to the controller (docs/agent.md), whose address the site was told, but
// a site may be the machine that was stolen. So the other server must prove itself by the same authority
// that --ca-file names: an installation's own. One of the system's authorities would not do, since those
// vouch for every server there is, the thief's included. On this machine (loopback to loopback) there is
// nobody in between.
//
// Pure, but for read_token().

#pragma once

#include <string>
#include <string_view>

#include "cli/url.h"
#include "common/error.h"
#include "common/tls/files.h"

namespace skerry::cli {

struct Access {
  tls::ClientFiles files;
  bool verify = true;  // the server's certificate
  std::string token;   // sent as "Authorization: Bearer"; empty: none

  bool pinned() const { return verify && !files.ca_file.empty(); }
};

// kNotFound, kIo, kPermissionDenied: the file cannot be read, or not only its owner may; kInvalidArgument:
// it holds no token: one line of the characters of RFC 6750, 2.1.
Result<std::string> read_token(const std::string& file);

// Whether the token may be sent to the server. `on_this_machine`: the connection's other end is.
// kPermissionDenied.
Status may_send_token(const Url& to, const Access& access, bool on_this_machine);

// Whether a request to `from` may go on to `to`, to which it was sent. kPermissionDenied.
Status may_follow(const Url& from, const Url& to, const Access& access);

}  // namespace skerry::cli
