#include "controller/api/api_server.h"

#include <fmt/format.h>

#include <boost/asio/thread_pool.hpp>

#include "controller/api/api_service.h"
#include "controller/api/event_ring.h"
#include "controller/api/http_server.h"
#include "controller/api/manifest_cache.h"
#include "controller/api/openapi.h"
#include "controller/api/router.h"

namespace skerry::api {

struct ApiServer::State {
  State(asio::io_context& io, ApiOptions given, ApiParts parts)
      : options(std::move(given)),
        router(api_routes()),
        workers(options.worker_threads),
        documents(options.limits.body_bytes),
        events(options.event_ring, fmt::format("{:x}", to_us(parts.clock.now()))),
        services{.gateway = parts.gateway,
                 .blobs = parts.blobs,
                 .archive = parts.archive,
                 .metrics = parts.metrics,
                 .clock = parts.clock,
                 .log = parts.log,
                 .ready_checks = std::move(parts.ready_checks),
                 .turn_away = std::move(parts.turn_away),
                 .model_trust = std::move(parts.model_trust),
                 .authority = parts.authority,
                 .callers = parts.callers,
                 .denials = denials,
                 .workers = workers,
                 .manifests = manifests,
                 .events = events,
                 .event_heartbeat = options.event_heartbeat,
                 .documents = documents,
                 .router = router,
                 .openapi = openapi_document(router.routes())},
        service(services, router),
        http(io, service, parts.clock, parts.log, options.limits, options.tls) {
    services.server = &http;
    parts.metrics.add_source([this] {
      std::vector figures{refused_connections()};
      if (http.speaks_tls()) {
        figures.push_back(handshakes());
      }
      return figures;
    });
  }

  metrics::Figure refused_connections() const {
    metrics::Figure figure{.name = "skerry_http_connections_refused_total",
                           .help =
                               "Connections that were not served (limit: too many; address: "
                               "too many from theirs)",
                           .kind = metrics::Figure::Kind::kCounter,
                           .samples = {}};
    for (const auto& [reason, why] :
         {std::pair("limit", Refusal::kFull), std::pair("address", Refusal::kAddressFull)}) {
      figure.samples.push_back(
          {.labels = {{"reason", reason}}, .value = static_cast<double>(http.refused(why))});
    }
    return figure;
  }

  metrics::Figure handshakes() const {
    metrics::Figure figure{.name = "skerry_tls_handshakes_total",
                           .help =
                               "TLS handshakes of the API's clients, by how they ended "
                               "(overdue: never begun, since too many others were)",
                           .kind = metrics::Figure::Kind::kCounter,
                           .samples = {}};
    const auto count = [&](const char* result, std::uint64_t value) {
      figure.samples.push_back(
          {.labels = {{"result", result}}, .value = static_cast<double>(value)});
    };
    count("ok", http.handshakes(Handshake::kDone));
    count("failed", http.handshakes(Handshake::kFailed));
    count("plain_text", http.handshakes(Handshake::kPlainText));
    count("timeout", http.handshakes(Handshake::kTimedOut));
    count("overdue", http.gate().overdue());
    return figure;
  }

  ApiOptions options;
  Router router;
  asio::thread_pool workers;
  ManifestCache manifests;
  BodyBudget documents;
  Denials denials;
  EventRing events;
  Services services;
  ApiService service;
  HttpServer http;
};

ApiServer::ApiServer(asio::io_context& io, ApiOptions options, ApiParts parts)
    : state_(std::make_unique<State>(io, std::move(options), std::move(parts))) {}
ApiServer::~ApiServer() = default;

Result<std::uint16_t> ApiServer::start() {
  return state_->http.start(state_->options.address, state_->options.port);
}

void ApiServer::publish(const core::Happening& happening, Instant now) {
  if (std::holds_alternative<core::ModelChanged>(happening)) {
    state_->manifests.drop();
  }
  state_->events.publish(happening, now);
}

void ApiServer::stop(Duration grace, std::move_only_function<void()> done) {
  state_->http.stop(grace, std::move(done));
}

void ApiServer::cut() { state_->http.cut(); }

}  // namespace skerry::api
