#include "tests/unit/api_fixture.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "common/digest.h"
#include "controller/metrics/metrics.h"
#include "tests/unit/memory_archive.h"
#include "tests/unit/word_policies.h"

namespace skerry::api {

namespace {

class ManualClock final : public Clock {
 public:
  Instant now() override { return instant_from_us(us_); }
  void advance(Duration by) { us_ += by.count(); }

 private:
  std::atomic<std::int64_t> us_ = 1'769'860'800'000'000;  // 2026-01-31T12:00:00Z
};

// An io_context on threads of its own.
struct Loop {
  explicit Loop(int threads) : io(threads) {
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([this] { io.run(); });
    }
  }
  ~Loop() { join(); }
  void join() {
    work.reset();
    running.clear();
  }
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::vector<std::jthread> running;
};

}  // namespace

core::Settings quick_settings() {
  core::Settings settings;
  settings.probe_runs = 0;
  settings.recovery_grace = Duration(0);
  settings.suspect_after = hours(1);
  settings.disconnected_after = hours(2);
  settings.reconnect_grace = Duration(0);
  settings.audit_key = "key";
  return settings;
}

struct TestApi::State final : public controller::Gateway {
  State(ApiOptions options, std::vector<ReadyCheck> ready_checks, auth::Mode mode,
        ModelTrust model_trust)
      : root(std::filesystem::path(testing::TempDir()) / ("api-" + to_hex(random_bytes(8)))),
        blobs(*blobs::BlobDir::open(root)),
        log("test", std::make_shared<spdlog::sinks::null_sink_mt>()),
        callers(mode),
        core(quick_settings(), 1, {.stopwatch = nullptr, .factory = &policies}),
        server(api_loop.io, std::move(options),
               ApiParts{.gateway = *this,
                        .blobs = *blobs,
                        .archive = archive,
                        .metrics = metrics,
                        .clock = clock,
                        .log = log,
                        .callers = callers,
                        .ready_checks = std::move(ready_checks),
                        .model_trust = std::move(model_trust)}) {
    run_on_core([this] { carry_out(core.restore({}, clock.now())); });
  }

  void run_on_core(std::move_only_function<void()> work) {
    std::promise<void> done;
    boost::asio::post(core_loop.io, [&] {
      work();
      done.set_value();
    });
    done.get_future().get();
  }

  // ---- the gateway
  core::Ticket ask(core::Event event,
                   std::move_only_function<void(Result<core::Reply>)> on_answer) override {
    const core::Ticket ticket = ++last_ticket;
    if (core::Ticket* number = core::ticket_of(event)) {
      *number = ticket;
    }
    if (before_ask) {
      before_ask(event);
    }
    boost::asio::post(core_loop.io, [this, ticket, event = std::move(event),
                                     on_answer = std::move(on_answer)]() mutable {
      waiting[ticket] = std::move(on_answer);
      carry_out(core.apply(std::move(event), clock.now()));
      count(asked);
    });
    return ticket;
  }
  void tell(core::Event event) override {
    boost::asio::post(core_loop.io, [this, event = std::move(event)]() mutable {
      const auto* abandon = std::get_if<core::Abandon>(&event);
      const bool is_abandon = abandon != nullptr;
      if (is_abandon) {
        waiting.erase(abandon->ticket);
      }
      carry_out(core.apply(std::move(event), clock.now()));
      if (is_abandon) {
        count(abandoned);
      }
    });
  }
  void inspect(std::move_only_function<void(const core::Core&, Instant)> look) override {
    boost::asio::post(core_loop.io,
                      [this, look = std::move(look)]() mutable { look(core, clock.now()); });
  }

  void carry_out(core::Effects effects) {
    for (const core::RecordWrite& write : effects.writes) {
      archive.keep(write);
    }
    for (const std::string& digest : core.made_durable(core.batches_written())) {
      blobs->abandon(digest);
    }
    EXPECT_TRUE(blobs->reap());
    for (core::Output& output : effects.outputs) {
      std::visit([this](auto& what) { deliver(what); }, output.what);
    }
  }
  void deliver(core::Answer& answer) {
    if (auto found = waiting.extract(answer.ticket)) {
      found.mapped()(std::move(answer.reply));
    }
  }
  void deliver(core::Happening& happening) {
    if (const auto* access = std::get_if<core::AccessChanged>(&happening)) {
      callers.heard(*access);
    }
    metrics.observe(happening);
    server.publish(happening, clock.now());
  }
  void deliver(core::Send& send) {
    const auto* assign = std::get_if<core::AssignAttempt>(&send.command);
    if (assign == nullptr) {
      return;
    }
    if (echoing) {
      boost::asio::post(core_loop.io, [this, attempt = *assign] {
        end(attempt, core::AttemptOutcome::kSucceeded, "", attempt.input);
      });
      return;
    }
    const std::scoped_lock lock(mutex);
    sessions[assign->attempt.uid] = send.session;
    assignments.push_back(*assign);
    changed.notify_all();
  }
  void end(const core::AssignAttempt& assigned, core::AttemptOutcome outcome,
           const std::string& error, Payload output) {
    const SessionId session = [&] {
      const std::scoped_lock lock(mutex);
      return sessions.contains(assigned.attempt.uid) ? sessions[assigned.attempt.uid]
                                                     : SessionId{last_session};
    }();
    carry_out(core.apply(core::AttemptStarted{session, assigned.attempt}, clock.now()));
    core::Usage usage{.service = milliseconds(2),
                      .energy_j = 0.5,
                      .energy_source = "modelled",
                      .cost_usd = 0.001};
    carry_out(core.apply(core::AttemptEnded{.session = session,
                                            .attempt = assigned.attempt,
                                            .outcome = outcome,
                                            .error = error,
                                            .output = std::move(output),
                                            .usage = usage},
                         clock.now()));
  }

  void count(std::size_t& counter) {
    const std::scoped_lock lock(mutex);
    ++counter;
    changed.notify_all();
  }
  template <typename Ready>
  bool await(Ready ready) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), ready);
  }

  std::filesystem::path root;
  std::unique_ptr<blobs::BlobDir> blobs;
  ManualClock clock;
  Log log;
  MemoryArchive archive;
  metrics::Metrics metrics;
  auth::Authenticator callers;
  WordPolicies policies;
  core::Core core;
  std::map<core::Ticket, std::move_only_function<void(Result<core::Reply>)>> waiting;
  std::atomic<core::Ticket> last_ticket = 0;
  std::atomic<std::uint64_t> last_session = 0;
  std::atomic<bool> echoing = false;
  std::function<void(const core::Event&)> before_ask;

  std::mutex mutex;
  std::condition_variable changed;
  std::size_t asked = 0;
  std::size_t abandoned = 0;
  std::deque<core::AssignAttempt> assignments;
  std::map<AttemptUid, SessionId> sessions;
  std::map<std::string, SessionId> agents;

  Loop core_loop{1};
  Loop api_loop{2};
  ApiServer server;
  std::uint16_t port = 0;
  bool stopped = false;
  std::promise<void> stop_done;
  std::future<void> stop_ended = stop_done.get_future();
};

TestApi::TestApi(ApiOptions options, std::vector<ReadyCheck> ready_checks, auth::Mode mode,
                 ModelTrust model_trust)
    : state_(std::make_unique<State>(std::move(options), std::move(ready_checks), mode,
                                     std::move(model_trust))) {
  const auto port = state_->server.start();
  EXPECT_TRUE(port) << port.error().message;
  state_->port = port.value_or(0);
}
TestApi::~TestApi() {
  stop();
  state_->core_loop.join();
  state_->api_loop.join();
  std::filesystem::remove_all(state_->root);
}
void TestApi::stop() {
  if (!std::exchange(state_->stopped, true)) {
    std::promise<void> stopped;
    state_->server.stop(Duration(0), [&] { stopped.set_value(); });
    stopped.get_future().get();
  }
}
void TestApi::begin_stop(Duration grace) {
  state_->stopped = true;
  state_->server.stop(grace, [this] { state_->stop_done.set_value(); });
}
void TestApi::cut() { state_->server.cut(); }
bool TestApi::has_stopped(Duration within) const {
  return state_->stop_ended.wait_for(within) == std::future_status::ready;
}
void TestApi::on_archive_read(std::function<void()> read) {
  state_->archive.on_read = std::move(read);
}

std::string TestApi::make_token(std::vector<core::Grant> grants) {
  const auth::FreshToken fresh = auth::make_token(auth::TokenKind::kCaller);
  state_->callers.directory().put(
      {.id = fresh.token.id, .secret_hash = fresh.token.secret_hash, .grants = std::move(grants)});
  return fresh.text;
}
void TestApi::edit_audit(const std::function<void(std::vector<core::AuditRecord>&)>& edit) {
  state_->archive.edit_audit(edit);
}

std::uint16_t TestApi::port() const { return state_->port; }
blobs::BlobDir& TestApi::blobs() { return *state_->blobs; }
void TestApi::before_ask(std::function<void(const core::Event&)> look) {
  state_->before_ask = std::move(look);
}

void TestApi::advance(Duration by) {
  state_->clock.advance(by);
  state_->run_on_core(
      [this] { state_->carry_out(state_->core.apply(core::Tick{}, state_->clock.now())); });
}
void TestApi::await_waiters(std::size_t asked) {
  EXPECT_TRUE(state_->await([&] { return state_->asked >= asked; }));
}
std::size_t TestApi::abandoned() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->abandoned;
}
void TestApi::await_abandoned(std::size_t count) {
  EXPECT_TRUE(state_->await([&] { return state_->abandoned >= count; }));
}

void TestApi::agent_joins(const std::string& name, std::uint32_t capacity) {
  state_->run_on_core([&] {
    const SessionId session{++state_->last_session};
    state_->agents[name] = session;
    core::AgentHello hello{.session = session,
                           .incarnation = 7,
                           .energy_source = "modelled",
                           .software_version = "1.2.3",
                           .capacity = capacity};
    hello.node.name = name;
    hello.node.engines = {"noop", "torch"};
    hello.node.slots = 4;
    hello.node.memory_bytes = 1ULL << 30;
    hello.node.labels = {{"zone", "a"}};
    state_->carry_out(state_->core.apply(std::move(hello), state_->clock.now()));
    state_->carry_out(state_->core.apply(core::Tick{}, state_->clock.now()));
  });
}
void TestApi::agent_leaves(const std::string& name) {
  state_->run_on_core([&] {
    state_->carry_out(state_->core.apply(core::SessionClosed{state_->agents.at(name), true},
                                         state_->clock.now()));
  });
}

core::AssignAttempt TestApi::assignment() {
  EXPECT_TRUE(state_->await([&] { return !state_->assignments.empty(); }))
      << "nothing was assigned";
  const std::scoped_lock lock(state_->mutex);
  if (state_->assignments.empty()) {
    return {};
  }
  core::AssignAttempt attempt = state_->assignments.front();
  state_->assignments.pop_front();
  return attempt;
}
void TestApi::succeed(const core::AssignAttempt& attempt, Payload output) {
  state_->run_on_core(
      [&] { state_->end(attempt, core::AttemptOutcome::kSucceeded, "", std::move(output)); });
}
void TestApi::fail(const core::AssignAttempt& attempt, core::AttemptOutcome outcome,
                   const std::string& error) {
  state_->run_on_core([&] { state_->end(attempt, outcome, error, {}); });
}
void TestApi::echo() { state_->echoing = true; }

void TestApi::put_noop_model(const std::string& name) {
  const Reply reply = call(
      "PUT", "/api/v1/models/" + name,
      R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":")" + name + R"("},"spec":{
      "engine":"noop","inputs":[{"name":"x","kind":"tensor","dtype":"f32","shape":[1,-1]}],
      "outputs":[{"name":"x","kind":"tensor"}],"variants":[{"name":"small","accuracy":0.9,"reference_ms":1}]}})");
  EXPECT_EQ(reply.status, 200) << reply.body;
}

std::string TestApi::submit(std::string_view body) {
  const Reply reply = call("POST", "/api/v1/jobs", body);
  EXPECT_EQ(reply.status, 202) << reply.body;
  return reply.status == 202 ? std::string(reply.json().at("id").as_string()) : "";
}

}  // namespace skerry::api
