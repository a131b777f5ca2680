#include "agent/site/site.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <optional>
#include <set>

#include "agent/site/bringer.h"
#include "agent/site/doorman.h"
#include "agent/site/site_blobs.h"
#include "agent/site/site_link.h"
#include "common/crc32c.h"
#include "controller/api/api_server.h"
#include "controller/bundle_policies.h"
#include "controller/core_models.h"
#include "controller/driver.h"
#include "controller/happening_log.h"
#include "controller/store/rocks_store.h"
#include "controller/store_archive.h"

namespace skerry::agent {
namespace {

// A site's epochs begin above every controller's, each site's somewhere else: its jobs' ids are told from
// the controller's, and hardly ever are those of another site. Epochs have 24 bits in a job's id.
Epoch first_epoch(const std::string& identity) {
  constexpr std::uint64_t kSites = 1ULL << 23;
  constexpr std::uint64_t kStartsOfOne = 1ULL << 12;
  return {kSites + (crc32c(identity) % (kSites / kStartsOfOne)) * kStartsOfOne};
}

core::Settings core_settings(const AgentConfig& config, const std::string& identity) {
  core::Settings settings;
  settings.first_epoch = first_epoch(identity);
  settings.brings_jobs = true;
  settings.probe_runs = 0;  // the controller's affair; what runs here is measured here as well
  settings.probe_interval = Duration(0);
  settings.max_open_jobs = config.local_api.max_jobs;
  settings.max_retained_jobs = config.local_api.max_jobs;
  return settings;
}

class Site final : public LocalSite, private SitePort {
 public:
  Site(const AgentConfig& config, SiteHost host)
      : config_(config),
        host_(std::move(host)),
        core_(core_settings(config, host_.identity), random_seed(),
              {.stopwatch = &host_.clock, .factory = &policies_}),
        models_(core_),
        doorman_(JobId::make(first_epoch(host_.identity), 0)) {}

  ~Site() override {
    durable_listener_ = nullptr;
    store_.reset();  // waits for what was appended
  }

  Status open() {
    for (const auto step :
         {&Site::open_store, &Site::open_blobs, &Site::start_driver, &Site::start_api}) {
      if (auto status = (this->*step)(); !status) {
        return status;
      }
    }
    host_.log.info(
        "the site's API listens on http://{}:{}, with {} jobs to bring to the controller",
        config_.local_api.address, api_port_, core_.to_bring());
    return {};
  }

  AgentLink& link() override { return *link_; }
  SitePort& port() override { return *this; }
  Blobs& blobs() override { return *site_blobs_; }

  void stop(Duration grace, std::move_only_function<void()> done) override {
    bringer_->stop();
    api_->stop(grace, std::move(done));
  }

 private:
  Status open_store() {
    std::error_code ignored;  // open_rocks_store says what is wrong with the directory
    std::filesystem::create_directories(host_.folder, ignored);
    store::RocksOptions options;
    options.path = host_.folder + "/store";
    options.on_durable = [this](store::Position position) {
      if (controller::Driver* driver = durable_listener_) {
        driver->on_durable(position);
      }
    };
    options.on_commit = [this](const store::CommitInfo& commit) {
      metrics_.observe_sync(commit.took, commit.batches, commit.bytes);
    };
    options.log = [this](std::string_view sentence) { host_.log.warn("site: {}", sentence); };
    auto opened = store::open_rocks_store(std::move(options));
    if (!opened) {
      return fail(std::move(opened).error());
    }
    store_ = *std::move(opened);
    archive_.emplace(*store_);
    return {};
  }

  Status open_blobs() {
    auto opened = blobs::BlobDir::open(host_.folder + "/blobs");
    if (!opened) {
      return fail(std::move(opened).error());
    }
    blobs_ = *std::move(opened);
    site_blobs_.emplace(*blobs_, host_.blobs, host_.blob_events, host_.io.get_executor());
    return {};
  }

  Status start_driver() {
    driver_.emplace(host_.io, core_, *blobs_, host_.clock);
    link_.emplace(host_.io.get_executor(), *driver_, models_, host_.link_events, host_.clock,
                  host_.log);
    bringer_.emplace(BringerParts{.io = host_.io,
                                  .gateway = *driver_,
                                  .archive = *archive_,
                                  .blobs = *blobs_,
                                  .bulk = host_.bulk,
                                  .bring = host_.bring,
                                  .log = host_.log});
    durable_listener_ = &*driver_;
    return driver_->start(
        *store_, {.send = [this](const core::Send& send) { link_->send(send); },
                  .happened = [this](const core::Happening& happening) { happened(happening); },
                  .warn = [this](std::string_view text) { host_.log.warn("site: {}", text); }});
  }

  Status start_api() {
    api_.emplace(
        host_.io,
        api::ApiOptions{.address = config_.local_api.address,
                        .port = config_.local_api.port,
                        .limits = {.max_connections = 256, .body_bytes = 64ULL << 20}},
        api::ApiParts{.gateway = *driver_,
                      .blobs = *blobs_,
                      .archive = *archive_,
                      .metrics = metrics_,
                      .clock = host_.clock,
                      .log = host_.log,
                      .ready_checks = {{"store", [this] { return driver_->accepts_work(); }}},
                      .turn_away = [this](const api::Request& request) {
                        return doorman_.turn_away(request);
                      }});
    auto port = api_->start();
    if (!port) {
      return fail(std::move(port).error());
    }
    api_port_ = *port;
    metrics_.add_source([this] { return figures(); });
    return {};
  }

  void happened(const core::Happening& happening) {
    metrics_.observe(happening);
    controller::log_happening(host_.log, happening);
    if (api_) {
      api_->publish(happening, host_.clock.now());
    }
    if (std::holds_alternative<core::JobEnded>(happening)) {
      bringer_->job_ended();
    }
  }

  std::vector<metrics::Figure> figures() const {
    return {{.name = "skerry_site_jobs_to_bring",
             .help = "Jobs of this site that wait to be brought to the controller",
             .kind = metrics::Figure::Kind::kGauge,
             .samples = {{.labels = {}, .value = static_cast<double>(core_.to_bring())}}},
            {.name = "skerry_site_controller_connected",
             .help = "1 while the controller is there",
             .kind = metrics::Figure::Kind::kGauge,
             .samples = {{.labels = {}, .value = live_ ? 1.0 : 0.0}}}};
  }

  // ---- what the controller says

  void connected(bool live) override {
    live_ = live;
    doorman_.connected(live);
    bringer_->connected(live);
    host_.log.info(live ? "the controller is there: new jobs of the site are its to place"
                        : "the controller is away: the site takes jobs and places them here");
  }

  void taken(const SiteJobTaken& taken) override { bringer_->taken(taken); }

  void ordered(StandingOrders orders) override {
    doorman_.controller_at(
        !orders.api_url.empty() ? orders.api_url : api_url_on(config_.controller, orders.api_port));
    follow_models(orders.models);
    follow_policy(orders);
  }

  void follow_models(const std::vector<StandingOrders::Model>& models) {
    std::set<std::string, std::less<>> names;
    for (const StandingOrders::Model& model : models) {
      boost::system::error_code error;
      const auto json = boost::json::parse(model.manifest_json, error);
      auto manifest =
          error ? fail(ErrorCode::kInvalidArgument, error.message()) : manifest_from_json(json);
      if (!manifest) {
        host_.log.warn("a model that the controller ordered cannot be read: {}",
                       manifest.error().message);
        continue;
      }
      names.insert(manifest->name);
      driver_->ask(core::PutModel{.manifest = *std::move(manifest), .revision = model.revision},
                   [this](const Result<core::Reply>& reply) { note("a model", reply); });
    }
    driver_->inspect([this, names = std::move(names)](const core::Core& core, Instant) {
      for (const core::ModelView& held : core.models()) {
        if (!names.contains(held.manifest.name)) {
          driver_->ask(core::DeleteModel{.name = held.manifest.name},
                       [this](const Result<core::Reply>& reply) { note("a model's end", reply); });
        }
      }
    });
  }

  void follow_policy(const StandingOrders& orders) {
    const auto promote = [this, name = orders.policy] {
      driver_->ask(core::ChangePolicy{.name = name, .action = core::PolicyAction::kPromote},
                   [this](const Result<core::Reply>& reply) { note("the policy", reply); });
    };
    if (orders.bundle.empty()) {
      return promote();
    }
    driver_->ask(core::ApplyPolicy{.name = orders.policy,
                                   .bundle = std::make_shared<const std::string>(orders.bundle)},
                 [this, promote](const Result<core::Reply>& reply) {
                   note("the policy's bundle", reply);
                   if (reply) {
                     promote();
                   }
                 });
  }

  // The site works on by what it had.
  void note(std::string_view what, const Result<core::Reply>& reply) {
    if (!reply) {
      host_.log.warn("{} that the controller ordered is not taken: {}", what,
                     reply.error().message);
    }
  }

  const AgentConfig config_;
  SiteHost host_;
  metrics::Metrics metrics_;
  std::atomic<controller::Driver*> durable_listener_ = nullptr;
  std::unique_ptr<store::Store> store_;
  std::optional<controller::StoreArchive> archive_;
  std::unique_ptr<blobs::BlobDir> blobs_;
  controller::BundlePolicies policies_;
  core::Core core_;
  controller::CoreModels models_;
  Doorman doorman_;
  bool live_ = false;
  std::optional<SiteBlobs> site_blobs_;
  std::optional<controller::Driver> driver_;
  std::optional<SiteLink> link_;
  std::optional<Bringer> bringer_;
  std::optional<api::ApiServer> api_;
  std::uint16_t api_port_ = 0;
};

}  // namespace

Result<std::unique_ptr<LocalSite>> make_site(const AgentConfig& config, SiteHost host) {
  if (config.local_api.address.empty()) {
    return nullptr;
  }
  auto site = std::make_unique<Site>(config, std::move(host));
  if (Status opened = site->open(); !opened) {
    return fail(std::move(opened).error());
  }
  return site;
}

}  // namespace skerry::agent
