// core_host.h: a core at work: its store, its blobs, the driver that runs it and the API that asks it.
// The controller is one with agents' streams; a site's own API in an agent (agent/site) is another.
//
//   CoreHost host(io, clock, log, options);
//   host.open({.send = ..., .happened = ...});   // then events may be told, and the core restored has its epoch
//   host.open_tls(files);                        // for api_options.tls
//   host.start_api(api_options, more_parts);     // -> the port
//   ... io.run() ... host.api().stop(...) ...
//   host.close();                                // waits for what was appended
//
// Made by whoever owns the io_context, the clock and the log, which outlive it. open() blocks: before the
// threads of the io_context run. After open() or start_api() failed, close() it. What happens in the core
// goes to the metrics, the log and the API's watchers before `happened` is called, on the core's strand.

#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/log.h"
#include "common/time.h"
#include "common/tls/rotating_context.h"
#include "controller/api/api_server.h"
#include "controller/auth/authenticator.h"
#include "controller/blobs/blob_dir.h"
#include "controller/bundle_policies.h"
#include "controller/core/core.h"
#include "controller/core_models.h"
#include "controller/driver.h"
#include "controller/metrics/metrics.h"
#include "controller/store/rocks_store.h"
#include "controller/store_archive.h"

namespace skerry::controller {

struct CoreHostOptions {
  std::string folder;  // of the store and the blobs
  core::Settings core;
  store::Backlog backlog_limit = kBacklogLimit;
  Duration max_late = kMaxLate;
  std::uint64_t reserve_bytes = 0;  // of the disk, kept for accepted work
  ModelTrust model_trust;           // what models must be signed by
  auth::Mode callers = auth::Mode::kTokens;
};

class CoreHost {
 public:
  CoreHost(boost::asio::io_context& io, Clock& clock, Log& log, CoreHostOptions options);
  ~CoreHost();  // closes
  CoreHost(const CoreHost&) = delete;
  CoreHost& operator=(const CoreHost&) = delete;

  struct Listeners {
    std::function<void(const core::Send&)> send;
    std::function<void(const core::Happening&)> happened;
  };
  // Errors as store::open_rocks_store, BlobDir::open and Driver::start.
  Status open(Listeners listeners);
  // Reads the files, and again whenever they change; says so in the log, and when the certificate ends in
  // the metrics. Empty for no files: plain text. Errors as tls::server_context. Once.
  Result<tls::ContextSource> open_tls(const tls::ServerFiles& files);
  // `checks` are asked for readiness beside the store's.
  Result<std::uint16_t> start_api(api::ApiOptions options, std::vector<api::ReadyCheck> checks = {},
                                  api::TurnAway turn_away = {},
                                  api::NodeAuthority* authority = nullptr);
  void close();  // idempotent

  const core::Core& core() const { return core_; }
  Driver& driver() { return *driver_; }  // after open()
  blobs::BlobDir& blobs() { return *blobs_; }
  StoreArchive& archive() { return *archive_; }
  CoreModels& models() { return models_; }
  metrics::Metrics& metrics() { return metrics_; }
  auth::Authenticator& callers() { return callers_; }
  api::ApiServer& api() { return *api_; }  // after start_api()

 private:
  Status open_store();
  Status open_blobs();
  Status start_driver();
  void happened(const core::Happening& happening);
  void log_recovery(const store::RecoveryReport& report);

  boost::asio::io_context& io_;
  Clock& clock_;
  Log& log_;
  const CoreHostOptions options_;
  Listeners listeners_;
  metrics::Metrics metrics_;
  std::unique_ptr<tls::RotatingContext> certificate_;
  auth::Authenticator callers_;
  std::atomic<Driver*> durable_listener_ = nullptr;
  std::unique_ptr<store::Store> store_;
  std::optional<StoreArchive> archive_;
  std::unique_ptr<blobs::BlobDir> blobs_;
  BundlePolicies policies_;
  core::Core core_;
  CoreModels models_;
  std::optional<Driver> driver_;
  std::optional<api::ApiServer> api_;
};

}  // namespace skerry::controller
