#include "agent/daemon.h"

#include <fmt/format.h>
#include <malloc.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <csignal>
#include <cstring>

#include "agent/agent.h"
#include "agent/bulk.h"
#include "agent/credentials.h"
#include "agent/engines/noop.h"
#include "agent/engines/torch.h"
#include "agent/grpc_link.h"
#include "agent/journal_file.h"
#include "agent/log_journal.h"
#include "agent/membership/renewal.h"
#include "agent/model_cache.h"
#include "agent/runner_process.h"
#include "agent/setup.h"
#include "agent/state_dir.h"
#include "agent/telemetry.h"
#include "common/nag.h"
#include "common/service/health.h"
#include "common/service/manager.h"

namespace skerry::agent {
namespace {

namespace asio = boost::asio;

constexpr Duration kFlushLimit =
    seconds(2);  // for the controller to end a stream after the goodbye
constexpr Duration kSiteGrace =
    seconds(2);  // for those who ask the site, once everything else ended
constexpr Duration kFullRetry = seconds(1);  // of a file, while the disk is full

}  // namespace

class Daemon::Impl final : private LinkEvents, private BlobEvents, private RunnerEvents {
 public:
  Impl(const AgentConfig& config, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
       StateDir state, const CpuLimit& limit, std::unique_ptr<Nvml> nvml,
       const RunnerSandbox& sandbox, const MakeSite& make_site, Log& log)
      : log_(log),
        state_(std::move(state)),
        random_(random_seed()),
        nvml_(std::move(nvml)),
        power_("/sys", nvml_.get(), config.power.sensors),
        sensors_("", physics_of(config), power_, nvml_.get()),
        link_(make_channel(config, credentials, ChannelPurpose::kSession), io_.get_executor(),
              *this),
        bulk_(make_channel(config, credentials, ChannelPurpose::kBulk)),
        blobs_({.directory = state_.blobs(), .limit_bytes = config.cache_bytes}, bulk_, *this,
               clock_, io_.get_executor(), files_.get_executor(), random_.fork("blobs"), log),
        runners_({.program = config.runner.program, .cpu = config.cpu, .nice = config.runner.nice},
                 limit, sandbox, *this, clock_, io_.get_executor(), log),
        disk_(state_.path(), io_.get_executor(),
              [this](bool well) { step([&](Instant now) { journal_.synced(well, now); }); }),
        journal_({}, disk_),
        torch_(torch_options(config, nvml_.get()), runners_, log),
        site_(open_site(config, make_site)),
        agent_(agent_options(config, state_,
                             capabilities_of(config, limit, sandbox, power_, nvml_.get())),
               link_, journal_, engines(config), site_ ? site_->blobs() : blobs_, power_, sensors_,
               state_.newest_epoch(), random_.fork("session"), log,
               site_ ? std::optional(SiteParts{site_->link(), site_->port()}) : std::nullopt) {
    if (config.insecure_dev) {
      nag_.emplace(io_, log_, insecure_dev_sentence());
    }
    if (config.renews) {
      renewal_.emplace(Papers(config.state_dir), config.join, clock_, log_);
    }
    log_.info(
        "agent {} starts: {} slots, queue {}, engines {}, controller {}, cpu limit {} ({:g} "
        "processors a runner), energy {}",
        config.name, config.slots, config.queue_depth, config.engines.size(), config.controller,
        limit.method_name(), limit.quota(), power_.source());
  }

  Status run() {
    if (!failure_) {
      return failure_;  // of its site
    }
    if (auto restored = restore_journal(); !restored) {
      close_site();
      return restored;
    }
    wait_for_signal();
    step([this](Instant now) { agent_.start(now); });
    if (const Status open = health_.open(state_.path()); !open) {
      log_.warn("`skerry-agent health` will find nobody: {}", open.error().message);
    }
    manager_.ready();
    ::malloc_trim(0);  // what starting up needed once
    io_.run();
    drain();
    return failure_;
  }

 private:
  // What happens on the link to the site's own core.
  struct SiteEvents final : LinkEvents {
    explicit SiteEvents(Impl& daemon_in) : daemon(daemon_in) {}
    void link_opened(ConnectionId id) override {
      daemon.step([&](Instant now) { daemon.agent_.link_opened(now, id, Master::kSite); });
    }
    void link_received(ConnectionId id, std::vector<Incoming> frame) override {
      daemon.step([&](Instant now) {
        daemon.agent_.link_received(now, id, std::move(frame), Master::kSite);
      });
    }
    void link_written(ConnectionId id) override {
      daemon.step([&](Instant now) { daemon.agent_.link_written(now, id, Master::kSite); });
    }
    void link_closed(ConnectionId id, std::string reason) override {
      daemon.step([&](Instant now) { daemon.agent_.link_closed(now, id, reason, Master::kSite); });
    }

    Impl& daemon;
  };

  std::unique_ptr<LocalSite> open_site(const AgentConfig& config, const MakeSite& make_site) {
    if (!make_site) {
      return nullptr;
    }
    auto site = make_site(
        config,
        {.io = io_,
         .link_events = site_events_,
         .blob_events = *this,
         .blobs = blobs_,
         .bulk = bulk_,
         .bring =
             [this](SiteJob job) { step([&](Instant now) { agent_.bring(now, std::move(job)); }); },
         .clock = clock_,
         .log = log_,
         .folder = state_.path() + "/site",
         .identity = state_.identity()});
    if (!site) {
      failure_ = fail(std::move(site).error());
      return nullptr;
    }
    return *std::move(site);
  }

  // A full disk is no reason to stop: what it would have said is tried again, or told by the log.
  bool no_space(const Status& failed) {
    if (failed.error().code != ErrorCode::kNoCapacity) {
      return false;
    }
    log_.warn("{}", failed.error().message);
    return true;
  }

  // What an earlier process left.
  Status restore_journal() {
    const auto content = disk_.read();
    if (!content) {
      return fail(content.error());
    }
    const LogJournal::Restored restored = journal_.restore(*content);
    if (restored.dropped_bytes > 0) {
      log_.warn(
          "the last {} bytes of the journal are not as they were written, after a crash or by "
          "damage: they are kept in {}/journal.damaged, and what they said is done again",
          restored.dropped_bytes, state_.path());
      const std::string_view bytes(*content);
      if (auto kept = disk_.keep_damaged(bytes.substr(bytes.size() - restored.dropped_bytes));
          !kept && !no_space(kept)) {
        return kept;
      }
    }
    if (restored.accepted + restored.spooled > 0) {
      log_.info("from before the restart: {} attempts to run, {} results to deliver",
                restored.accepted, restored.spooled);
    }
    return {};
  }

  std::vector<Engine*> engines(const AgentConfig& config) {
    std::vector<Engine*> chosen;
    chosen.reserve(config.engines.size());
    for (const std::string& name : config.engines) {
      chosen.push_back(name == "torch" ? static_cast<Engine*>(&torch_) : &noop_);
    }
    return chosen;
  }

  // Every event ends here: the timer follows the agent, an epoch is durable before the next event
  // unless the disk is full, and the loop ends when the agent has, or when its journal fails.
  template <typename Event>
  void step(Event event) {
    event(clock_.now());
    if (renewal_) {
      renewal_->set_linked(agent_.session().live());
    }
    if (agent_.newest_epoch() != state_.newest_epoch() && clock_.now() >= save_epoch_at_) {
      Status saved = state_.save_epoch(agent_.newest_epoch());
      if (!saved && !no_space(saved)) {
        failure_ = std::move(saved);
        return io_.stop();
      }
      save_epoch_at_ = saved ? Instant() : clock_.now() + kFullRetry;
    }
    if (journal_.failed()) {
      failure_ = fail(ErrorCode::kIo, fmt::format("{}/journal cannot be written or synced: nothing "
                                                  "can be promised any more",
                                                  state_.path()));
      return io_.stop();
    }
    if (agent_.stopped()) {
      return end();
    }
    const Instant next = std::min(agent_.next_timer(), journal_.next_timer());
    if (next != armed_) {
      arm(next);
    }
  }

  // The loop ends once those who ask the site have their answers.
  void end() {
    if (!site_) {
      return io_.stop();
    }
    if (!std::exchange(ending_, true)) {
      site_->stop(kSiteGrace, [this] {
        site_ended_ = true;
        io_.stop();
      });
    }
  }

  // It takes work: the controller's, or its site's.
  Status readiness() const {
    return agent_.session().live() || site_ != nullptr
               ? Status()
               : fail(ErrorCode::kUnavailable, "not connected to the controller");
  }

  void close_site() {
    end();
    for (io_.restart(); site_ && !site_ended_; io_.restart()) {
      io_.run_one_for(std::chrono::milliseconds(20));
    }
  }

  void arm(Instant next) {
    armed_ = next;
    if (next == kNever) {
      timer_.cancel();
      return;
    }
    timer_.expires_after(std::max(next - clock_.now(), Duration(0)));
    timer_.async_wait([this](const boost::system::error_code& superseded) {
      if (!superseded) {
        armed_ = kNever;
        step([this](Instant now) {
          journal_.on_time(now);
          agent_.on_time(now);
        });
      }
    });
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error) {
        return;
      }
      if (stopping_) {
        return io_.stop();
      }
      stopping_ = true;
      manager_.stopping();
      health_.close();
      log_.info("stopping on signal {}: what waits is given back, what runs may end", signal);
      wait_for_signal();
      step([this](Instant now) { agent_.stop(now); });
    });
  }

  // Nothing may call back into what is about to be destroyed: calls end by themselves or are
  // cancelled, file jobs finish.
  void drain() {
    blobs_.close();
    const Instant patience = clock_.now() + kFlushLimit;
    bool cancelled = false;
    for (bool over = false; !over; over = link_.drained() && bulk_.drained()) {
      if (!cancelled && (clock_.now() >= patience || !agent_.stopped())) {
        cancelled = true;
        link_.cancel_all();
      }
      bulk_.cancel_all();
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(20));
    }
    close_site();
    files_.join();
    disk_.close();
  }

  void link_opened(ConnectionId id) override {
    step([&](Instant now) { agent_.link_opened(now, id); });
  }
  void link_received(ConnectionId id, std::vector<Incoming> frame) override {
    step([&](Instant now) { agent_.link_received(now, id, std::move(frame)); });
  }
  void link_written(ConnectionId id) override {
    step([&](Instant now) { agent_.link_written(now, id); });
  }
  void link_closed(ConnectionId id, std::string reason) override {
    step([&](Instant now) { agent_.link_closed(now, id, reason); });
  }
  void blob_fetched(Fetched fetched) override {
    step([&](Instant now) { agent_.blob_fetched(now, std::move(fetched)); });
  }
  void blob_stored(Stored stored) override {
    step([&](Instant now) { agent_.blob_stored(now, std::move(stored)); });
  }
  void bandwidth_measured(double bytes_per_s) override { sensors_.bandwidth_measured(bytes_per_s); }
  void runner_frame(RunnerId id, runner::Frame frame) override {
    step([&](Instant now) {
      torch_.received(now, id, std::move(frame));
      agent_.settle(now);
    });
  }
  void runner_exited(RunnerId id, RunnerExit exit) override {
    step([&](Instant now) {
      torch_.exited(now, id, exit);
      agent_.settle(now);
    });
  }

  Log& log_;
  SystemClock clock_;
  StateDir state_;
  Random random_;
  asio::io_context io_{1};
  asio::thread_pool files_{1};
  asio::steady_timer timer_{io_};
  std::optional<Nag> nag_;
  std::optional<Renewal> renewal_;
  service::HealthSocket health_{io_, [this] { return readiness(); }};
  service::Manager manager_{io_};
  asio::signal_set signals_{io_, SIGTERM, SIGINT};
  Instant armed_ = kNever;
  Instant save_epoch_at_{};
  bool stopping_ = false;
  bool ending_ = false;
  bool site_ended_ = false;
  Status failure_;
  SiteEvents site_events_{*this};

  std::unique_ptr<Nvml> nvml_;
  PowerSensors power_;
  MachineSensors sensors_;
  GrpcLink link_;
  BulkClient bulk_;
  ModelCache blobs_;
  RunnerProcesses runners_;
  JournalFile disk_;
  LogJournal journal_;
  NoopEngine noop_;
  TorchEngine torch_;
  std::unique_ptr<LocalSite> site_;
  Agent agent_;
};

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::make(const AgentConfig& config, const MakeSite& make_site,
                                             Log& log) {
  Result<StateDir> state = StateDir::open(config.state_dir);
  if (!state) {
    return fail(std::move(state).error());
  }
  const auto credentials = channel_credentials(config.controller, config.insecure_dev, config.tls);
  if (!credentials) {
    return fail(credentials.error());
  }
  auto nvml = Nvml::open();
  const CpuLimit limit = CpuLimit::detect(config.cpu);
  const auto sandbox = sandbox_of(config, nvml.get(), log);
  if (!sandbox) {
    return fail(sandbox.error());
  }
  return std::unique_ptr<Daemon>(new Daemon(std::make_unique<Impl>(
      config, *credentials, *std::move(state), limit, std::move(nvml), *sandbox, make_site, log)));
}

Status Daemon::run() { return impl_->run(); }

}  // namespace skerry::agent
