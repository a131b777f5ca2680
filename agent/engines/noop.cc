#include "agent/engines/noop.h"

#include <utility>

#include "common/values.h"

namespace skerry::agent {

void NoopEngine::start(Instant, RunToken token, Work work) {
  auto output =
      work.input ? std::move(work.input) : std::make_shared<const std::string>(encode_values({}));
  ended_.push_back({.token = token, .output = std::move(output), .service = Duration(1)});
}

std::vector<RunEnded> NoopEngine::take_ended() { return std::exchange(ended_, {}); }

}  // namespace skerry::agent
