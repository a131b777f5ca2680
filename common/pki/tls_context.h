// tls_context.h: how every TLS connection of Skerry is set up: one place for versions, ciphers and who
// is believed.
//
// TLS 1.2 and 1.3, with authenticated ciphers and a fresh key exchange for each connection; no
// compression, no renegotiation. No sessions are kept and no tickets given: a resumed session would
// carry an old proof of identity past an expiry, a revocation or a rotation, and a full handshake costs
// 0.2 ms of a core (docs/decisions/identity.md). The other end is judged by a function of the caller's,
// not by OpenSSL's own list of authorities.
//
// A TlsContext is a value that shares what OpenSSL holds and may be used from any thread. It does not
// change: for a new certificate or other authorities make a new one.

#pragma once

#include <openssl/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/error.h"
#include "common/pki/certificate.h"
#include "common/pki/key.h"

namespace skerry::pki {

// What an end shows: its certificate with those above it, and the key.
struct TlsIdentity {
  PrivateKey key;
  Chain chain;
};

// PEM of both in one text, for a secret file that is replaced as a whole, so that key and certificate
// never differ.
std::string to_pem(const TlsIdentity& identity);
// kInvalidArgument: one cannot be read, or the key is not the first certificate's.
Result<TlsIdentity> identity_from_pem(std::string_view pem);

// Judges the chain that the other end showed, never empty. Called within a handshake, on its thread.
using PeerCheck = std::function<Status(std::span<const Certificate> chain)>;

struct TlsOptions {
  std::optional<TlsIdentity> identity;  // a server must have one
  PeerCheck check_peer;   // a client must have one; a server with one demands certificates
  std::string alpn = {};  // the one protocol, such as "h2"; a server ends a handshake
                          // without it. Empty: any
};

class TlsContext {
 public:
  // kInvalidArgument: what an end must have is missing, or the identity's key does not fit.
  static Result<TlsContext> server(TlsOptions options);
  static Result<TlsContext> client(TlsOptions options);

  SSL_CTX* native() const { return context_.get(); }

 private:
  explicit TlsContext(std::shared_ptr<SSL_CTX> context) : context_(std::move(context)) {}
  static Result<TlsContext> make(TlsOptions options, int verify_mode);

  std::shared_ptr<SSL_CTX> context_;
};

// Whom check_peer was shown in a handshake, and what it said. kUnauthenticated: nobody, or that the
// certificate cannot be read. Until the SSL is freed.
Result<Chain> checked_peer(const SSL* ssl);

}  // namespace skerry::pki
