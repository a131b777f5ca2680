#include "controller/daemon.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/nag.h"
#include "common/service/health.h"
#include "common/service/manager.h"
#include "common/version.h"
#include "controller/breaker_note.h"
#include "controller/bundle_policies.h"
#include "controller/core_host.h"
#include "controller/descriptors.h"
#include "controller/first_secrets.h"
#include "controller/hub/hub.h"
#include "controller/hub_metrics.h"
#include "controller/insecure_dev.h"
#include "controller/installation.h"
#include "controller/oidc/verifier.h"
#include "controller/outbound/client.h"

namespace skerry::controller {

namespace {

constexpr std::chrono::seconds kAccessLook(1);

class Daemon {
 public:
  Daemon(const ControllerConfig& config, std::shared_ptr<Log> log)
      : config_(config),
        log_(std::move(log)),
        io_(static_cast<int>(config.threads)),
        host_(io_, clock_, *log_,
              {.folder = config.data_dir,
               .core = config.core,
               .backlog_limit = config.backlog_limit,
               .max_late = config.max_late,
               .reserve_bytes = config.reserve_bytes,
               .model_trust = config.model_trust,
               .callers = config.allow_anonymous ? auth::Mode::kOpen : auth::Mode::kTokens}) {}

  Status open() {
    for (const auto step :
         {&Daemon::open_installation, &Daemon::take_given_secrets, &Daemon::open_host,
          &Daemon::make_first_token, &Daemon::trust_issuers, &Daemon::offer_policy,
          &Daemon::start_api, &Daemon::start_hub, &Daemon::show_health, &Daemon::tell_ready}) {
      if (auto status = (this->*step)(); !status) {
        close();
        return status;
      }
    }
    return {};
  }

  void run() {
    std::optional<Nag> nag;
    if (config_.insecure_dev) {
      nag.emplace(io_, *log_, insecure_dev_sentence());
    }
    boost::asio::signal_set signals(io_, SIGINT, SIGTERM);
    await_signal(signals, false);
    look_after_access();
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
    host_.close();
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
        host_.api().cut();
        signals.clear();
        return;
      }
      manager_.stopping();
      health_.close();
      host_.api().stop(config_.stop_grace, [this] { io_.stop(); });
      await_signal(signals, true);
    });
  }

  Status open_installation() {
    auto opened = Installation::open(config_.data_dir, config_.installation, clock_, *log_);
    if (!opened) {
      return fail(std::move(opened).error());
    }
    installation_ = *std::move(opened);
    auto keys = installation_->make_keys();
    if (!keys) {
      return fail(std::move(keys).error());
    }
    keys_ = *std::move(keys);
    return {};
  }

  Status take_given_secrets() {
    auto given = GivenAccess::open(config_.given_access, clock_, *log_);
    if (!given) {
      return fail(std::move(given).error());
    }
    given_ = *std::move(given);
    host_.callers().set_given([this](std::string_view token) { return given_->caller(token); });
    installation_->registry().set_grants(
        [this](std::string_view key) { return given_->join_grant(key); });
    return {};
  }

  Status open_host() {
    host_.metrics().add_source([this] {
      return std::vector{insecure_dev_figure(config_.insecure_dev), installation_->expiry_figure()};
    });
    if (auto opened = host_.open(
            {.send = [this](const core::Send& send) { hub_->send(send); },
             .happened = [this](const core::Happening& happening) { happened(happening); }});
        !opened) {
      return opened;
    }
    for (core::NodeIdentity& identity : host_.core().identities()) {
      installation_->heard({.identity = std::move(identity)});
    }
    return {};
  }

  void happened(const core::Happening& happening) {
    breaker_note_.heard(happening);
    const auto* access = std::get_if<core::AccessChanged>(&happening);
    const auto cut_off = access == nullptr ? std::nullopt : installation_->heard(*access);
    if (cut_off && hub_) {
      hub_->disconnect(*cut_off);
    }
  }

  // Once a minute: tells the core whose tokens were used, and renews the controller's own certificate in
  // time. After a change of the authorities sooner.
  void look_after_access() {
    access_timer_.expires_after(kAccessLook);
    access_timer_.async_wait([this](boost::system::error_code cancelled) {
      if (cancelled) {
        return;
      }
      if (installation_->wants_keys()) {
        renew_keys();
      }
      if (const Instant now = clock_.now(); now >= note_uses_at_) {
        note_uses_at_ = now + minutes(1);
        if (auto uses = host_.callers().directory().take_uses(); !uses.empty()) {
          host_.driver().tell(core::TokensUsed{.last = std::move(uses)});
        }
      }
      look_after_access();
    });
  }

  void renew_keys() {
    const auto keys = installation_->make_keys();
    Status used = keys ? Status() : fail(keys.error());
    if (keys && config_.agent_tls) {
      used = hub_->set_keys(*keys);
    }
    if (!used) {
      log_->error("the controller's certificate is not renewed: {}", used.error().message);
    }
  }

  // Without one nobody could do anything, so nobody is told that this controller is ready before it counts.
  Status make_first_token() {
    if (config_.allow_anonymous || given_->has_admin() || !host_.core().tokens().empty()) {
      return {};
    }
    waits_for_token_ = true;
    return controller::make_first_token(host_.driver(), config_.data_dir, *log_, [this] {
      waits_for_token_ = false;
      if (const Status told = tell_ready(); !told) {
        log_->error("stopping: {}", told.error().message);
        io_.stop();
      }
    });
  }

  Status tell_ready() {
    if (waits_for_token_) {
      return {};  // the token's end does it
    }
    if (Status written = write_ready_file(); !written) {
      return written;
    }
    manager_.ready();
    return {};
  }

  // People with tokens of an identity provider, if any is configured.
  Status trust_issuers() {
    if (config_.oidc.issuers.empty()) {
      return {};
    }
    issuers_.emplace(
        config_.oidc,
        [this](const outbound::Policy& policy) {
          return std::make_unique<outbound::Client>(policy, resolver_);
        },
        clock_, *log_);
    host_.callers().set_jwt([this](std::string_view token, Instant now) -> Result<auth::Caller> {
      auto known = issuers_->verify(token, now);
      return known ? Result<auth::Caller>(
                         auth::Caller{.id = known->id(), .grants = std::move(known->grants)})
                   : fail(std::move(known).error());
    });
    return {};
  }

  Status offer_policy() {
    auto offer = default_policy(config_.default_policy);
    if (!offer) {
      return fail(std::move(offer).error());
    }
    if (*offer) {
      host_.driver().tell(**std::move(offer));
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
    auto tls =
        host_.open_tls(config_.api_tls_built_in ? installation_->server_files() : config_.api_tls);
    if (!tls) {
      return fail(std::move(tls).error());
    }
    auto port = host_.start_api({.address = config_.api.address,
                                 .port = config_.api.port,
                                 .tls = *std::move(tls),
                                 .limits = {.max_connections = client_connections(),
                                            .max_per_address = config_.api_connections_per_address,
                                            .body_bytes = config_.api_body_bytes}},
                                {{.name = "policy",
                                  .check = [] { return Status(); },
                                  .note = [this] { return breaker_note_.note(); }}},
                                {}, config_.agent_tls ? &installation_->registry() : nullptr);
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
    options.api_tls = api_speaks_tls();
    if (config_.agent_tls) {
      options.tls =
          hub::HubTls{.keys = *std::move(keys_),
                      .admission = installation_.get(),
                      .may_fetch = [this](std::string node, std::string digest,
                                          std::move_only_function<void(bool)> answer) {
                        host_.driver().inspect(
                            [node = std::move(node), digest = std::move(digest),
                             answer = std::move(answer)](const core::Core& core, Instant) mutable {
                              answer(core.may_fetch(node, digest));
                            });
                      }};
    }
    options.api_on_loopback = is_loopback_address(config_.api.address);
    auto started =
        hub::Hub::start(options, host_.driver(), host_.blobs(), host_.models(), clock_, *log_);
    if (!started) {
      return fail(std::move(started).error());
    }
    hub_ = *std::move(started);
    installation_->registry().advertise(
        config_.agent_address.empty() ? fmt::format(":{}", hub_->port()) : config_.agent_address);
    host_.metrics().add_source([this] { return hub_figures(*hub_); });
    return {};
  }

  Status show_health() {
    if (const Status open = health_.open(config_.data_dir); !open) {
      log_->warn("`skerry-controller health` will find nobody: {}", open.error().message);
    }
    return {};
  }

  bool api_speaks_tls() const { return config_.api_tls_built_in || config_.api_tls; }

  // Written whole or not at all, since whoever waits for it reads it at once.
  Status write_ready_file() {
    const std::string api = fmt::format("{}:{}", config_.api.address, api_port_);
    const std::string agents = fmt::format("{}:{}", config_.agents.address, hub_->port());
    const std::string url = fmt::format("{}://{}", api_speaks_tls() ? "https" : "http", api);
    log_->info("skerry-controller {} ({}): REST on {}, agents on {}, epoch {}", kVersion, kCommit,
               url, agents, host_.core().epoch().value);
    if (config_.ready_file.empty()) {
      return {};
    }
    const std::string temporary = config_.ready_file + ".part";
    std::ofstream(temporary) << fmt::format(
        "{{\"api\": \"{}\", \"url\": \"{}\", \"agents\": \"{}\"}}\n", api, url, agents);
    std::error_code error;
    std::filesystem::rename(temporary, config_.ready_file, error);
    if (error) {
      return fail(ErrorCode::kIo, fmt::format("cannot write the ready file {}: {}",
                                              config_.ready_file, error.message()));
    }
    return {};
  }

  const ControllerConfig& config_;
  std::shared_ptr<Log> log_;
  SystemClock clock_;
  boost::asio::io_context io_;
  BreakerNote breaker_note_;
  std::unique_ptr<Installation> installation_;
  std::unique_ptr<GivenAccess> given_;
  std::optional<door::DoorKeys> keys_;  // until the hub has them
  outbound::SystemResolver resolver_;
  std::optional<oidc::Verifier> issuers_;
  CoreHost host_;
  std::uint16_t api_port_ = 0;
  std::unique_ptr<hub::Hub> hub_;
  boost::asio::steady_timer access_timer_{io_};
  service::HealthSocket health_{io_, [this] { return host_.driver().accepts_work(); }};
  service::Manager manager_{io_};
  Instant note_uses_at_{};
  bool waits_for_token_ = false;
};

}  // namespace

Status run_daemon(ControllerConfig config) {
  auto log = make_log(config.log);
  if (!log) {
    return fail(std::move(log).error());
  }
  auto key = audit_key(config.data_dir);
  if (!key) {
    return fail(std::move(key).error());
  }
  config.core.audit_key = *std::move(key);
  config.core.require_identity = config.agent_tls;
  Daemon daemon(config, *log);
  if (auto status = daemon.open(); !status) {
    return status;
  }
  daemon.run();
  daemon.close();
  return {};
}

}  // namespace skerry::controller
