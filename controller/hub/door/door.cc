#include "controller/hub/door/door.h"

#include <utility>

#include "common/pki/verify.h"
#include "controller/hub/door/entrance.h"

namespace skerry::door {
namespace {

Result<pki::TlsContext> context_of(const DoorKeys& keys, Clock& clock) {
  return pki::TlsContext::server(
      {.identity = keys.identity,
       .check_peer =
           [trust = keys.trust, &clock](std::span<const pki::Certificate> chain) {
             return pki::verify(chain, trust, pki::Purpose::kNodeConnects, clock.now());
           },
       .alpn = "h2"});
}

}  // namespace

struct Door::State {
  State(const DoorOptions& given, const pki::TrustBundle& trust, Give give, Admission& admission,
        Clock& clock_of_main, Log& log)
      : options(given),
        clock(clock_of_main),
        bans(options.bans, options.ban),
        passages({.options = options,
                  .give = std::move(give),
                  .admission = admission,
                  .callers = callers,
                  .bans = bans,
                  .clock = clock,
                  .counters = counters,
                  .log = log},
                 trust),
        entrance({.options = options,
                  .passages = passages,
                  .bans = bans,
                  .clock = clock,
                  .counters = counters,
                  .log = log}) {}

  const DoorOptions options;
  Clock& clock;
  Counters counters;
  Callers callers;
  Bans bans;
  Passages passages;
  Entrance entrance;
  std::uint16_t port = 0;
};

Result<std::unique_ptr<Door>> Door::open(const std::string& address, std::uint16_t port,
                                         const DoorOptions& options, const DoorKeys& keys,
                                         Give give, Admission& admission, Clock& clock, Log& log) {
  auto context = context_of(keys, clock);
  if (!context) {
    return fail(std::move(context).error());
  }
  auto state = std::make_unique<State>(options, keys.trust, std::move(give), admission, clock, log);
  const auto bound = state->entrance.listen(address, port, *std::move(context));
  if (!bound) {
    return fail(bound.error());
  }
  state->port = *bound;
  return std::unique_ptr<Door>(new Door(std::move(state)));
}

Door::Door(std::unique_ptr<State> state) : state_(std::move(state)) {}

Door::~Door() { stop(); }

std::uint16_t Door::port() const { return state_->port; }

const Counters& Door::counters() const { return state_->counters; }

Status Door::set_keys(const DoorKeys& keys) {
  auto context = context_of(keys, state_->clock);
  if (!context) {
    return fail(std::move(context).error());
  }
  state_->entrance.set_context(*std::move(context));
  state_->passages.believe(keys.trust);
  return {};
}

void Door::disconnect(std::string_view node) { state_->passages.disconnect(std::string(node)); }

std::shared_ptr<const Caller> Door::caller(std::string_view secret) const {
  return state_->callers.find(secret);
}

void Door::close() { state_->entrance.stop(); }

void Door::stop() {
  state_->entrance.stop();
  state_->passages.stop();
}

}  // namespace skerry::door
