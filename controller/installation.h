// installation.h: what a controller is to its nodes: the authorities that sign for them, which of them are
// members, and the certificate that it shows itself.
//
//   <data_dir>/authorities/      keys and certificates of the authorities, for this user alone
//   <data_dir>/authorities.pem   whom nodes and callers believe; for everybody
//   <data_dir>/controller.pem    the controller's own key and certificate, for this user alone
//
// Made by the daemon before the API and the hub, and outlives both. heard() belongs to the core's strand;
// admit() may be called from anywhere; the rest on the daemon's thread. Blocking.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/log.h"
#include "common/time.h"
#include "common/tls/files.h"
#include "controller/core/effects.h"
#include "controller/hub/door/door.h"
#include "controller/identity/members.h"
#include "controller/identity/registry.h"
#include "controller/installation_options.h"
#include "controller/metrics/metrics.h"

namespace skerry::controller {

class Installation final : public door::Admission {
 public:
  // Errors of pki::Authorities, and kIo.
  static Result<std::unique_ptr<Installation>> open(const std::string& folder,
                                                    InstallationOptions options, Clock& clock,
                                                    Log& log);

  // A fresh certificate, which is also written to controller.pem; and whom to believe.
  Result<door::DoorKeys> make_keys();
  // What make_keys() should be called for again: half of the certificate's life has gone, or the
  // authorities have changed.
  bool wants_keys() const;

  identity::Registry& registry() { return registry_; }
  // controller.pem, as a server of REST reads it; after make_keys().
  tls::ServerFiles server_files() const;
  // When each authority ends, for /metrics. Thread-safe.
  metrics::Figure expiry_figure() const;

  // The node whose connections are to be ended, if there is one.
  std::optional<std::string> heard(const core::AccessChanged& change);
  Status admit(const pki::Certificate& certificate) override;

 private:
  Installation(std::string folder, InstallationOptions options, pki::Authorities authorities,
               Clock& clock, Log& log);

  const std::string folder_;
  const InstallationOptions options_;
  Clock& clock_;
  Log& log_;
  identity::Registry registry_;
  identity::Members members_;
  Instant renew_at_{};
  std::uint64_t revision_ = 0;  // of the authorities, with which the keys were made
};

}  // namespace skerry::controller
