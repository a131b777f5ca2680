// health.cc: is it alive, is it ready, how is it doing, what is it.

#include <fmt/format.h>

#include "common/version.h"
#include "controller/api/event_ring.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/http_server.h"
#include "controller/api/problem.h"

namespace skerry::api {

Task<Response> get_livez(Call) {
  co_return Response{.content_type = "text/plain; charset=utf-8", .body = "ok\n"};
}

Task<Response> get_readyz(Call call) {
  std::string lines;
  bool ready = true;
  for (const ReadyCheck& check : call->ready_checks) {
    const Status status = check.check();
    ready = ready && status.has_value();
    const std::string note = check.note ? check.note() : std::string();
    lines += status ? fmt::format("[+] {} ok{}{}\n", check.name, note.empty() ? "" : ": ", note)
                    : fmt::format("[-] {}: {}\n", check.name, status.error().message);
  }
  const bool verbose = call.request().query_value("verbose").has_value() || !ready;
  Response response{.status = ready ? 200 : 503, .content_type = "text/plain; charset=utf-8"};
  response.body = (verbose ? lines : std::string()) + (ready ? "ok\n" : "not ready\n");
  if (!ready) {
    response.headers.emplace_back("Retry-After", "1");
  }
  co_return response;
}

Task<Response> get_metrics(Call call) {
  auto gauges = co_await inspect(call, [](const core::Core& core, Instant now) {
    return metrics::Gauges{.queue = core.queue_stats(now),
                           .nodes = core.nodes(),
                           .policies = core.policies(),
                           .quotas = core.quotas(),
                           .now = now};
  });
  if (!gauges) {
    co_return problem(gauges.error());
  }
  gauges->http_connections = call->server->connections();
  gauges->event_watchers = call->events.watchers();
  co_return Response{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                     .body = call->metrics.scrape(*gauges)};
}

Task<Response> get_version(Call) {
  JsonWriter json;
  json.object().member("version", kVersion).member("commit", kCommit).member("api", "v1").end();
  co_return json_response(200, json.take());
}

}  // namespace skerry::api
