// files.h: which files a side of a TLS connection is made of. Values.

#pragma once

#include <string>

namespace skerry::tls {

// PEM files of a server. The certificate's own comes first in its file, then those between it and the
// authority.
struct ServerFiles {
  std::string certificate_file = {};
  std::string key_file = {};
  std::string client_ca_file =
      {};  // not empty: clients show a certificate of one of these authorities

  explicit operator bool() const { return !certificate_file.empty(); }  // false: plain text
  bool operator==(const ServerFiles&) const = default;
};

// Of a client.
struct ClientFiles {
  std::string ca_file = {};           // the authorities to trust; empty: the system's
  std::string certificate_file = {};  // of the client's own, for servers that ask for one
  std::string key_file = {};

  bool operator==(const ClientFiles&) const = default;
};

}  // namespace skerry::tls
