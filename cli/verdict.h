// verdict.h: why a server's certificate was not taken, for people: what it says, and what to do.
//
// OpenSSL forgets a chain that it refuses, so the facts are noted while it looks at it.

#pragma once

#include <openssl/types.h>

#include <string>

#include "cli/url.h"
#include "common/error.h"

namespace skerry::cli {

struct Verdict {
  long code = 0;            // X509_V_..., of the first thing that is wrong; 0: nothing
  std::string names = {};   // of the server, "a.example, 10.0.0.5"
  std::string issuer = {};  // of the topmost certificate that it showed
  std::string authority_fingerprint = {};  // of that, if it signed itself: "AB:CD:..."
  std::string not_before = {};
  std::string not_after = {};
};

// From now on, what is found wrong with the connection's server is noted in the verdict, which outlives
// its handshake. The server is still refused.
void note_verdict(SSL* connection, Verdict& verdict);

// kUnauthenticated, with a hint. `ca_file` is what was trusted; empty: the system's authorities.
Error untrusted(const Verdict& verdict, const Url& url, const std::string& ca_file);

// A handshake that failed for another reason: OpenSSL's code, or 0 with the words of somebody else.
Error no_handshake(unsigned long code, const std::string& words, const Url& url);

}  // namespace skerry::cli
