// What a simulated node fetches from the controller's blob directory, and stores there.

#include <fmt/format.h>

#include <utility>

#include "tests/sim/sim_life.h"

namespace skerry::sim {

namespace {

constexpr Duration kGiveUp = minutes(2);

}  // namespace

void SimBlobs::fetch(agent::BlobTicket ticket, const std::string& digest, bool /*want_bytes*/) {
  owner.download(ticket, digest, owner.world_.now() + kGiveUp);
}

void SimBlobs::store(agent::BlobTicket ticket, std::shared_ptr<const std::string> bytes,
                     agent::Master /*to*/) {
  owner.upload(ticket, std::move(bytes));
}

void SimAgent::download(agent::BlobTicket ticket, std::string digest, Instant give_up) {
  later(network_delay() + duration_from_seconds(random_.exponential(0.1)),
        [this, ticket, digest = std::move(digest), give_up] {
          agent::Fetched fetched{.ticket = ticket};
          if (!reachable() || world_.controller_paused()) {
            if (world_.now() < give_up) {
              return later(seconds(1), [=, this] { download(ticket, digest, give_up); });
            }
            fetched.status = fail(ErrorCode::kUnavailable, "the controller cannot be reached");
          } else if (fetched.bytes = world_.blobs().read(digest); !fetched.bytes) {
            if (world_.core().blob_in_use(digest)) {
              world_.broke(fmt::format("{} is in use and not there", digest));
            }
            fetched.status = fail(ErrorCode::kNotFound, "nobody needs it any more");
          }
          step([&](Instant now) { life_->agent.blob_fetched(now, std::move(fetched)); });
        });
}

void SimAgent::upload(agent::BlobTicket ticket, std::shared_ptr<const std::string> bytes) {
  later(network_delay() + duration_from_seconds(random_.exponential(0.1)),
        [this, ticket, bytes = std::move(bytes)] {
          if (!reachable() || world_.controller_paused()) {
            return later(seconds(1), [=, this] { upload(ticket, bytes); });
          }
          std::string digest = world_.upload(bytes);
          if (!faults_over_ && random_.chance(0.1)) {  // the answer is lost
            return later(seconds(1), [=, this] { upload(ticket, bytes); });
          }
          step([&](Instant now) {
            life_->agent.blob_stored(now, {.ticket = ticket, .digest = std::move(digest)});
          });
        });
}

}  // namespace skerry::sim
