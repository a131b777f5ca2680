// authorities.cc: who signs for nodes, and how one authority follows another.

#include "controller/api/access_json.h"
#include "controller/api/handler_parts.h"
#include "controller/api/handlers.h"
#include "controller/api/json_reader.h"
#include "controller/api/node_authority.h"
#include "controller/api/problem.h"

namespace skerry::api {

namespace {

constexpr Duration kUsualAnnouncement = hours(48);
constexpr Duration kLongestAnnouncement = hours(30 * 24);

Response listed(const Call& call) {
  JsonWriter json;
  json.object().key("items").array();
  for (const AuthorityState& state : call->authority->authorities(call->clock.now())) {
    json.object()
        .member("fingerprint", state.fingerprint)
        .member("state", state.state)
        .member("signs_from", state.signs_from)
        .member("expires_at", state.expires_at)
        .end();
  }
  json.end().end();
  return json_response(200, json.take());
}

std::optional<Response> none_here(const Call& call) {
  return call->authority != nullptr
             ? std::nullopt
             : std::optional(problem(Error{ErrorCode::kUnsupported,
                                           "this controller has no authority: nodes join without "
                                           "certificates here (agent_tls: false)",
                                           {}}));
}

// In the audit trail before it is done: what is not written down does not happen.
Task<Status> note(Call call, std::string action, std::string object) {
  const Request& request = call.request();
  const auto noted = co_await ask(
      call,
      core::NoteInAudit{.entry = {.by = {.caller = request.caller.id, .address = request.address},
                                  .action = std::move(action),
                                  .object = std::move(object),
                                  .outcome = "done"}});
  co_return noted ? Status() : fail(noted.error());
}

}  // namespace

Task<Response> list_authorities(Call call) {
  auto none = none_here(call);
  co_return none ? *std::move(none) : listed(call);
}

Task<Response> rotate_authority(Call call) {
  if (auto none = none_here(call)) {
    co_return *std::move(none);
  }
  const auto document = co_await parse_body(call);
  if (!document) {
    co_return problem(document.error());
  }
  std::vector<FieldIssue> issues;
  JsonFields fields(&document->root(), "", issues);
  const double wanted_s = fields.number("announcement_s", to_seconds(kUsualAnnouncement), 0,
                                        to_seconds(kLongestAnnouncement));
  fields.finish();
  Status done = to_status(std::move(issues));
  done = done ? co_await note(call, "authority.rotate", {}) : std::move(done);
  done = done ? co_await off_strand(call,
                                    [call, wanted_s] {
                                      return call->authority->rotate(
                                          call->clock.now(), duration_from_seconds(wanted_s));
                                    })
              : std::move(done);
  co_return done ? listed(call) : problem(done.error());
}

Task<Response> forget_authority(Call call) {
  if (auto none = none_here(call)) {
    co_return *std::move(none);
  }
  const std::string fingerprint = call.request().param("fingerprint");
  Status done = co_await note(call, "authority.forget", fingerprint.substr(0, 80));
  done = done ? co_await off_strand(
                    call, [call, fingerprint] { return call->authority->forget(fingerprint); })
              : std::move(done);
  co_return done ? listed(call) : problem(done.error());
}

}  // namespace skerry::api
