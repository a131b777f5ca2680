#include "controller/api/call.h"

#include "controller/api/problem.h"

namespace skerry::api {

namespace {

using OnAnswer = std::move_only_function<void(Result<core::Reply>)>;

// Whichever comes first, the core's answer or the client's leaving, resumes the handler. All of it
// is on its strand.
class Race {
 public:
  void settle(Result<core::Reply> result) {
    if (settled_) {
      return;
    }
    settled_ = true;
    if (resume_) {
      std::exchange(resume_, nullptr)(std::move(result));
    } else {
      result_ = std::move(result);
    }
  }
  void wait(OnAnswer resume) {
    if (settled_) {
      resume(std::move(result_));
    } else {
      resume_ = std::move(resume);
    }
  }

 private:
  bool settled_ = false;
  Result<core::Reply> result_;
  OnAnswer resume_;
};

void name_caller(const Call& call, core::Event& event) {
  if (core::By* by = core::by_of(event)) {
    *by = {.caller = call.request().caller.id, .address = call.request().address};
  }
}

}  // namespace

bool may(const Call& call, auth::Permission permission, std::string_view ns) {
  return auth::allows(call.request().caller.grants, permission, ns);
}

core::Within within(const Call& call, auth::Permission permission) {
  if (may(call, permission, {})) {
    return {};
  }
  std::vector<std::string> names;
  for (const core::Grant& grant : call.request().caller.grants) {
    if (auth::allows(grant.role, permission)) {
      names.push_back(grant.ns);
    }
  }
  return {.only = std::move(names)};
}

core::Within in_sight(const Call& call) {
  std::vector<std::string> names;
  for (const core::Grant& grant : call.request().caller.grants) {
    if (grant.ns.empty()) {
      return {};
    }
    names.push_back(grant.ns);
  }
  return {.only = std::move(names)};
}

void note_denied(Services& services, const Request& request, std::string_view action,
                 std::string_view object, std::string_view ns, std::string_view why) {
  constexpr std::size_t kMostShown = 200;  // bytes of what a stranger asked for
  services.denials.note(services.gateway,
                        {.by = {.caller = request.caller.id, .address = request.address},
                         .action = std::string(action),
                         .object = std::string(object.substr(0, kMostShown)),
                         .ns = std::string(ns),
                         .detail = std::string(why),
                         .outcome = "denied"},
                        services.clock.now());
}

Response deny(const Call& call, std::string_view action, std::string_view object,
              std::string_view ns, std::string why) {
  note_denied(*call.services, call.request(), action, object, ns, why);
  return problem(Error{ErrorCode::kPermissionDenied, std::move(why), {}});
}

Task<Result<core::Reply>> ask(Call call, core::Event event) {
  name_caller(call, event);
  return await_callback<core::Reply>([call, event = std::move(event)](auto done) mutable {
    call->gateway.ask(std::move(event), std::move(done));
  });
}

Task<Result<core::Reply>> ask_while_connected(Call call, core::Event event) {
  name_caller(call, event);
  const auto race = std::make_shared<Race>();
  const Executor executor = call.exchange->executor();
  const core::Ticket ticket =
      call->gateway.ask(std::move(event), [race, executor](Result<core::Reply> reply) {
        asio::post(executor,
                   [race, reply = std::move(reply)]() mutable { race->settle(std::move(reply)); });
      });
  call.exchange->watch([call, race, ticket] {
    call->gateway.tell(core::Abandon{ticket});
    race->settle(fail(ErrorCode::kCancelled, "the client went away"));
  });
  auto reply = co_await await_callback<core::Reply>(
      [race](auto done) mutable { race->wait(OnAnswer(std::move(done))); });
  co_await call.exchange->unwatch();
  co_return reply;
}

}  // namespace skerry::api
