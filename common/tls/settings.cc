#include "common/tls/settings.h"

namespace skerry::tls {

ServerFiles read_server_files(ConfigFields fields) {
  ServerFiles files{.certificate_file = fields.text("certificate_file"),
                    .key_file = fields.text("key_file"),
                    .client_ca_file = fields.text("client_ca_file")};
  if (files.certificate_file.empty() != files.key_file.empty()) {
    fields.issue(files.key_file.empty() ? "key_file" : "certificate_file",
                 "must be set: a certificate and its key come together");
  } else if (files.certificate_file.empty() && !files.client_ca_file.empty()) {
    fields.issue("certificate_file", "must be set, or nobody can show us a certificate either");
  }
  return files;
}

}  // namespace skerry::tls
