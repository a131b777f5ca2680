#include "agent/site/site.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <optional>
#include <set>

#include "agent/site/bringer.h"
#include "agent/site/doorman.h"
#include "agent/site/site_blobs.h"
#include "agent/site/site_link.h"
#include "common/crc32c.h"
#include "controller/core_host.h"
#include "controller/insecure_dev.h"

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
        core_(host_.io, host_.clock, host_.log,
              {.folder = host_.folder,
               .core = core_settings(config, host_.identity),
               .callers =
                   config.local_api.allow_anonymous ? auth::Mode::kOpen : auth::Mode::kTokens}),
        doorman_(JobId::make(first_epoch(host_.identity), 0)) {}

  Status open() {
    auto opened = core_.open({.send = [this](const core::Send& send) { link_->send(send); },
                              .happened =
                                  [this](const core::Happening& happening) {
                                    if (std::holds_alternative<core::JobEnded>(happening)) {
                                      bringer_->job_ended();
                                    }
                                  }});
    if (!opened) {
      return opened;
    }
    const auto strand = host_.io.get_executor();
    site_blobs_.emplace(core_.blobs(), host_.blobs, host_.blob_events, strand);
    link_.emplace(strand, core_.driver(), core_.models(), host_.link_events, host_.clock,
                  host_.log);
    bringer_.emplace(BringerParts{.io = host_.io,
                                  .gateway = core_.driver(),
                                  .archive = core_.archive(),
                                  .blobs = core_.blobs(),
                                  .bulk = host_.bulk,
                                  .bring = host_.bring,
                                  .log = host_.log});
    return start_api();
  }

  AgentLink& link() override { return *link_; }
  SitePort& port() override { return *this; }
  Blobs& blobs() override { return *site_blobs_; }

  void stop(Duration grace, std::move_only_function<void()> done) override {
    bringer_->stop();
    core_.api().stop(grace, std::move(done));
  }

 private:
  Status start_api() {
    auto tls = core_.open_tls(config_.local_api.tls);
    if (!tls) {
      return fail(std::move(tls).error());
    }
    const auto port = core_.start_api(
        {.address = config_.local_api.address,
         .port = config_.local_api.port,
         .tls = *std::move(tls),
         .limits = {.max_connections = 256, .body_bytes = 64ULL << 20}},
        {}, [this](const api::Request& request) { return doorman_.turn_away(request); });
    if (!port) {
      return fail(port.error());
    }
    core_.metrics().add_source([this] { return figures(); });
    host_.log.info("the site's API listens on {}://{}:{}, with {} jobs to bring to the controller",
                   config_.local_api.tls ? "https" : "http", config_.local_api.address, *port,
                   core_.core().to_bring());
    return {};
  }

  std::vector<metrics::Figure> figures() const {
    return {controller::insecure_dev_figure(config_.insecure_dev),
            {.name = "skerry_site_jobs_to_bring",
             .help = "Jobs of this site that wait to be brought to the controller",
             .kind = metrics::Figure::Kind::kGauge,
             .samples = {{.labels = {}, .value = static_cast<double>(core_.core().to_bring())}}},
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
    doorman_.controller_at(!orders.api_url.empty()
                               ? orders.api_url
                               : api_url_on(config_.controller, orders.api_port, orders.api_tls));
    follow_models(orders.models);
    follow_tokens(orders.tokens);
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
      core_.driver().ask(
          core::PutModel{.manifest = *std::move(manifest), .revision = model.revision},
          [this](const Result<core::Reply>& reply) { note("a model", reply); });
    }
    core_.driver().inspect([this, names = std::move(names)](const core::Core& core, Instant) {
      for (const core::ModelView& held : core.models()) {
        if (!names.contains(held.manifest.name)) {
          core_.driver().ask(
              core::DeleteModel{.name = held.manifest.name},
              [this](const Result<core::Reply>& reply) { note("a model's end", reply); });
        }
      }
    });
  }

  void follow_tokens(const std::vector<StandingOrders::Token>& tokens) {
    core_.driver().inspect([this, tokens](const core::Core& core, Instant) {
      std::set<std::string, std::less<>> wanted;
      for (const StandingOrders::Token& token : tokens) {
        wanted.insert(token.id);
      }
      std::set<std::string, std::less<>> held;
      for (const core::Token& token : core.tokens()) {
        held.insert(token.id);
        if (!wanted.contains(token.id)) {
          core_.driver().ask(core::RevokeToken{.id = token.id, .by = controller()},
                             [this](const auto& reply) { note("a token's end", reply); });
        }
      }
      for (const StandingOrders::Token& token : tokens) {
        if (!held.contains(token.id)) {
          core_.driver().ask(core::PutToken{.token = as_ours(token), .by = controller()},
                             [this](const auto& reply) { note("a token", reply); });
        }
      }
    });
  }

  static core::By controller() { return {.caller = "controller", .address = {}}; }

  static core::Token as_ours(const StandingOrders::Token& from) {
    core::Token token{
        .id = from.id, .secret_hash = from.secret_hash, .expires_at = from.expires_at};
    for (const std::string& ns : from.readers) {
      token.grants.push_back({.role = core::Role::kViewer, .ns = ns});
    }
    for (const std::string& ns : from.submitters) {
      token.grants.push_back({.role = core::Role::kSubmitter, .ns = ns});
    }
    if (from.reads_metrics) {
      token.grants.push_back({.role = core::Role::kMetrics});
    }
    return token;
  }

  void follow_policy(const StandingOrders& orders) {
    const auto promote = [this, name = orders.policy] {
      core_.driver().ask(core::ChangePolicy{.name = name, .action = core::PolicyAction::kPromote},
                         [this](const Result<core::Reply>& reply) { note("the policy", reply); });
    };
    if (orders.bundle.empty()) {
      return promote();
    }
    core_.driver().ask(
        core::ApplyPolicy{.name = orders.policy,
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
  controller::CoreHost core_;
  Doorman doorman_;
  bool live_ = false;
  std::optional<SiteBlobs> site_blobs_;
  std::optional<SiteLink> link_;
  std::optional<Bringer> bringer_;
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
