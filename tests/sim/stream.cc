#include "tests/sim/stream.h"

#include <algorithm>
#include <utility>

namespace skerry::sim {

namespace {

// How many of the messages are lost if a drawn number of the first ones still arrives.
template <typename Messages>
std::uint64_t lose_tail(Messages& messages, Random& random) {
  const std::size_t arrive = random.below(messages.size() + 1);
  const std::size_t lost = messages.size() - arrive;
  messages.resize(arrive);
  return lost;
}

}  // namespace

Stream::Stream(World& world, SessionId session, HeldUntil held_until)
    : world_(world),
      session_(session),
      life_(world.controller_life()),
      held_until_(std::move(held_until)) {}

void Stream::put(Way way, Duration delay, Deliver deliver) {
  Pipe& to = pipe(way);
  to.last = std::max(world_.now() + delay, to.last + Duration(1));
  to.messages.emplace_back(to.last, std::move(deliver));
  world_.after(to.last - world_.now(), [self = shared_from_this(), way] { self->pump(way); });
}

void Stream::pump(Way way) {
  Pipe& from = pipe(way);
  const Instant open = std::max(held_until_(way), from.held_until);
  if (!from.messages.empty() && world_.now() < open) {
    world_.after(open - world_.now(), [self = shared_from_this(), way] { self->pump(way); });
    return;
  }
  while (!from.messages.empty() && from.messages.front().first <= world_.now()) {
    auto deliver = std::move(from.messages.front().second);
    from.messages.pop_front();
    deliver(*this);
  }
}

bool Stream::agent_notices(Random& random, UnderWay to_controller) {
  if (!std::exchange(agent_open_, false)) {
    return false;
  }
  world_.probes().commands_lost += down_.messages.size();
  down_.messages.clear();
  if (to_controller == UnderWay::kLostInPart) {
    world_.probes().reports_lost += lose_tail(up_.messages, random);
  }
  return true;
}

bool Stream::controller_notices(Random& random) {
  const bool told = controller_open();
  if (!std::exchange(controller_open_, false)) {
    return false;
  }
  world_.probes().reports_lost += up_.messages.size();
  up_.messages.clear();
  world_.probes().commands_lost += lose_tail(down_.messages, random);
  return told;
}

}  // namespace skerry::sim
