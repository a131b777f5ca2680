#include "tests/fuzz/http_world.h"

#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <chrono>
#include <filesystem>
#include <future>

#include "common/check.h"
#include "controller/api/http_connection.h"

// What OpenSSL keeps for a thread of the pool until that ends.
extern "C" const char*
__lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier,readability-identifier-naming)
  return "leak:CRYPTO_zalloc\n";
}

namespace skerry::fuzz {

namespace asio = api::asio;

namespace {

constexpr SessionId kAgent{1};

core::Settings settings() {
  core::Settings settings;
  settings.probe_runs = 0;
  settings.recovery_grace = Duration(0);
  settings.suspect_after = hours(1);
  settings.disconnected_after = hours(2);
  settings.audit_key = "key";
  return settings;
}

}  // namespace

HttpParts::HttpParts()
    : root(fmt::format("{}/skerry-fuzz-{}", std::filesystem::temp_directory_path().string(),
                       ::getpid())),
      blobs(*blobs::BlobDir::open(root)),
      router(api::api_routes()),
      log("fuzz", std::make_shared<spdlog::sinks::null_sink_mt>()) {}

HttpParts::~HttpParts() {
  workers.join();
  std::error_code ignored;
  std::filesystem::remove_all(root, ignored);
}

HttpWorld::HttpWorld(HttpParts& parts)
    : parts_(parts),
      policies_([] {}),
      core_(settings(), 1, {.factory = &policies_}),
      documents_(api::HttpLimits().body_bytes),
      events_(64, "fuzz"),
      services_{.gateway = *this,
                .blobs = *parts.blobs,
                .archive = *this,
                .metrics = metrics_,
                .clock = clock_,
                .log = parts.log,
                .ready_checks = {{.name = "store", .check = [] { return Status(); }}},
                .turn_away = {},
                .model_trust = {},
                .authority = nullptr,
                .callers = callers_,
                .denials = denials_,
                .workers = parts.workers,
                .manifests = manifests_,
                .events = events_,
                .event_heartbeat = minutes(1),
                .documents = documents_,
                .router = parts.router,
                .openapi = {}},
      service_(services_, parts.router),
      server_(io_, service_, clock_, parts.log, {}),
      shared_{.service = *this, .clock = clock_, .limits = {}, .tick = seconds(1)} {
  services_.server = &server_;
  carry_out(core_.restore({}, clock_.now()));
  ModelManifest manifest{.name = "m", .engine = "noop", .stateful = true};
  manifest.inputs.push_back({.name = "x", .kind = InputKind::kTensor, .shape = {1, -1}});
  manifest.outputs.push_back({.name = "x", .kind = OutputKind::kTensor});
  manifest.variants.push_back({.name = "v", .accuracy = 0.9, .reference_ms = 1});
  apply(core::PutModel{.ticket = ++tickets_, .manifest = std::move(manifest)});
  apply(core::AgentHello{
      .session = kAgent,
      .incarnation = 1,
      .node = {.name = "node", .engines = {"noop"}, .slots = 2, .memory_bytes = 1u << 30},
      .energy_source = "modelled",
      .capacity = 4});
}

HttpWorld::~HttpWorld() {
  askers_.clear();
  io_.poll();
  std::promise<void> idle;  // the pool lives on, and refers to the io_context until then
  asio::post(parts_.workers, [&idle] { idle.set_value(); });
  idle.get_future().get();
  io_.poll();
  check(parts_.blobs->sweep([](std::string_view) { return false; }).has_value(),
        "the blobs of an input are removed");
}

// ---- the core

core::Ticket HttpWorld::ask(core::Event event,
                            std::move_only_function<void(Result<core::Reply>)> on_answer) {
  const core::Ticket ticket = ++tickets_;
  if (core::Ticket* asked = core::ticket_of(event)) {
    *asked = ticket;
  }
  asio::post(io_,
             [this, ticket, event = std::move(event), on_answer = std::move(on_answer)]() mutable {
               askers_[ticket] = std::move(on_answer);
               apply(std::move(event));
             });
  return ticket;
}

void HttpWorld::tell(core::Event event) {
  asio::post(io_, [this, event = std::move(event)]() mutable {
    if (const auto* abandon = std::get_if<core::Abandon>(&event)) {
      askers_.erase(abandon->ticket);
    }
    apply(std::move(event));
  });
}

void HttpWorld::inspect(std::move_only_function<void(const core::Core&, Instant)> look) {
  asio::post(io_, [this, look = std::move(look)]() mutable { look(core_, clock_.now()); });
}

void HttpWorld::apply(core::Event event) { carry_out(core_.apply(std::move(event), clock_.now())); }

void HttpWorld::carry_out(core::Effects effects) {
  for (const core::RecordWrite& write : effects.writes) {
    if (const auto* result = std::get_if<core::ResultRecord>(&write)) {
      results_[result->id] = *result;
    } else if (const auto* decision = std::get_if<core::DecisionRecord>(&write)) {
      decisions_[{decision->job, decision->attempt}] = *decision;
    } else if (const auto* line = std::get_if<core::AuditRecord>(&write)) {
      audit_.push_back(*line);
    }
  }
  for (core::Output& output : effects.outputs) {
    if (auto* answer = std::get_if<core::Answer>(&output.what)) {
      if (auto asker = askers_.extract(answer->ticket)) {
        asker.mapped()(std::move(answer->reply));
      }
    } else if (const auto* happening = std::get_if<core::Happening>(&output.what)) {
      metrics_.observe(*happening);
      if (std::holds_alternative<core::ModelChanged>(*happening)) {
        manifests_.drop();
      }
      events_.publish(*happening, clock_.now());
    } else {
      echo(std::get<core::Send>(output.what));
    }
  }
}

void HttpWorld::echo(const core::Send& send) {
  if (const auto* assign = std::get_if<core::AssignAttempt>(&send.command)) {
    asio::post(io_, [this, attempt = assign->attempt, input = assign->input] {
      apply(core::AttemptEnded{.session = kAgent,
                               .attempt = attempt,
                               .output = input,
                               .usage = {.service = milliseconds(2)}});
    });
  }
}

// ---- the archive

Result<core::ResultRecord> HttpWorld::result(JobId id) const {
  const auto found = results_.find(id);
  return found == results_.end()
             ? Result<core::ResultRecord>(fail(ErrorCode::kNotFound, "no result"))
             : found->second;
}

Result<std::vector<core::DecisionRecord>> HttpWorld::decisions(JobId id) const {
  std::vector<core::DecisionRecord> found;
  for (auto it = decisions_.lower_bound({id, 0}); it != decisions_.end() && it->first.first == id;
       ++it) {
    found.push_back(it->second);
  }
  return found;
}

Result<std::vector<core::DecisionRecord>> HttpWorld::decisions_after(
    std::optional<api::DecisionPlace> place, std::size_t limit) const {
  auto it = place ? decisions_.upper_bound({place->job, place->attempt}) : decisions_.begin();
  std::vector<core::DecisionRecord> found;
  for (; it != decisions_.end() && found.size() < limit; ++it) {
    found.push_back(it->second);
  }
  return found;
}

Result<std::vector<core::AuditRecord>> HttpWorld::audit_after(std::uint64_t seq,
                                                              std::size_t limit) const {
  std::vector<core::AuditRecord> found;
  for (const core::AuditRecord& line : audit_) {
    if (line.seq > seq && found.size() < limit) {
      found.push_back(line);
    }
  }
  return found;
}

// ---- the connection

void HttpWorld::observe(const api::Dispatch& dispatch, std::string_view method, int status,
                        Duration took) {
  service_.observe(dispatch, method, status, took);
  observed_.push_back({.method = std::string(method), .status = status});
}

void HttpWorld::read_answers() {
  char buffer[16 * 1024];
  for (ssize_t got = 0; (got = ::recv(client_, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0;) {
    answers_.append(buffer, static_cast<std::size_t>(got));
  }
}

std::string HttpWorld::talk(std::string_view bytes, std::size_t piece_bytes) {
  int ends[2];
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a pair of sockets");
  client_ = ends[0];
  api::Socket socket{api::Executor(asio::make_strand(io_))};
  socket.assign(asio::ip::tcp::v4(), ends[1]);
  const api::Executor executor = socket.get_executor();
  auto connection = std::make_shared<api::Connection>(std::move(socket), "192.0.2.1", shared_);
  bool over = false;
  asio::co_spawn(
      executor, [](auto guest) -> api::Task<void> { co_await guest->run(); }(std::move(connection)),
      [&over](const std::exception_ptr& thrown) {
        check(thrown == nullptr, "no exception leaves a connection");
        over = true;
      });
  while (!bytes.empty() && !over) {
    const ssize_t sent = ::send(client_, bytes.data(), std::min(piece_bytes, bytes.size()),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    bytes.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
    io_.poll();
    io_.restart();
    read_answers();
  }
  ::shutdown(client_, SHUT_WR);
  while (!over) {
    io_.run_one_for(std::chrono::milliseconds(1));
    io_.restart();
    read_answers();
  }
  io_.poll();
  read_answers();
  ::close(std::exchange(client_, -1));
  return std::move(answers_);
}

}  // namespace skerry::fuzz
