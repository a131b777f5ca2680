// api_recorded_server.h: the real HTTP server on a socket, over plain text or TLS, and a service behind it
// that takes every request that reaches it and notes it.
//
// Runs on a thread of its own; the destructor stops it. Certificates are made for it.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/api/http_server.h"
#include "tests/certificates/certificates.h"
#include "tests/unit/api_fixture.h"

namespace skerry::api {

// A new authority for tests, and a certificate of it for loopback.
struct Identity {
  Identity();
  tests::Authority authority;
  tls::Context server;
  tls::Context client;  // trusts it
};

class RecordedServer {
 public:
  enum class Speaks : std::uint8_t { kPlainText, kTls };
  explicit RecordedServer(Speaks speaks, HttpLimits limits = {});
  ~RecordedServer();

  std::uint16_t port() const;
  // A connection that has gone over to TLS if the server speaks it.
  Client client();
  // What a client of the server's trusts, or a plain connection.
  tls::Context trust() const;
  Client plain_client() const { return Client(port()); }

  // "GET /path" of all requests that reached a handler, with their body behind it if there is one.
  std::vector<std::string> handled() const;
  std::size_t connections() const;
  std::uint64_t handshakes(Handshake how) const;
  const HandshakeGate& gate() const;
  void use_another_certificate();  // of another authority, for new connections
  void stop();                     // waits for its end

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skerry::api
