#include "controller/core_host.h"

#include <fmt/format.h>

#include <filesystem>

#include "common/digest.h"
#include "common/pki/authority.h"
#include "controller/happening_log.h"
#include "controller/store_figures.h"

namespace skerry::controller {

CoreHost::CoreHost(boost::asio::io_context& io, Clock& clock, Log& log, CoreHostOptions options)
    : io_(io),
      clock_(clock),
      log_(log),
      options_(std::move(options)),
      metrics_({.node_certificate_life = pki::kNodeLife}),
      callers_(options_.callers),
      core_(options_.core, random_seed(), {.stopwatch = &clock_, .factory = &policies_}),
      models_(core_) {}

CoreHost::~CoreHost() { close(); }

Status CoreHost::open(Listeners listeners) {
  listeners_ = std::move(listeners);
  for (const auto step : {&CoreHost::open_store, &CoreHost::open_blobs, &CoreHost::start_driver}) {
    if (auto status = (this->*step)(); !status) {
      return status;
    }
  }
  return {};
}

void CoreHost::close() {
  durable_listener_ = nullptr;
  store_.reset();
}

Status CoreHost::open_store() {
  store::RocksOptions options;
  options.path = options_.folder + "/store";
  options.on_durable = [this](store::Position position) {
    if (Driver* driver = durable_listener_) {
      driver->on_durable(position);
    }
  };
  options.on_commit = [this](const store::CommitInfo& commit) {
    metrics_.observe_sync(commit.took, commit.batches, commit.bytes);
  };
  options.on_recovered = [this](const store::RecoveryReport& report) { log_recovery(report); };
  options.log = [this](std::string_view sentence) { log_.warn("{}", sentence); };
  options.reserve_bytes = options_.reserve_bytes;
  std::error_code ignored;  // open_rocks_store says what is wrong with the directory
  std::filesystem::create_directories(options_.folder, ignored);
  auto opened = store::open_rocks_store(std::move(options));
  if (!opened) {
    return fail(std::move(opened).error());
  }
  store_ = *std::move(opened);
  archive_.emplace(*store_);
  metrics_.add_source([this] { return store_figures(*store_); });
  return {};
}

Status CoreHost::open_blobs() {
  auto opened = blobs::BlobDir::open(options_.folder + "/blobs");
  if (!opened) {
    return fail(std::move(opened).error());
  }
  blobs_ = *std::move(opened);
  return {};
}

Status CoreHost::start_driver() {
  driver_.emplace(io_, core_, *blobs_, clock_, options_.backlog_limit, options_.max_late);
  durable_listener_ = &*driver_;
  Status started = driver_->start(
      *store_, {.send = listeners_.send,
                .happened = [this](const core::Happening& happening) { happened(happening); },
                .warn = [this](std::string_view sentence) { log_.warn("{}", sentence); }});
  for (core::Token& token : core_.tokens()) {
    callers_.directory().put(std::move(token));
  }
  if (!started && started.error().code == ErrorCode::kCorrupt) {
    started.error().message += fmt::format(
        ". Acknowledged work cannot be read. Restore {} from a backup", options_.folder);
  }
  return started;
}

Result<tls::ContextSource> CoreHost::open_tls(const tls::ServerFiles& files) {
  if (!files) {
    return tls::ContextSource();
  }
  auto opened = tls::RotatingContext::open(files, clock_, [this](bool good, std::string_view what) {
    log_.log(good ? spdlog::level::info : spdlog::level::warn, "{}", what);
  });
  if (!opened) {
    return fail(opened.error().code, "the API's TLS: " + opened.error().message);
  }
  certificate_ = *std::move(opened);
  metrics_.add_source([this] {
    const double ends_s = static_cast<double>(to_us(certificate_->not_after())) * 1e-6;
    return std::vector<metrics::Figure>{
        {.name = "skerry_api_certificate_expiry_timestamp_seconds",
         .help = "When the certificate that the API shows ends, since 1970",
         .kind = metrics::Figure::Kind::kGauge,
         .samples = {{.labels = {}, .value = ends_s}}}};
  });
  return [this] { return certificate_->current(); };
}

Result<std::uint16_t> CoreHost::start_api(api::ApiOptions options,
                                          std::vector<api::ReadyCheck> checks,
                                          api::TurnAway turn_away, api::NodeAuthority* authority) {
  checks.insert(checks.begin(), {"store", [this] { return driver_->accepts_work(); }});
  api_.emplace(io_, std::move(options),
               api::ApiParts{.gateway = *driver_,
                             .blobs = *blobs_,
                             .archive = *archive_,
                             .metrics = metrics_,
                             .clock = clock_,
                             .log = log_,
                             .callers = callers_,
                             .ready_checks = std::move(checks),
                             .turn_away = std::move(turn_away),
                             .model_trust = options_.model_trust,
                             .authority = authority});
  return api_->start();
}

void CoreHost::happened(const core::Happening& happening) {
  if (const auto* access = std::get_if<core::AccessChanged>(&happening)) {
    callers_.heard(*access);
  }
  metrics_.observe(happening);
  log_happening(log_, happening);
  if (api_) {
    api_->publish(happening, clock_.now());
  }
  listeners_.happened(happening);
}

void CoreHost::log_recovery(const store::RecoveryReport& report) {
  if (report.created) {
    log_.info("created a new store in {}", options_.folder);
    return;
  }
  log_.info("recovered the store: {} commits{}", report.position,
            report.torn_end ? ", cut off an incomplete one that nobody was told of" : "");
  if (report.witness_missing || !report.damage.empty()) {
    log_.warn("nothing proves that the store is complete: its witness is missing {}",
              report.damage);
  }
}

}  // namespace skerry::controller
