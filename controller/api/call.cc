#include "controller/api/call.h"

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

}  // namespace

Task<Result<core::Reply>> ask(Call call, core::Event event) {
  return await_callback<core::Reply>([call, event = std::move(event)](auto done) mutable {
    call->gateway.ask(std::move(event), std::move(done));
  });
}

Task<Result<core::Reply>> ask_while_connected(Call call, core::Event event) {
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
