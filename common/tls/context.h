// context.h: what both sides of a TLS connection agree to: OpenSSL contexts, made from files.
//
// TLS 1.2 and newer, ciphers with authentication and forward secrecy only, no renegotiation, no
// compression, no resumption (a ticket's key would outlive what it protects), HTTP/1.1 as the only
// protocol. A Context never changes once it is made and may be used from any thread; a connection keeps
// the one that it began with.

#pragma once

#include <openssl/types.h>

#include <functional>
#include <memory>
#include <string>

#include "common/error.h"
#include "common/time.h"
#include "common/tls/files.h"

namespace skerry::tls {

using Context = std::shared_ptr<SSL_CTX>;

// Where a server takes the context of each new connection from; never null, called on any thread.
using ContextSource = std::function<Context()>;

// kNotFound, kIo, kTooLarge, kPermissionDenied: a file cannot be read, or the key's is open to others;
// kInvalidArgument: one holds no certificate or key, the two do not belong together, or the key is too
// weak (below 112 bits of security: RSA of 2,048 bits and P-256 are enough).
Result<Context> server_context(const ServerFiles& files);
// Verifies the server's certificate, and the name that expect_host() sets. Errors as above.
Result<Context> client_context(const ClientFiles& files);
// One that takes any server for the right one.
Result<Context> unverified_client_context(const ClientFiles& files);

// For a client's connection before its handshake: the server must show a certificate for this host name
// or IP address. False if it is none.
[[nodiscard]] bool expect_host(SSL* connection, const std::string& host);

// When the certificate that the context shows ends.
Instant not_after(const Context& context);

}  // namespace skerry::tls
