#include "controller/daemon.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/digest.h"
#include "common/version.h"
#include "controller/api/api_server.h"
#include "controller/breaker_note.h"
#include "controller/bundle_policies.h"
#include "controller/core_models.h"
#include "controller/descriptors.h"
#include "controller/driver.h"
#include "controller/happening_log.h"
#include "controller/hub/hub.h"
#include "controller/hub_metrics.h"
#include "controller/store/rocks_store.h"
#include "controller/store_archive.h"
#include "controller/store_figures.h"

namespace skerry::controller {

namespace {

class Daemon {
 public:
  Daemon(const ControllerConfig& config, std::shared_ptr<Log> log)
      : config_(config),
        log_(std::move(log)),
        io_(static_cast<int>(config.threads)),
        core_(config.core, random_seed(), {.stopwatch = &clock_, .factory = &policies_}),
        models_(core_) {}

  Status open() {
    for (const auto step :
         {&Daemon::open_store, &Daemon::open_blobs, &Daemon::start_driver, &Daemon::offer_policy,
          &Daemon::start_api, &Daemon::start_hub, &Daemon::write_ready_file}) {
      if (auto status = (this->*step)(); !status) {
        close();
        return status;
      }
    }
    return {};
  }

  void run() {
    boost::asio::signal_set signals(io_, SIGINT, SIGTERM);
    await_signal(signals, false);
    std::vector<std::jthread> threads;
    for (std::uint32_t i = 1; i < config_.threads; ++i) {
      threads.emplace_back([this] { io_.run(); });
    }
    io_.run();
  }

  // In the opposite order of opening; also after an open() that failed halfway.
  void close() {
    if (hub_) {
      hub_->stop();
    }
    durable_listener_ = nullptr;
    store_.reset();  // waits for what was appended
    log_->info("stopped");
  }

 private:
  // The first signal stops in order. A second one cuts what is under way; its coroutines still end
  // before anything that they use does. A third one ends the process as it stands.
  void await_signal(boost::asio::signal_set& signals, bool stopping) {
    signals.async_wait([this, &signals, stopping](boost::system::error_code cancelled, int signal) {
      if (cancelled) {
        return;
      }
      log_->info("stopping on signal {}{}", signal, stopping ? ", at once" : "");
      if (stopping) {
        api_->cut();
        signals.clear();
        return;
      }
      api_->stop(config_.stop_grace, [this] { io_.stop(); });
      await_signal(signals, true);
    });
  }

  Status open_store() {
    store::RocksOptions options;
    options.path = config_.data_dir + "/store";
    options.on_durable = [this](store::Position position) {
      if (Driver* driver = durable_listener_) {
        driver->on_durable(position);
      }
    };
    options.on_commit = [this](const store::CommitInfo& commit) {
      metrics_.observe_sync(commit.took, commit.batches, commit.bytes);
    };
    options.on_recovered = [this](const store::RecoveryReport& report) { log_recovery(report); };
    options.log = [this](std::string_view sentence) { log_->warn("{}", sentence); };
    options.reserve_bytes = config_.reserve_bytes;
    std::error_code ignored;  // open_rocks_store says what is wrong with the directory
    std::filesystem::create_directories(config_.data_dir, ignored);
    auto opened = store::open_rocks_store(std::move(options));
    if (!opened) {
      return fail(std::move(opened).error());
    }
    store_ = *std::move(opened);
    archive_.emplace(*store_);
    metrics_.add_source([this] { return store_figures(*store_); });
    return {};
  }

  Status open_blobs() {
    auto opened = blobs::BlobDir::open(config_.data_dir + "/blobs");
    if (!opened) {
      return fail(std::move(opened).error());
    }
    blobs_ = *std::move(opened);
    return {};
  }

  Status start_driver() {
    driver_.emplace(io_, core_, *blobs_, clock_, config_.backlog_limit, config_.max_late);
    durable_listener_ = &*driver_;
    Status started = driver_->start(
        *store_, {.send = [this](const core::Send& send) { hub_->send(send); },
                  .happened = [this](const core::Happening& happening) { happened(happening); },
                  .warn = [this](std::string_view sentence) { log_->warn("{}", sentence); }});
    if (!started && started.error().code == ErrorCode::kCorrupt) {
      started.error().message += fmt::format(
          ". Acknowledged work cannot be read. Restore {} from a backup", config_.data_dir);
    }
    return started;
  }

  Status offer_policy() {
    auto offer = default_policy(config_.default_policy);
    if (!offer) {
      return fail(std::move(offer).error());
    }
    if (*offer) {
      driver_->tell(**std::move(offer));
    }
    return {};
  }

  // As many as are asked for, if there are descriptors for them.
  std::size_t client_connections() {
    const std::size_t descriptors = raise_descriptor_limit();
    const std::size_t most = connections_within(descriptors, config_.api_connections);
    if (most < config_.api_connections) {
      log_->warn("this process may open {} files, which is enough for {} clients instead of {}",
                 descriptors, most, config_.api_connections);
    }
    return most;
  }

  Status start_api() {
    api_.emplace(
        io_,
        api::ApiOptions{.address = config_.api.address,
                        .port = config_.api.port,
                        .limits = {.max_connections = client_connections(),
                                   .max_per_address = config_.api_connections_per_address,
                                   .body_bytes = config_.api_body_bytes}},
        api::ApiParts{.gateway = *driver_,
                      .blobs = *blobs_,
                      .archive = *archive_,
                      .metrics = metrics_,
                      .clock = clock_,
                      .log = *log_,
                      .ready_checks = {{"store", [this] { return driver_->accepts_work(); }},
                                       {.name = "policy",
                                        .check = [] { return Status(); },
                                        .note = [this] { return breaker_note_.note(); }}}});
    auto port = api_->start();
    if (!port) {
      return fail(std::move(port).error());
    }
    api_port_ = *port;
    return {};
  }

  Status start_hub() {
    hub::HubOptions options;
    options.listen = config_.agents.address;
    options.port = config_.agents.port;
    options.insecure_dev = config_.insecure_dev;
    options.api_url = config_.api_url;
    options.api_port = api_port_;
    options.api_on_loopback = is_loopback_address(config_.api.address);
    auto started = hub::Hub::start(options, *driver_, *blobs_, models_, clock_, *log_);
    if (!started) {
      return fail(std::move(started).error());
    }
    hub_ = *std::move(started);
    metrics_.add_source([this] { return hub_figures(*hub_); });
    return {};
  }

  // Written whole or not at all, since whoever waits for it reads it at once.
  Status write_ready_file() {
    const std::string api = fmt::format("{}:{}", config_.api.address, api_port_);
    const std::string agents = fmt::format("{}:{}", config_.agents.address, hub_->port());
    log_->info("skerry-controller {} ({}): REST on http://{}, agents on {}, epoch {}", kVersion,
               kCommit, api, agents, core_.epoch().value);
    if (config_.ready_file.empty()) {
      return {};
    }
    const std::string temporary = config_.ready_file + ".part";
    std::ofstream(temporary) << fmt::format("{{\"api\": \"{}\", \"agents\": \"{}\"}}\n", api,
                                            agents);
    std::error_code error;
    std::filesystem::rename(temporary, config_.ready_file, error);
    if (error) {
      return fail(ErrorCode::kIo, fmt::format("cannot write the ready file {}: {}",
                                              config_.ready_file, error.message()));
    }
    return {};
  }

  void happened(const core::Happening& happening) {
    metrics_.observe(happening);
    breaker_note_.heard(happening);
    log_happening(*log_, happening);
    if (api_) {
      api_->publish(happening, clock_.now());
    }
  }

  void log_recovery(const store::RecoveryReport& report) {
    if (report.created) {
      log_->info("created a new store in {}", config_.data_dir);
      return;
    }
    log_->info("recovered the store: {} commits{}", report.position,
               report.torn_end ? ", cut off an incomplete one that nobody was told of" : "");
    if (report.witness_missing || !report.damage.empty()) {
      log_->warn("nothing proves that the store is complete: its witness is missing {}",
                 report.damage);
    }
  }

  const ControllerConfig& config_;
  std::shared_ptr<Log> log_;
  SystemClock clock_;
  metrics::Metrics metrics_;
  boost::asio::io_context io_;
  std::atomic<Driver*> durable_listener_ = nullptr;
  std::unique_ptr<store::Store> store_;
  std::optional<StoreArchive> archive_;
  std::unique_ptr<blobs::BlobDir> blobs_;
  BundlePolicies policies_;
  BreakerNote breaker_note_;
  core::Core core_;
  CoreModels models_;
  std::optional<Driver> driver_;
  std::optional<api::ApiServer> api_;
  std::uint16_t api_port_ = 0;
  std::unique_ptr<hub::Hub> hub_;
};

}  // namespace

Status run_daemon(const ControllerConfig& config) {
  auto log = make_log(config.log);
  if (!log) {
    return fail(std::move(log).error());
  }
  Daemon daemon(config, *log);
  if (auto status = daemon.open(); !status) {
    return status;
  }
  daemon.run();
  daemon.close();
  return {};
}

}  // namespace skerry::controller
