// settings.h: TLS in a daemon's configuration:
//
//   api_tls: {certificate_file: api.pem, key_file: api.key, client_ca_file: clients.pem}

#pragma once

#include "common/config.h"
#include "common/tls/files.h"

namespace skerry::tls {

// All empty: no TLS. One of certificate and key without the other is an issue.
ServerFiles read_server_files(ConfigFields fields);

}  // namespace skerry::tls
