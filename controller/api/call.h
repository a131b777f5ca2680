// call.h: what a handler is given, and how it asks the core and the disk.
//
// A Call is two pointers: copy it. Both outlive the handler that was given it.

#pragma once

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/log.h"
#include "common/model_trust.h"
#include "common/time.h"
#include "controller/api/body_budget.h"
#include "controller/api/denials.h"
#include "controller/api/http_service.h"
#include "controller/api/job_archive.h"
#include "controller/api/task.h"
#include "controller/auth/authenticator.h"
#include "controller/auth/permission.h"
#include "controller/blobs/blob_dir.h"
#include "controller/gateway.h"
#include "controller/metrics/metrics.h"

namespace skerry::api {

class EventRing;
class HttpServer;
class ManifestCache;
class NodeAuthority;
class Router;

// One condition of being ready, by name: "store", "leader". Called on any thread; must return at
// once.
struct ReadyCheck {
  std::string name;
  std::function<Status()> check;
  std::function<std::string()> note = {};  // what is worth knowing though it is ready
};

// What a request is answered instead of being handled, where that is another's affair; empty = all are
// handled here. Called on the connection's strand.
using TurnAway = std::function<std::optional<Response>(const Request& request)>;

// What all handlers share; owned by ApiServer.
struct Services {
  controller::Gateway& gateway;
  blobs::BlobDir& blobs;
  JobArchive& archive;
  metrics::Metrics& metrics;
  Clock& clock;
  Log& log;
  std::vector<ReadyCheck> ready_checks;
  TurnAway turn_away;
  ModelTrust model_trust;
  NodeAuthority* authority;  // nullptr: no machine can join here
  auth::Authenticator& callers;
  Denials& denials;
  asio::thread_pool& workers;  // for off_strand()
  ManifestCache& manifests;
  EventRing& events;
  Duration event_heartbeat{};
  BodyBudget& documents;  // of what is parsed from bodies
  const Router& router;
  std::string openapi;  // the document; made once, since asking for it is free
  const HttpServer* server = nullptr;
};

struct Call {
  Services* services;
  Exchange* exchange;

  Services* operator->() const { return services; }
  Request& request() const { return exchange->request(); }
};

// Whether the caller has this permission, here or (with an empty namespace) everywhere; and where they
// have it.
bool may(const Call& call, auth::Permission permission, std::string_view ns);
core::Within within(const Call& call, auth::Permission permission);
core::Within in_sight(const Call& call);  // where they were granted anything at all
// For the audit trail: what the caller asked for and may not do.
void note_denied(Services& services, const Request& request, std::string_view action,
                 std::string_view object, std::string_view ns, std::string_view why);
// The same, as an answer: 403.
Response deny(const Call& call, std::string_view action, std::string_view object,
              std::string_view ns, std::string why);

// Runs `look(core, now)` on the core's strand and yields what it returns; it must copy what it
// needs.
template <typename Look>
auto inspect(Call call, Look look) {
  using T = std::invoke_result_t<Look, const core::Core&, Instant>;
  return await_callback<T>([call, look = std::move(look)](auto done) mutable {
    call->gateway.inspect(
        [look = std::move(look), done = std::move(done)](
            const core::Core& core, Instant now) mutable { done(look(core, now)); });
  });
}

// Runs `work`, which returns a Result, on the pool for what would hold up the strand: the disk, and
// large documents.
template <typename Work>
auto off_strand(Call call, Work work) {
  using T = typename std::invoke_result_t<Work>::value_type;
  return await_callback<T>([call, work = std::move(work)](auto done) mutable {
    asio::post(call->workers,
               [work = std::move(work), done = std::move(done)]() mutable { done(work()); });
  });
}

// Applies the event, in the caller's name, and yields the core's answer.
Task<Result<core::Reply>> ask(Call call, core::Event event);
// The same for an answer that may take long. If the client goes away meanwhile, the core is told,
// and the result is kCancelled, which nobody reads.
Task<Result<core::Reply>> ask_while_connected(Call call, core::Event event);

}  // namespace skerry::api
